"""One rider after another at a counter, in one browser session: the app never mixes up their data."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import HttpRequest
from django.test import Client
from django.urls import NoReverseMatch, include, path, reverse
from django.utils import timezone

from enrollment_errors.adapter import Adapter
from enrollment_errors.rider_session import ACCESS, END, LOST, MOST_LOST, TOLD
from enrollment_errors.testing.assertions import assert_ended
from enrollment_errors.testing.rider import Rider
from enrollment_errors.visit import forget_rider
from tests.site import TestAdapter
from tests.test_linking import KNOWN_WORDS

pytest_plugins = ["enrollment_errors.testing.plugin"]
pytestmark = pytest.mark.django_db

NAMESPACE = "enrollment_errors_in_person"
START = "/counter/"
OURS = (ACCESS, END, TOLD)
RIDER_REQUESTS = 10


class CounterAdapter(TestAdapter):
    def may_enroll_in_person(self, request: HttpRequest) -> bool:
        return Adapter.may_enroll_in_person(self, request)

    def get_staff_start_url(self, request: HttpRequest) -> str:
        return START


class Counter(Rider):
    """A staff member's browser."""

    def __init__(self) -> None:
        client = Client()
        user = User.objects.create(username="staff")
        user.user_permissions.add(Permission.objects.get(codename="enroll_in_person"))
        client.force_login(user)
        super().__init__(client, namespace=NAMESPACE)

    def confirms(self, **eligible: Any) -> Counter:
        """Does what the site's own view does after staff have seen the next rider's proof."""
        request = HttpRequest()
        request.session = self.client.session
        forget_rider(request, in_person=True)
        request.session["eligible"] = eligible
        request.session.save()
        return self

    def calls_the_next(self, page: Any) -> Any:
        """Presses the button on ``page``."""
        (address,) = re.findall(r'<form method="post" action="([^"]+)">', page.content.decode())
        return self.client.post(address)

    def loses(self, processor: Any, card: str = "card") -> Any:
        """Enrolls a card. The processor links it, but its answer is lost."""
        processor.loses_the_answer_at("link")
        processor.fails_at("groups", status=503)
        end = self.enrolls(card)
        processor.recovers()
        return end

    def kept(self) -> set[str]:
        return {name for name, cookie in self.client.cookies.items() if name in OURS and cookie.value}


@pytest.fixture(autouse=True)
def processor(enrollment_settings, settings, enrollment_processor):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    enrollment_settings(ADAPTER=f"{__name__}.CounterAdapter", RIDER_REQUESTS=RIDER_REQUESTS, BREAKER_FAILURES=100)
    enrollment_processor.state.add_card("card")
    return enrollment_processor


@pytest.fixture
def counter(processor):
    return Counter().confirms()


