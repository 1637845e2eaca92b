"""A card gets the benefit that the page named, for the rider who saw that page, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any, ClassVar

import pytest
from django.conf import settings as django_settings
from django.http import HttpRequest
from django.test import Client, RequestFactory

from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.processors.types import Tokenization, TokenizationRequest
from enrollment_errors.visit import KEY, forget_rider
from tests.rider import CARD_TOKEN, Rider
from tests.test_redirect_flow import GatewayProcessor, GatewayRider, gateway  # noqa: F401  a fixture

ENGINES = ["db", "cached_db", "cache", "file", "signed_cookies"]
SENIORS, VETERANS = "group-seniors", "group-veterans"


@pytest.fixture(params=ENGINES)
def engine(request, settings, tmp_path, db):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{request.param}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    return request.param


def members(sandbox, group):
    return list(sandbox.state.groups[group].links) if group in sandbox.state.groups else []


class SlowProcessor(LittlepayProcessor):
    """So slow that something else happens in another tab before it answers."""

    meanwhile: ClassVar[Callable[[], Any]]

    def request_tokenization(self, return_url: str, asked: TokenizationRequest) -> Tokenization:
        tokenization = super().request_tokenization(return_url, asked)
        type(self).meanwhile()
        return tokenization

    def link(self, *args: Any) -> None:
        super().link(*args)
        type(self).meanwhile()


@pytest.fixture
def meanwhile(site, settings, monkeypatch):
    """Decides what happens, once, during a call for a token or a link."""
    accounts = settings.ENROLLMENT_ERRORS["ACCOUNTS"]
    site(ACCOUNTS={"littlepay": {**accounts["littlepay"], "CLASS": f"{__name__}.SlowProcessor"}})

    def happens(change: Callable[[], Any]) -> None:
        def once() -> None:
            monkeypatch.setattr(SlowProcessor, "meanwhile", lambda: None)
            change()

        monkeypatch.setattr(SlowProcessor, "meanwhile", once, raising=False)

    happens(lambda: None)
    return happens


class TestALateAnswer:
    def test_of_the_token_view_never_brings_the_sites_old_session_back(self, meanwhile, engine):
        rider = Rider().becomes_eligible(group=SENIORS)
        rider.opens_the_page()
        tab = in_another_tab(rider)
        meanwhile(lambda: tab.becomes_eligible(group=VETERANS))
        response = rider.posts_as_the_script("/enrollment/token/", {})
        assert response.status_code == 200
        assert "sessionid" not in response.cookies
        assert tab.client.session["eligible"] == {"group": VETERANS}

    def test_of_an_enrollment_never_undoes_a_sign_out(self, meanwhile, engine):
        rider = Rider().becomes_eligible()
        rider.opens_the_page()
        tab = in_another_tab(rider)
        meanwhile(lambda: tab.client.session.flush())
        response = rider.client.post("/enrollment/", {**rider.hidden, "card_token": CARD_TOKEN})
        assert response["Location"].startswith("/enrollment/success/")
        assert not response.cookies.get("sessionid") or response.cookies["sessionid"].value == ""
        if engine != "signed_cookies":
            assert "eligible" not in tab.client.session

    def test_leaves_the_second_benefit_to_the_second_page(self, sandbox, meanwhile, engine):
        """A slow token, Back, another benefit, a quick token, Enroll."""
        rider = Rider().becomes_eligible(group=SENIORS)
        rider.opens_the_page()
        tab = in_another_tab(rider)
        meanwhile(lambda: tab.becomes_eligible(group=VETERANS).asks_for_token())
        late = rider.posts_as_the_script("/enrollment/token/", {})
        tab.client.cookies.update(late.cookies)
        assert tab.sends_the_form().page == "success"
        assert members(sandbox, SENIORS) == []
        assert members(sandbox, VETERANS) == [sandbox.state.card(CARD_TOKEN).id]

    def test_to_another_benefit_is_not_taken_for_this_ones_access(self, sandbox, rider):
        old = rider.asks_for_token()
        rider.becomes_eligible(group=VETERANS)
        rider.client.cookies.update(old.cookies)
        assert rider.asks_for_token().json()["token"] != old.json()["token"]


class TestAPageThatWasMadeForSomethingElse:
    CHANGES = [
        {"group": VETERANS},
        {"flow": "veteran"},
        {"verifier": "va.gov"},
        {"expires": True},
        {"agency": "harbor"},
    ]

    @pytest.mark.parametrize("change", CHANGES, ids=str)
    def test_calls_nobody_and_leads_to_a_page_that_says_so(self, sandbox, rider, change):
        rider.opens_the_page()
        rider.becomes_eligible(**change)
        end = rider.sends_the_form()
        assert (end.page, end.status) == ("changed", 409)
        assert "This page is out of date" in end.text
        for url in ("token", "card-form"):
            response = rider.posts_as_the_script(f"/enrollment/{url}/", {"event": "refused"})
            assert response.status_code == 409
            [error] = response.json()["errors"]
            assert error["code"] == "changed"
            assert rider.goes_to(response.json()["redirect"]).page == "changed"
        assert sandbox.calls == {}

    def test_is_named_as_such_in_the_other_inclusion_too(self, sandbox, rider):
        rider.opens_the_page()
        response = rider.client.post("/staff/", {**rider.hidden, "card_token": CARD_TOKEN})
        assert response.status_code == 409
        assert sandbox.calls == {}

    @pytest.mark.parametrize("made_for", ["", "forged", "0" * 64, "\x00", "ä" * 64])
    def test_cannot_be_forged(self, sandbox, rider, made_for):
        rider.opens_the_page()
        response = rider.client.post("/enrollment/", {"made_for": made_for, "card_token": CARD_TOKEN})
        assert response.status_code == 409
        assert sandbox.calls == {}

    def test_enrolls_while_the_secret_key_is_rotated(self, sandbox, rider, settings):
        rider.opens_the_page()
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another-secret-key-of-the-tests"
        assert rider.sends_the_form().page == "success"


class TestTheNextRiderAtTheSameDesk:
    @pytest.fixture
    def desk(self, gateway):  # noqa: F811
        return GatewayRider().becomes_eligible(account="gateway")

    def test_is_not_given_the_visit_of_the_one_before(self, desk):
        desk.registers()
        next_rider(desk)
        desk.registers()
        assert len(GatewayProcessor.registrations) == 2
        assert desk.comes_back().page == "success"
        assert [card for card, _ in GatewayProcessor.links] == ["card-2"]

    def test_does_not_end_the_visit_of_the_one_before_by_its_way_back(self, desk):
        way_back = desk.registers().way_back
        next_rider(desk)
        desk.registers()
        assert desk.goes_to(way_back).page == "changed"
        assert GatewayProcessor.links == {}

    def test_does_not_send_the_page_of_the_one_before(self, sandbox, rider):
        rider.opens_the_page()
        next_rider(rider)
        assert rider.sends_the_form().page == "changed"
        assert sandbox.calls == {}

    def test_gets_an_access_to_the_card_form_of_their_own(self, sandbox, rider):
        first = rider.asks_for_token().json()["token"]
        assert rider.asks_for_token().json()["token"] == first
        next_rider(rider)
        assert rider.asks_for_token().json()["token"] != first

    def test_is_not_shown_the_success_or_the_dates_of_the_one_before(self, sandbox, site):
        rider = Rider().becomes_eligible(expires=True)
        end = rider.enrolls()
        assert "<dl" in end.text
        next_rider(rider)
        assert "<dl" not in rider.goes_to(end.url).text
        assert rider.enrolls().page == "too_early"

    def test_after_a_flushed_session_is_another_visit_without_any_call(self, sandbox, site, engine):
        rider = Rider().becomes_eligible()
        first = rider.asks_for_token().json()["token"]
        rider.client.session.flush()
        del rider.client.cookies["sessionid"]
        assert rider.becomes_eligible().asks_for_token().json()["token"] != first

    def test_in_the_other_inclusion_has_a_visit_of_its_own(self, sandbox, rider):
        first = rider.asks_for_token().json()["token"]
        staff = in_another_tab(rider, base="/staff/")
        assert staff.asks_for_token().json()["token"] != first

    def test_may_be_forgotten_without_anything_being_kept(self, site):
        request = RequestFactory().get("/")
        request.session = Client().session
        forget_rider(request)
        assert set(request.session.keys()) == {KEY}


def test_the_visit_is_put_into_the_session_as_it_is_now_and_not_as_it_was(sandbox, site, settings, db, monkeypatch):
    """While the enroll page renders, slowly, the session qualifies for something else."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    rider = Rider().becomes_eligible(group=SENIORS)
    from tests import site as test_site

    def earns_another(self: Any, request: HttpRequest, page: str) -> dict[str, Any]:
        in_another_tab(rider).becomes_eligible(group=VETERANS)
        return {}

    monkeypatch.setattr(test_site.TestAdapter, "get_page_context", earns_another)
    rider.opens_the_page()
    assert rider.client.session["eligible"] == {"group": VETERANS}


def in_another_tab(rider: Rider, **rest: Any) -> Rider:
    tab = Rider(**rest)
    tab.client.cookies = SimpleCookie({name: cookie.value for name, cookie in rider.client.cookies.items()})
    tab.page = rider.page
    return tab


def next_rider(rider: Rider) -> None:
    """Does what a site's own view does, with the request's session."""
    request = HttpRequest()
    request.session = rider.client.session
    forget_rider(request)
    request.session.save()
    rider.client.cookies[django_settings.SESSION_COOKIE_NAME] = request.session.session_key
