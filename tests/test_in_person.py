"""Nobody enrolls anyone at the in-person addresses without the permission, no matter what the session says."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

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
    """Lets every session with a benefit enroll, at the in-person addresses too, but checks the permission."""

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
    rider = Rider(signed_in(client, "enroll_in_person"), namespace="enrollment_errors_in_person")
    assert rider.asks_for_token().json()["token"]
    assert_ended(rider.enrolls("card"), "success", told=enrollment_reports)


KINDS = {
    "nobody": lambda client: client,
    "somebody who is signed in": lambda client: signed_in(client),
    "staff for other things": lambda client: signed_in(client, "view_incident", is_staff=True),
    "staff who have left": lambda client: signed_in(client, "enroll_in_person", is_active=False),
}


PAGES_OF_ENDS = ["success", "check-card", "too-early", "still-checking", "system-error", "server-error", "changed"]
OTHER_PAGES = ["too-many", "cannot-enroll", "finishing", "next-rider"]
ADDRESSES = ["/staff/", *(f"/staff/{name}/" for name in [*PAGES_OF_ENDS, *OTHER_PAGES])]
SIGNED_OUT = ["nobody", "staff who have left"]
FOR_SCRIPTS = ("/staff/token/", "/staff/card-form/")


@pytest.mark.parametrize("who", KINDS)
def test_nobody_else_gets_anything_done(client, enrollment_processor, enrollment_reports, who):
    client = KINDS[who](client)
    for address in ADDRESSES:
        for answer in (client.get(address), client.post(address, {"card_token": "card"}), client.delete(address)):
            if who in SIGNED_OUT:
                assert (answer.status_code, urlsplit(answer["Location"]).path) == (302, "/accounts/login/")
            else:
                assert (answer.status_code, answer.context["enrollment"]["page"]) == (403, "cannot_enroll")
                assert "You may not enroll riders" in answer.content.decode()
                assert answer.context["enrollment"]["agency"] is None
    assert not enrollment_processor.calls
    assert enrollment_reports == []


@pytest.mark.parametrize("who", KINDS)
@pytest.mark.parametrize("address", FOR_SCRIPTS)
def test_a_pages_script_is_told_where_to_go(client, who, address):
    client = KINDS[who](client)
    for answer in (client.post(address, {"event": "started"}, content_type="application/json"), client.get(address)):
        assert answer.status_code == 403
        assert answer.json()["errors"][0]["code"] == "not_eligible"
        assert answer.json()["errors"][0]["title"] == "You may not enroll riders"
        redirect = answer.json()["redirect"]
        assert redirect == ("/accounts/login/?next=/staff/" if who in SIGNED_OUT else "/staff/cannot-enroll/")


@pytest.mark.parametrize(
    ("asked", "back"),
    [
        ("/staff/", "/staff/"),
        ("/staff/?returned=abc&handle=secret", "/staff/"),
        ("/staff/still-checking/?reference=H7P-X&more=1", "/staff/still-checking/?reference=H7P-X"),
        ("/staff/?next=//evil.example/", "/staff/"),
    ],
)
def test_signing_in_leads_back_to_the_page_that_was_asked_for_and_to_nothing_else(client, asked, back):
    answer = client.get(asked)
    assert parse_qs(urlsplit(answer["Location"]).query) == {"next": [back]}


@pytest.mark.parametrize(("name", "sign_in"), [("/staff-door/?from=us", "/staff-door/?from=us&next=/staff/")])
def test_staff_sign_in_where_the_site_says(client, settings, name, sign_in):
    settings.LOGIN_URL = name
    assert client.get("/staff/")["Location"] == sign_in


def test_nobody_is_sent_to_sign_in_at_a_host_that_the_site_does_not_name(client, settings, enrollment_settings):
    settings.LOGIN_URL = "https://id.example/staff/"
    answer = client.get("/staff/")
    assert (answer.status_code, answer.context["enrollment"]["page"]) == (500, "server_error")
    enrollment_settings(ADAPTER=f"{__name__}.GuardedAdapter", ALLOWED_REDIRECT_HOSTS=["id.example"])
    assert client.get("/staff/")["Location"] == "https://id.example/staff/?next=/staff/"


class CannotSay(GuardedAdapter):
    def may_enroll_in_person(self, request: HttpRequest) -> bool:
        raise RuntimeError("the site's own bug")


@pytest.mark.parametrize("address", ADDRESSES)
def test_where_the_site_cannot_say_who_may_nobody_gets_in_and_operators_hear(
    client, enrollment_settings, enrollment_reports, address
):
    enrollment_settings(ADAPTER=f"{__name__}.CannotSay")
    answer = client.get(address)
    assert (answer.status_code, answer.context["enrollment"]["page"]) == (500, "server_error")
    assert [report.reference for report in enrollment_reports] == [answer.context["enrollment"]["reference"]]
    assert answer.context["enrollment"]["code"] == ""


@pytest.mark.parametrize("address", FOR_SCRIPTS)
def test_where_the_site_cannot_say_who_may_a_script_is_sent_to_the_page(
    client, enrollment_settings, enrollment_reports, address
):
    enrollment_settings(ADAPTER=f"{__name__}.CannotSay")
    answer = client.post(address, {}, content_type="application/json")
    assert (answer.status_code, len(enrollment_reports)) == (500, 1)
    assert client.get(answer.json()["redirect"]).context["enrollment"]["page"] == "server_error"


def test_a_page_of_a_site_without_users_says_so_too(client, settings, enrollment_processor):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if ".auth." not in name and ".messages." not in name]
    assert client.get("/staff/").context["enrollment"]["page"] == "cannot_enroll"


def test_a_permission_that_is_taken_away_counts_at_the_next_request(client, enrollment_processor):
    rider = Rider(signed_in(client, "enroll_in_person"), namespace="enrollment_errors_in_person")
    page = rider.opens_page()
    User.objects.get().user_permissions.clear()
    assert rider.enrolls("card", page).context["enrollment"]["page"] == "cannot_enroll"
    assert not enrollment_processor.calls


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
    end = Rider(client, namespace="enrollment_errors_in_person").enrolls("card")
    assert_ended(end, "success", told=enrollment_reports)
