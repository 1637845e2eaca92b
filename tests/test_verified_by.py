"""Reports identify the staff member who enrolled a rider by an ID, not a name, and say nothing about the rider."""

from __future__ import annotations

import logging
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.http import HttpRequest

from enrollment_errors.adapter import Adapter
from enrollment_errors.incidents.models import DIMENSIONS
from enrollment_errors.staff import staff_id
from enrollment_errors.testing.rider import Rider
from tests.rider import Rider as Eligible
from tests.site import TestAdapter

pytest_plugins = ["enrollment_errors.testing.plugin"]
pytestmark = pytest.mark.django_db


class CounterAdapter(TestAdapter):
    def may_enroll_in_person(self, request: HttpRequest) -> bool:
        return Adapter.may_enroll_in_person(self, request)


class StaffOfAnotherSystem(TestAdapter):
    def get_staff_member(self, request: HttpRequest) -> str:
        return "employee 4711"


class CannotSayWho(CounterAdapter):
    def get_staff_member(self, request: HttpRequest) -> str:
        raise RuntimeError("the site's own bug")


class CannotSayWhether(CannotSayWho):
    def may_enroll_in_person(self, request: HttpRequest) -> bool:
        raise RuntimeError("the site's own bug")


@pytest.fixture(autouse=True)
def site(enrollment_settings, settings, enrollment_processor):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    enrollment_settings(ADAPTER=f"{__name__}.CounterAdapter")
    enrollment_processor.state.add_card("card")
    return enrollment_processor


def staff(username: str = "sam") -> User:
    user = User.objects.create(username=username)
    user.user_permissions.add(Permission.objects.get(codename="enroll_in_person"))
    return user


def counter_of(user: User | None) -> Rider:
    client = Eligible().becomes_eligible().client
    if user:
        client.force_login(user)
    return Rider(client, namespace="enrollment_errors_in_person")


def verified_by(reports: Any) -> list[str]:
    return [report.verified_by for report in reports]


def test_what_staff_do_is_told_under_an_id_that_stays_theirs(enrollment_reports):
    sam, kim = staff("sam"), staff("kim")
    counter_of(sam).enrolls("card")
    counter_of(sam).tells("refused", 400)
    counter_of(kim).enrolls("card")
    assert verified_by(enrollment_reports) == [staff_id(str(sam.pk))] * 2 + [staff_id(str(kim.pk))]
    assert len(set(verified_by(enrollment_reports))) == 2


def test_the_id_tells_nothing_of_the_user(enrollment_reports):
    sam = staff("sam.of.the.counter")
    counter_of(sam).enrolls("card")
    (told,) = verified_by(enrollment_reports)
    assert len(told) == 32
    assert sam.username not in told
    assert int(told, 16)


def test_a_user_who_enrolls_online_is_not_staff(enrollment_reports):
    counter = counter_of(staff())
    Rider(counter.client).enrolls("card")
    assert verified_by(enrollment_reports) == [""]


def test_a_site_whose_staff_are_no_django_users_says_who_they_are(enrollment_settings, enrollment_reports):
    enrollment_settings(ADAPTER=f"{__name__}.StaffOfAnotherSystem")
    counter_of(None).enrolls("card")
    assert verified_by(enrollment_reports) == [staff_id("employee 4711")]


def test_a_site_that_says_nothing_of_its_staff_enrolls_all_the_same(enrollment_settings, enrollment_reports):
    enrollment_settings(ADAPTER="tests.site.TestAdapter")
    assert counter_of(None).enrolls("card").context["enrollment"]["page"] == "success"
    assert verified_by(enrollment_reports) == [""]


def test_a_site_that_cannot_say_who_enrolls_all_the_same_and_operators_hear(
    enrollment_settings, enrollment_reports, caplog
):
    enrollment_settings(ADAPTER=f"{__name__}.CannotSayWho")
    with caplog.at_level(logging.ERROR, "enrollment_errors"):
        assert counter_of(staff()).enrolls("card").context["enrollment"]["page"] == "success"
    assert verified_by(enrollment_reports) == [""]
    assert "Adapter.get_staff_member: RuntimeError" in caplog.text


def test_who_it_is_is_not_asked_of_somebody_who_may_not_enroll(enrollment_settings, enrollment_reports, caplog):
    enrollment_settings(ADAPTER=f"{__name__}.CannotSayWhether")
    with caplog.at_level(logging.ERROR, "enrollment_errors"):
        assert counter_of(staff()).opens_page().response.status_code == 500
    assert verified_by(enrollment_reports) == [""]
    assert "get_staff_member" not in caplog.text


def test_an_incident_knows_it_and_the_counts_do_not(site, enrollment_incidents, admin_client):
    sam = staff()
    site.is_down()
    counter_of(sam).enrolls("card")
    (incident,) = enrollment_incidents()
    assert incident.verified_by == staff_id(str(sam.pk))
    assert "verified_by" not in DIMENSIONS
    page = admin_client.get(f"/admin/enrollment_incidents/incident/{incident.pk}/change/").content.decode()
    assert incident.verified_by in page


def who(*arguments: str) -> str:
    out = StringIO()
    call_command("enrollment_verified_by", *arguments, stdout=out)
    return out.getvalue().strip()


def test_an_agency_finds_out_who_it_was():
    staff("kim")
    sam = staff("sam")
    assert who(staff_id(str(sam.pk))) == "sam"


def test_an_id_from_before_the_secret_key_was_rotated_is_still_somebodys(settings):
    before = staff_id(str(staff().pk))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert who(before) == "sam"
    assert staff_id(str(User.objects.get().pk)) != before


def test_an_id_of_nobody_is_said_to_be_nobodys():
    staff()
    with pytest.raises(CommandError, match="No user has this id"):
        who("0" * 32)