def text(page: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


def test_all_pages_are_the_staffs_by_the_views_too(counter, processor):
    pages = list(_every_page(counter, processor))
    assert [page.context["enrollment"]["page"] for page in pages] == PAGES
    for page in pages:
        assert page.templates[0].name == f"enrollment_errors/in_person/{page.context['enrollment']['page']}.html"
        assert not re.search(r"your card|you did nothing wrong|call ", text(page), re.IGNORECASE)
        assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")
        assert page.context["enrollment"]["home_url"] == START


PAGES = [
    "enroll",
    "success",
    "check_card",
    "system_error",
    "success",  # the same card again, as after a second click
    "system_error",
    "server_error",
    "still_checking",
    "too_early",
    "changed",
    "cannot_enroll",
    "too_many",
]


def _every_page(counter, processor):
    old = counter.opens_page()
    yield old.response
    yield counter.enrolls("card")
    yield counter.follows(counter.tells("refused", 400))
    processor.is_down()
    yield counter.follows(counter.asks_for_token())
    yield counter.enrolls("card")
    yield counter.enrolls("card-2")
    processor.recovers()
    processor.fails_at("lookup", status=400)
    yield counter.enrolls("card-2")
    processor.recovers()
    yield counter.confirms(group="group-veterans").loses(processor)
    processor.state.link(processor.state.add_card("expiring"), "group-seniors", timezone.now() + timedelta(days=99))
    yield counter.confirms(expires=True).enrolls("expiring")
    yield counter.enrolls("card", old)
    forgotten = counter.client.session
    del forgotten["eligible"]
    forgotten.save()
    yield counter.client.get("/staff/")
    counter.confirms()
    for _ in range(RIDER_REQUESTS + 3):  # a process lets a few more through
        page = counter.enrolls("card")
    yield page


def test_beside_the_reference_stand_the_code_and_the_advice(counter, processor):
    codes = {
        page.context["enrollment"]["page"]: page.context["enrollment"]["code"]
        for page in _every_page(counter, processor)
    }
    assert codes == {
        "enroll": "",
        "success": "",
        "check_card": "card_refused",
        "system_error": "processor_unreachable",
        "server_error": "request_refused",
        "still_checking": "link_answer_lost",
        "too_early": "reenrollment_too_early",
        "changed": "",
        "cannot_enroll": "",
        "too_many": "",
    }


def test_the_pages_script_is_told_in_the_staffs_words_too(counter, processor):
    processor.is_down()
    (error,) = counter.asks_for_token().json()["errors"]
    assert error["title"] == "The card cannot be enrolled right now"
    assert error["detail"].endswith("The rider’s card is not enrolled yet.")


def test_a_bug_of_the_site_has_its_code_there_too(counter, monkeypatch):
    def breaks(*args):
        raise RuntimeError("the site's own bug")

    monkeypatch.setattr(CounterAdapter, "get_enrollment", breaks)
    page = counter.client.get("/staff/", follow=True)
    assert (page.context["enrollment"]["page"], page.context["enrollment"]["code"]) == (
        "server_error",
        "unexpected_error",
    )


def test_a_success_that_somebody_has_to_look_into_says_so_to_staff(counter, processor):
    processor.fails_at("link", status=409, body=KNOWN_WORDS)
    page = counter.enrolls("card")
    assert (page.context["enrollment"]["page"], page.context["enrollment"]["code"]) == (
        "success",
        "already_linked_elsewhere",
    )
    assert page.context["enrollment"]["reference"] in text(page)


def test_next_rider_leads_to_where_the_site_begins_and_keeps_nothing(counter):
    assert counter.asks_for_token().status_code == 200
    end = counter.enrolls("card")
    assert counter.kept() == set(OURS)
    answer = counter.calls_the_next(end)
    assert (answer.status_code, answer["Location"]) == (303, START)
    assert counter.kept() == set()


def test_the_last_riders_proof_enrolls_nobody_else(counter, processor):
    old = counter.opens_page()
    counter.calls_the_next(old.response)
    processor.calls.clear()
    assert counter.opens_page().response.context["enrollment"]["page"] == "cannot_enroll"
    assert "Confirm first that the rider qualifies" in text(counter.opens_page().response)
    assert counter.enrolls("card", old).context["enrollment"]["page"] == "cannot_enroll"
    assert not processor.calls
    assert counter.confirms().enrolls("card").context["enrollment"]["page"] == "success"


def test_a_proof_of_their_own_online_does_not_bring_the_last_riders_back(counter, processor):
    """A staff member presses "Next rider", then enrolls online in the same browser."""
    counter.calls_the_next(counter.opens_page().response)
    request = HttpRequest()
    request.session = counter.client.session
    forget_rider(request)
    request.session.save()
    assert counter.opens_page().response.context["enrollment"]["page"] == "cannot_enroll"
    assert Rider(counter.client).opens_page().response.context["enrollment"]["page"] == "enroll"
    assert counter.confirms().opens_page().response.context["enrollment"]["page"] == "enroll"


def test_a_page_of_the_last_rider_enrolls_nobody_once_the_next_one_has_come(counter, processor):
    old = counter.opens_page()
    counter.calls_the_next(old.response)
    counter.confirms(group="group-veterans")
    assert counter.enrolls("card", old).context["enrollment"]["page"] == "changed"
    assert not processor.calls


@pytest.mark.parametrize("has_come", [False, True])
def test_back_shows_nothing_of_the_last_rider(counter, has_come):
    end = counter.enrolls("card")
    address = end.wsgi_request.get_full_path()
    assert "ending in " in text(counter.client.get(address))
    counter.calls_the_next(end)
    if has_come:
        counter.confirms(group="group-veterans")
    back = counter.client.get(address, follow=True)
    assert back.context["enrollment"]["page"] == ("enroll" if has_come else "cannot_enroll")
    assert back.context["enrollment"]["reference"] == ""
    assert "ending in " not in text(back)


def test_a_rider_whom_the_site_forgot_without_the_button_leaves_no_data_either(counter):
    address = counter.enrolls("card").wsgi_request.get_full_path()
    counter.confirms(group="group-veterans")
    back = counter.client.get(address)
    assert "This page is about an earlier rider" in text(back)
    assert "ending in " not in text(back)


def test_a_lost_answer_of_the_last_rider_is_settled_by_its_reference(counter, processor, enrollment_reports):
    lost = counter.loses(processor)
    address, reference = lost.wsgi_request.get_full_path(), lost.context["enrollment"]["reference"]
    counter.calls_the_next(lost)
    counter.confirms(group="group-veterans")
    assert "earlier rider" not in text(lost)
    page = counter.client.get(address)
    assert "This page is about an earlier rider" in text(page)
    assert (page.context["enrollment"]["reference"], page.context["enrollment"]["code"]) == (
        reference,
        "link_answer_lost",
    )
    enrollment_reports.clear()
    end = counter.checks_again(page)
    assert_ended(end, "success", told=enrollment_reports)
    assert "This page is about an earlier rider" in text(end)
    assert "ending in " not in text(end)
    assert "Give the card back" not in text(end)
    assert end.context["enrollment"]["reference"] in text(end)
    assert enrollment_reports[0].enrollment.group_id == "group-seniors"
    assert len(processor.state.groups["group-seniors"].links) == 1


def test_a_settled_answer_of_an_earlier_rider_is_told_under_that_riders_name(counter, processor, enrollment_reports):
    lost = counter.loses(processor)
    (of_the_rider,) = {report.origin.identity.user_id for report in enrollment_reports}
    counter.calls_the_next(lost)
    counter.confirms(group="group-veterans").enrolls("card")
    enrollment_reports.clear()
    counter.checks_again(counter.client.get(lost.wsgi_request.get_full_path()))
    assert [report.origin.identity.user_id for report in enrollment_reports] == [of_the_rider]


def test_next_rider_is_a_post_from_our_own_page(counter):
    assert counter.client.get("/staff/next-rider/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = counter.client.cookies
    answer = strict.post("/staff/next-rider/")
    assert (answer.status_code, answer.context["enrollment"]["page"]) == (403, "cannot_enroll")
    assert counter.opens_page().response.context["enrollment"]["page"] == "enroll"


def test_a_start_that_the_site_cannot_name_is_its_root(counter, monkeypatch):
    def breaks(*args):
        raise RuntimeError("the site's own bug")

    for start in (breaks, lambda *args: "https://evil.example/"):
        monkeypatch.setattr(CounterAdapter, "get_staff_start_url", start)
        page = counter.confirms().opens_page().response
        assert page.context["enrollment"]["home_url"] == "/"
        assert counter.calls_the_next(page)["Location"] == "/"


def test_a_page_speaks_to_staff_whatever_fails_around_it(counter, monkeypatch, settings):
    def breaks(*args):
        raise RuntimeError("the site's own bug")

    monkeypatch.setattr(CounterAdapter, "get_page_context", breaks)
    assert "Enroll the rider’s contactless card" in text(counter.opens_page().response)
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.failing"]
    settings.ROOT_URLCONF = f"{__name__}"
    page = Client(raise_request_exception=False).get("/staff/")
    assert page.status_code == 500
    assert "We could not enroll the rider’s card." in text(page)


def failing(get_response: Any) -> Any:
    def middleware(request: HttpRequest) -> Any:
        raise RuntimeError("a middleware's own bug")

    return middleware


handler500 = "enrollment_errors.views.handler500"
urlpatterns = [path("staff/", include("enrollment_errors.in_person_urls"))]


def test_a_site_may_call_the_inclusion_as_it_likes_and_give_it_templates(counter, settings, tmp_path):
    folder = tmp_path / "enrollment_errors" / "window"
    folder.mkdir(parents=True)
    (folder / "enroll.html").write_text("Window {{ page }} {{ next_rider_url }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.ROOT_URLCONF = "tests.in_person_elsewhere"
    window = Rider(counter.client, namespace="benefits:window")
    assert window.url == "/benefits/window/"
    page = window.opens_page().response
    assert page.context["enrollment"]["next_rider_url"] == "/benefits/window/next-rider/"
    assert "Enroll the rider’s contactless card" in text(page)


def test_self_service_has_no_next_rider(counter):

    page = Rider(counter.client).opens_page().response
    assert page.context["enrollment"]["page"] == "enroll"
    assert "next_rider_url" not in page.context
    with pytest.raises(NoReverseMatch):
        reverse("enrollment_errors:next_rider")


@pytest.mark.ci_only
def test_200_riders_of_a_busy_day_leave_nothing_to_the_next(counter, processor, enrollment_reports):
    """A success, a refused card, a lost answer, and an outage, over and over, in one browser."""
    seen: set[str] = set()
    for number in range(200):
        card = f"card-{number}"
        processor.state.add_card(card)
        counter.confirms(group="group-seniors" if number % 2 else "group-veterans", expires=number % 8 > 3)
        start = counter.opens_page().response
        kind = number % 4
        if kind == 0:
            end = counter.enrolls(card)
        elif kind == 1:
            end = counter.follows(counter.tells("refused", 400))
        elif kind == 2:
            end = counter.loses(processor, card)
        else:
            processor.is_down()
            end = counter.follows(counter.asks_for_token())
            processor.recovers()
        assert end.context["enrollment"]["page"] == ("success", "check_card", "still_checking", "system_error")[kind]
        for page in (start, end):
            assert not [old for old in seen if old in page.content.decode()]
            assert not page.context.get("is_of_earlier_rider")
        made_for = re.findall(r'name="made_for" value="(\w+)"', start.content.decode())
        seen |= {enrollment_reports[-1].reference, enrollment_reports[-1].origin.identity.user_id, *made_for}
        counter.calls_the_next(end)
        assert counter.kept() == set()
    assert len(seen) == 3 * 200
    lost = [name for name, cookie in counter.client.cookies.items() if name.startswith(LOST) and cookie.value]
    assert len(lost) == MOST_LOST
    assert sum(len(group.links) for group in processor.state.groups.values()) == 100
