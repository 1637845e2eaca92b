"""The example site, over real HTTP: the rider's way to the enrollment and out again."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import requests

from .rider import Rider
from .running import RunningDemo


def heading(response: requests.Response) -> str:
    return response.text.partition("<h1>")[2].partition("</h1>")[0].strip()


def path(response: requests.Response) -> str:
    return urlsplit(response.url).path


def test_the_site_offers_both_agencies(rider: Rider) -> None:
    home = rider.get("/").text
    assert "/agencies/mountain/" in home
    assert "/agencies/harbor/" in home


def test_an_agency_offers_only_its_own_benefits(rider: Rider) -> None:
    assert "/agencies/mountain/low-income/" in rider.get("/agencies/mountain/").text
    assert "/agencies/harbor/low-income/" not in rider.get("/agencies/harbor/").text
    assert rider.get("/agencies/harbor/low-income/").status_code == 404


def test_a_page_that_is_not_there_says_so_as_a_page_of_the_site(rider: Rider) -> None:
    response = rider.get("/agencies/nowhere/")
    assert response.status_code == 404
    assert heading(response) == "Page not found"


@pytest.mark.parametrize("benefit", ["older-adult", "low-income", "agency-card"])
def test_a_rider_enrolls_into_each_benefit(rider: Rider, benefit: str) -> None:
    assert heading(rider.qualify(benefit)) == "Enroll your contactless card"
    assert heading(rider.enroll()) == "Your card is enrolled"


def test_a_number_that_no_agency_card_has_is_asked_for_again(rider: Rider) -> None:
    response = rider.post("/agencies/mountain/agency-card/", {"card_number": "12"})
    assert path(response) == "/agencies/mountain/agency-card/"
    assert "Enter the six digits on the back of the card." in response.text
    assert rider.get("/enrollment/").status_code == 403


def test_a_rider_whom_the_provider_does_not_confirm_cannot_enroll(rider: Rider) -> None:
    page = "/agencies/mountain/older-adult/"
    assert "could not confirm that you qualify" in rider.sign_in(page, who="does-not").text
    assert "could not confirm that you qualify" in rider.post(page).text
    assert rider.get("/enrollment/").status_code == 403


def test_signing_out_leaves_the_site_and_the_provider_and_comes_back_to_the_agency(rider: Rider) -> None:
    rider.qualify()
    assert path(rider.get("/sign-out/?next=/agencies/mountain/")) == "/agencies/mountain/"
    assert rider.get("/enrollment/").status_code == 403
    assert path(rider.get("/sign-in/?next=/")) == "/example-id/sign-in/"


def test_a_rider_who_is_signed_in_with_the_provider_is_not_asked_twice(rider: Rider) -> None:
    rider.sign_in("/agencies/mountain/older-adult/")
    assert path(rider.get("/sign-in/?next=/agencies/mountain/low-income/")) == "/agencies/mountain/low-income/"


@pytest.mark.parametrize("forged", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_a_forged_target_after_signing_in_or_out_leads_home(rider: Rider, forged: str) -> None:
    rider.get("/sign-in/")
    assert path(rider.sign_in(forged)) == "/"
    signed_out = rider.get(f"/sign-out/?next={forged}")
    assert signed_out.url == f"{rider.site}/"


@pytest.mark.parametrize("action", ["sign-in", "sign-out"])
def test_the_provider_sends_nobody_to_a_site_that_is_not_registered(rider: Rider, action: str) -> None:
    assert rider.get(f"/example-id/{action}/?return_to=https://evil.example/").status_code == 400


def test_claims_that_the_provider_did_not_sign_are_refused(rider: Rider) -> None:
    asked = rider.get("/sign-in/?next=/")
    state = urlsplit(asked.url).query.partition("state=")[2].partition("&")[0]
    assert rider.get(f"/signed-in/?state={state}&claims=WyJvbGRlcl9hZHVsdCJd:forged:signature").status_code == 400


def test_a_sign_in_that_this_session_did_not_ask_for_is_refused(rider: Rider) -> None:
    with Rider(rider.site) as other:
        asked = other.get("/sign-in/?next=/")
        answer = other.session.post(
            asked.url,
            data={"rider": "qualifies"},
            headers={"X-CSRFToken": other.session.cookies["csrftoken"]},
            allow_redirects=False,
            timeout=10,
        )
    assert rider.get(answer.headers["Location"]).status_code == 400


def test_in_person_enrollment_is_for_staff(rider: Rider) -> None:
    assert path(rider.get("/staff/")) == "/staff/sign-in/"
    asked = rider.get("/staff/enrollment/")
    assert asked.url.endswith("/staff/sign-in/?next=/staff/enrollment/")


def test_in_person_enrollment_is_not_for_everybody_who_is_signed_in(rider: Rider) -> None:
    rider.post("/demo/operator/sign-in/")
    rider.qualify()
    assert path(rider.get("/staff/")) == "/staff/sign-in/"
    refused = rider.get("/staff/enrollment/")
    assert (refused.status_code, heading(refused)) == (403, "You may not enroll riders")


def test_proof_of_one_way_to_enroll_is_none_of_the_other(rider: Rider) -> None:
    rider.post("/demo/scenarios/healthy/", {"in_person": "1"})
    rider.qualify()
    refused = rider.get("/staff/enrollment/")
    assert (refused.status_code, heading(refused)) == (403, "Confirm first that the rider qualifies")


@pytest.fixture
def staff(demo: RunningDemo, rider: Rider) -> Rider:
    """A staff member who has seen the proof of the rider at the counter."""
    rider.enrollment = "/staff/enrollment/"
    rider.post("/demo/scenarios/healthy/", {"in_person": "1"})
    rider.post("/staff/", {"benefit": "mountain/low-income", "proof_checked": "on"})
    return rider


def test_proof_that_staff_have_seen_is_none_for_their_own_enrollment(staff: Rider) -> None:
    assert staff.get("/enrollment/").status_code == 403


def test_staff_enroll_a_rider_in_person_and_go_on_with_the_next(demo: RunningDemo, staff: Rider) -> None:
    end = staff.enroll()
    assert heading(end) == "The rider’s card is enrolled"
    assert "Last day of the reduced fare" in end.text
    assert path(staff.post("/staff/enrollment/next-rider/")) == "/staff/"
    assert heading(staff.get("/staff/enrollment/")) == "Confirm first that the rider qualifies"
    _, events = demo.events(sentry=0, amplitude=3)
    assert {event["event_properties"]["enrollment_method"] for event in events} == {"in_person"}


@pytest.mark.parametrize("counter", ["/staff/", "/admin/in-person/"])
def test_staff_who_leave_a_rider_by_the_menu_have_left_the_riders_proof(staff: Rider, counter: str) -> None:
    assert heading(staff.get(f"{counter}enrollment/")) == "Enroll the rider’s contactless card"
    staff.get(counter)
    assert heading(staff.get(f"{counter}enrollment/")) == "Confirm first that the rider qualifies"


def test_staff_find_the_counter_in_the_admin_and_enroll_in_its_frame(demo: RunningDemo, staff: Rider) -> None:
    assert "/admin/in-person/" in staff.get("/admin/").text
    page = staff.post("/admin/in-person/", {"benefit": "harbor/agency-card", "proof_checked": "on"})
    assert path(page) == "/admin/in-person/enrollment/"
    _, _, breadcrumbs = page.text.partition('class="breadcrumbs"')
    assert "In-person enrollment" in breadcrumbs.partition("<main")[0]
    staff.enrollment = "/admin/in-person/enrollment/"
    end = staff.enroll()
    assert heading(end) == "The rider’s card is enrolled"
    assert path(staff.post("/admin/in-person/enrollment/next-rider/")) == "/admin/in-person/"


def test_riders_read_of_the_counter_while_they_cannot_enroll_online(demo: RunningDemo, rider: Rider) -> None:
    rider.qualify()
    demo.break_processor(lookup={"kind": "status", "status": 503})
    assert "You can also enroll at the counter of Mountain Valley Transit" in rider.enroll().text


def test_staff_read_of_an_outage_as_staff(demo: RunningDemo, staff: Rider) -> None:
    demo.break_processor(lookup={"kind": "status", "status": 503})
    end = staff.enroll()
    assert path(end).startswith("/staff/enrollment/system-error/")
    assert heading(end) == "The card cannot be enrolled right now"
    assert "<code>" in end.text


def test_staff_who_have_not_checked_the_proof_do_not_get_on(staff: Rider) -> None:
    response = staff.post("/staff/", {"benefit": "mountain/low-income"})
    assert path(response) == "/staff/"
    assert "This field is required." in response.text


@pytest.mark.parametrize("address", ["/", "/agencies/mountain/", "/enrollment/", "/demo/", "/demo/operator/"])
def test_no_page_may_run_or_load_what_its_policy_does_not_name(rider: Rider, address: str) -> None:
    policy = rider.get(address).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_language_can_be_changed_on_every_page_and_stays(rider: Rider) -> None:
    response = rider.post("/language/setlang/", {"language": "es", "next": "/agencies/mountain/"})
    assert path(response) == "/agencies/mountain/"
    assert "¿Qué beneficio es para usted?" in response.text
    assert heading(rider.get("/")) == "Viaje por menos"
