"""Under the namespace ``in_person`` nobody enrolls anybody without the permission, whatever the session says."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest
from django.test import Client

from enrollment_errors.adapter import Adapter
from enrollment_errors.models import InPersonEnrollment
from enrollment_errors.testing.assertions import assert_ended
from enrollment_errors.testing.rider import Rider
from tests.rider import Rider as Eligible
from tests.site import TestAdapter

pytest_plugins = ["enrollment_errors.testing.plugin"]
pytestmark = pytest.mark.django_db


class GuardedAdapter(TestAdapter):
    """Says of every session with a benefit that it may enroll, at the staff's address too."""

    def may_enroll_in_person(self, request: HttpRequest) -> bool:
        return Adapter.may_enroll_in_person(self, request)


@pytest.fixture(autouse=True)
def site(enrollment_settings, settings, enrollment_processor):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    enrollment_settings(ADAPTER=f"{__name__}.GuardedAdapter")
    enrollment_processor.state.add_card("card")


def signed_in(client: Client, *permissions: str, **kind: bool) -> Client:
    user = User.objects.create(username="somebody", **kind)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


@pytest.fixture
def client():
    return Eligible().becomes_eligible().client


def test_staff_with_the_permission_enroll(client, enrollment_reports):
    rider = Rider(signed_in(client, "enroll_in_person"), namespace="in_person")
    assert rider.asks_for_token().json()["token"]
    assert_ended(rider.enrolls("card"), "success", told=enrollment_reports)


KINDS = {
    "nobody": lambda client: client,
    "somebody who is signed in": lambda client: signed_in(client),
    "staff for other things": lambda client: signed_in(client, "view_incident", is_staff=True),
    "staff who have left": lambda client: signed_in(client, "enroll_in_person", is_active=False),
}


@pytest.mark.parametrize("who", KINDS)
def test_nobody_else_gets_anything_done(client, enrollment_processor, enrollment_reports, who):
    client = KINDS[who](client)
    assert client.get("/staff/").context["page"] == "cannot_enroll"
    assert client.post("/staff/", {"card_token": "card"}).context["page"] == "cannot_enroll"
    for path in ("/staff/token/", "/staff/card-form/"):
        answer = client.post(path, {"event": "started"}, content_type="application/json")
        assert answer.status_code == 403
        assert answer.json()["errors"][0]["code"] == "not_eligible"
    assert not enrollment_processor.calls
    assert enrollment_reports == []


def test_a_page_of_a_site_without_users_says_so_too(client, settings, enrollment_processor):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if ".auth." not in name and ".messages." not in name]
    assert client.get("/staff/").context["page"] == "cannot_enroll"


def test_a_permission_that_is_taken_away_counts_at_the_next_request(client, enrollment_processor):
    rider = Rider(signed_in(client, "enroll_in_person"), namespace="in_person")
    page = rider.opens_page()
    User.objects.get().user_permissions.clear()
    assert rider.enrolls("card", page).context["page"] == "cannot_enroll"
    assert not enrollment_processor.calls


def test_result_pages_tell_strangers_nothing_of_the_agency(client):
    assert client.get("/enrollment/cannot-enroll/").context["agency"] is not None
    assert client.get("/staff/cannot-enroll/").context["agency"] is None


def test_self_service_is_for_riders_without_a_user(client, enrollment_reports):
    assert_ended(Rider(client).enrolls("card"), "success", told=enrollment_reports)


def test_the_permission_has_a_name_of_its_own_in_the_admin():
    words = str(Permission.objects.get(codename="enroll_in_person"))
    assert words.endswith("in-person enrollment | Can enroll riders in person")


@pytest.mark.parametrize("arguments", [(), ("--all",), ("--natural-foreign",)])
def test_a_site_can_dump_its_database_and_load_it_again(client, tmp_path, arguments):
    signed_in(client, "enroll_in_person")
    dump = str(tmp_path / "dump.json")
    call_command("dumpdata", *arguments, output=dump)
    User.objects.all().delete()
    call_command("loaddata", dump, verbosity=0)
    assert User.objects.get().has_perm("enrollment_errors.enroll_in_person")


def test_staff_keep_the_permission_when_a_site_tidies_up(client):
    signed_in(client, "enroll_in_person")
    call_command("remove_stale_contenttypes", interactive=False, verbosity=0)
    assert User.objects.get().has_perm("enrollment_errors.enroll_in_person")


def test_migrating_again_makes_no_second_permission(client):
    call_command("migrate", verbosity=0)
    assert Permission.objects.filter(codename="enroll_in_person").count() == 1


def test_the_admin_offers_the_permission_for_a_user(admin_client, admin_user):
    page = admin_client.get(f"/admin/auth/user/{admin_user.pk}/change/").content.decode()
    assert "in-person enrollment | Can enroll riders in person" in page


def test_the_permission_needs_no_table():
    assert list(InPersonEnrollment.objects.all()) == []
    assert InPersonEnrollment._meta.db_table not in connection.introspection.table_names()


def test_a_site_may_decide_otherwise(client, enrollment_settings, enrollment_reports):
    enrollment_settings(ADAPTER="tests.site.TestAdapter")
    assert_ended(Rider(client, namespace="in_person").enrolls("card"), "success", told=enrollment_reports)
