"""Tries to abuse the in-person site from the documentation. Runs in that site with the kit, as the site's own test."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from enrollment_errors.testing.assertions import assert_ended
from enrollment_errors.testing.rider import Rider

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def processor(enrollment_processor):
    enrollment_processor.state.add_card("card")
    return enrollment_processor


def signs_in(client, *permissions, **kind):
    user = User.objects.create(username="somebody", **kind)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def confirms(client, flow="veteran"):
    return client.post("/staff/confirm/", {"flow": flow})


STRANGERS = {
    "anonymous": lambda client: client,
    "signed in": lambda client: signs_in(client),
    "who may see incidents": lambda client: signs_in(client, "view_incident", is_staff=True),
    "who has left": lambda client: signs_in(client, "enroll_in_person", is_active=False),
}


@pytest.fixture(params=STRANGERS)
def stranger(request):
    return STRANGERS[request.param](Client())


@pytest.fixture
def staff():
    return signs_in(Client(), "enroll_in_person")


def refused(client, address, namespace="enrollment_errors_in_person"):
    """Whether this inclusion refuses every request, even with the hidden fields from a page of the other one."""
    other = "enrollment_errors" if namespace == "enrollment_errors_in_person" else "enrollment_errors_in_person"
    inputs = Rider(client, namespace=other).opens_page().inputs
    ends = [client.get(address), client.post(address, {**inputs, "card_token": "card"})]
    for end in ends:
        if end.status_code == 302:  # to sign in
            assert end["Location"] == f"/accounts/login/?next={address}"
        else:
            assert end.context["enrollment"]["page"] == "cannot_enroll"
    answers = [
        client.post(f"{address}{name}/", {"event": "started"}, content_type="application/json")
        for name in ("token", "card-form")
    ]
    assert {answer.status_code for answer in answers} == {403}
    return True


def test_staff_enroll_a_rider_into_what_they_have_seen_the_proof_of(staff, processor, enrollment_reports):
    assert confirms(staff).status_code == 302
    end = Rider(staff, namespace="enrollment_errors_in_person").enrolls("card")
    assert_ended(end, "success", told=enrollment_reports)
    assert enrollment_reports[0].enrollment.method == "in_person"
    assert len(processor.state.groups["group-veterans"].links) == 1


def test_a_rider_enrolls_without_staff(processor, enrollment_reports):
    client = Client()
    client.get("/qualify/")
    assert_ended(Rider(client).enrolls("card"), "success", told=enrollment_reports)
    assert len(processor.state.groups["group-seniors"].links) == 1


def test_a_stranger_gets_nothing_at_the_staffs_address(stranger, processor):
    assert refused(stranger, "/staff/enrollment/")
    assert not processor.calls


def test_a_stranger_who_has_qualified_online_gets_nothing_there_either(stranger, processor):
    stranger.get("/qualify/")
    assert refused(stranger, "/staff/enrollment/")
    assert not processor.calls


def test_a_stranger_confirms_nobodys_proof(stranger):
    assert confirms(stranger).status_code == 403
    assert "seen_by_staff" not in stranger.session


def test_what_staff_have_proven_of_themselves_is_no_riders_proof(staff, processor):
    staff.get("/qualify/")
    assert refused(staff, "/staff/enrollment/")
    assert not processor.calls


def test_what_staff_have_seen_is_no_proof_online(staff, processor):
    confirms(staff)
    assert refused(staff, "/enrollment/", namespace="enrollment_errors")
    assert not processor.calls


def test_staff_whose_permission_is_taken_away_cannot_go_on(staff, processor):
    confirms(staff)
    User.objects.get().user_permissions.clear()
    assert refused(staff, "/staff/enrollment/")
    assert not processor.calls


def test_the_pages_of_the_inclusion_inside_the_admin_stand_in_its_frame(staff):
    confirms(staff)
    page = staff.get("/admin/enrollment/").content.decode()
    assert "Enroll the rider’s contactless card" in page
    assert "| Django site admin</title>" in " ".join(page.split()).replace(" </title>", "</title>")
    assert 'aria-label="Breadcrumbs"' in page
    assert 'aria-label="Breadcrumbs"' not in staff.get("/staff/enrollment/").content.decode()


def test_a_stranger_gets_nothing_inside_the_admin(stranger, processor):
    assert refused(stranger, "/admin/enrollment/")
    assert not processor.calls
