"""Operators add an account, fill it in, test it and take it out of use. Each mistake appears next to its field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from enrollment_errors.account_directory import account_names
from enrollment_errors.accounts.models import Account
from enrollment_errors.adapter import Enrollment
from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.processors.types import Option, OptionKind
from tests.site import AGENCY, TestAdapter

from .conftest import LITTLEPAY

ADD = "/admin/enrollment_accounts/account/add/"


class EveryKind(LittlepayProcessor):
    """Has an option of every kind, and cannot build its endpoints."""

    name = "every kind"
    account_options = (
        Option(name="BASE_URL", kind=OptionKind.URL, help_text="The address."),
        Option(name="CERTIFICATE", kind=OptionKind.PEM, help_text="The certificate.", is_required=False),
        Option(name="NUMBER", kind=OptionKind.NUMBER, help_text="The number.", is_required=False),
        Option(name="LEVEL", choices=("test", "production"), help_text="Which one.", is_required=False),
        Option(name="MORE", kind=OptionKind.MAPPING, help_text="More.", is_required=False),
    )

    @classmethod
    def endpoints(cls, options: Any) -> Any:
        raise OSError(options["BASE_URL"])


class SiteWithGroups(TestAdapter):
    def get_enrollments_to_check(self) -> Iterable[Enrollment]:
        for account, group in (("littlepay", "group-nowhere"), ("of another agency", "group-seniors"), ("gone", "any")):
            yield Enrollment(agency=AGENCY, account=account, group_id=group, flow="senior", verifier="login.gov")


def change(account: Account) -> str:
    return f"/admin/enrollment_accounts/account/{account.pk}/change/"


def posted(account: Account, **changes: Any) -> dict[str, Any]:
    as_shown = {"CARD_FORM_OPTIONS": "{}"}
    fields = {"name": account.name, "is_active": "on", **as_shown, **account.options, **changes}
    return {name: value for name, value in fields.items() if value is not None}


def test_an_operator_adds_an_account_and_riders_can_use_it_at_once(
    operator: Client, options: dict[str, Any], django_capture_on_commit_callbacks: Any
) -> None:
    response = operator.post(ADD, {"name": "mountain", "processor": LITTLEPAY}, follow=True)
    assert "is not in use yet" in response.content.decode()
    account = Account.objects.get()
    assert response.redirect_chain[-1][0] == change(account)
    with django_capture_on_commit_callbacks(execute=True):
        operator.post(change(account), posted(account, **options))
    assert account_names() == ["mountain"]
    account.refresh_from_db()
    assert account.options == options


def test_an_account_that_is_added_from_another_form_is_chosen_there(operator: Client, db: None, site: Any) -> None:
    answer = operator.post(ADD, {"name": "mountain", "processor": LITTLEPAY, "_popup": "1"})
    assert answer.templates[0].name == "admin/popup_response.html"


def test_the_list_names_processors_as_people_do(operator: Client, add: Any) -> None:
    add()
    Account.objects.create(name="old", processor="a.class.that.has.Moved")
    text = operator.get(ADD.replace("add/", "")).content.decode()
    assert '<td class="field-processor_name">littlepay</td>' in text
    assert "a.class.that.has.Moved" in text


def test_the_form_has_the_processors_own_fields_with_their_help(operator: Client, add: Any) -> None:
    text = operator.get(change(add())).content.decode()
    for option in LittlepayProcessor.account_options:
        assert f'name="{option.name}"' in text
    assert "Enter the name under which the secret is kept, never the secret." in text


def test_what_has_no_value_yet_is_an_empty_field(operator: Client, add: Any) -> None:
    assert "null" not in operator.get(change(add())).content.decode().partition('name="CARD_FORM_OPTIONS"')[2][:200]


def test_an_account_that_is_not_in_use_may_be_incomplete(operator: Client, add: Any) -> None:
    account = add(is_active=False)
    operator.post(change(account), posted(account, is_active=None, CLIENT_ID=""))
    account.refresh_from_db()
    assert "CLIENT_ID" not in account.options


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ({"CLIENT_ID": ""}, "&quot;CLIENT_ID&quot; is missing or empty."),
        ({"CLIENT_SECRET": "NOT_THERE"}, "there is no secret named &quot;NOT_THERE&quot;"),
        ({"CARD_FORM_OPTIONS": "{"}, "Enter a valid JSON."),
    ],
)
def test_a_mistake_in_one_that_is_in_use_is_told_and_nothing_is_saved(
    operator: Client, add: Any, mistake: dict[str, Any], words: str
) -> None:
    account = add()
    assert words in operator.post(change(account), posted(account, **mistake)).content.decode()
    before = dict(account.options)
    account.refresh_from_db()
    assert account.options == before


def test_each_mistake_is_told_beside_its_own_field(operator: Client, add: Any) -> None:
    account = add()
    form = operator.post(change(account), posted(account, CLIENT_ID="", CLIENT_SECRET="NOT_THERE")).context["adminform"]
    assert set(form.errors) == {"CLIENT_ID", "CLIENT_SECRET"}
    assert form.errors["CLIENT_ID"] == ['"CLIENT_ID" is missing or empty.']


def test_what_may_be_empty_says_so_and_what_is_used_then(operator: Client, add: Any) -> None:
    text = operator.get(change(add())).content.decode()
    assert "The version in the path of the API. If empty: v1." in text
    assert "How the card form looks" in text
    assert text.count("Can be empty.") == 2  # how the card form looks, and whose cards the account knows


def test_a_field_of_every_kind_is_kept_as_what_it_is(operator: Client, db: None, site: Any) -> None:
    site(PROCESSORS=[f"{__name__}.EveryKind"])
    account = Account.objects.create(name="all", processor=f"{__name__}.EveryKind")
    fields = {"CERTIFICATE": "-----BEGIN CERTIFICATE-----", "NUMBER": "7", "LEVEL": "test", "MORE": '{"a": 1}'}
    operator.post(change(account), posted(account, is_active=None, BASE_URL="https://processor.test", **fields))
    account.refresh_from_db()
    assert account.options == {
        "BASE_URL": "https://processor.test",
        "CERTIFICATE": "-----BEGIN CERTIFICATE-----",
        "NUMBER": 7,
        "LEVEL": "test",
        "MORE": {"a": 1},
    }


def test_what_a_processors_own_code_raises_is_told_by_its_type_and_place(operator: Client, db: None) -> None:
    account = Account.objects.create(name="all", processor=f"{__name__}.EveryKind")
    told = operator.post(change(account), posted(account, BASE_URL="https://s3cr3t.test")).content.decode()
    assert "It cannot be used: OSError at" in told
    assert "test_admin.py" in told


def test_who_changed_what_is_kept_without_a_value(operator: Client, add: Any) -> None:
    account = add()
    operator.post(change(account), posted(account, CLIENT_ID="another-client"))
    history = operator.get(change(account).replace("change", "history")).content.decode()
    assert "Changed CLIENT_ID." in history
    assert "operator" in history
    assert "another-client" not in history


class TestTryingAnAccount:
    def test_says_step_by_step_what_works(self, operator: Client, add: Any) -> None:
        account = add()
        assert "Test this account" in operator.get(change(account)).content.decode()
        text = operator.post(f"/admin/enrollment_accounts/account/{account.pk}/test/").content.decode()
        assert "credentials, audience and card tokenization are accepted" in text
        assert "Nobody was enrolled." in text

    def test_says_what_is_wrong_and_what_to_do(self, operator: Client, add: Any, sandbox: Any) -> None:
        account = add(CLIENT_ID="unknown")
        text = operator.post(f"/admin/enrollment_accounts/account/{account.pk}/test/").content.decode()
        assert "it does not know this client id with this secret" in text
        assert "The options of this account are BASE_URL, CLIENT_ID, CLIENT_SECRET" in text

    def test_looks_for_the_concession_groups_into_which_the_site_enrolls_with_it(
        self, operator: Client, add: Any, site: Any
    ) -> None:
        account = add()
        add("of another agency", CLIENT_ID="unknown")
        site(ADAPTER=f"{__name__}.SiteWithGroups")
        findings = operator.post(f"/admin/enrollment_accounts/account/{account.pk}/test/").context["findings"]
        [groups] = [finding for finding in findings if finding.probe == "group"]
        assert groups.detail.startswith("group-nowhere;")
        assert groups.diagnosis == "group_unknown"

    def test_of_one_that_is_not_in_use_is_not_offered(self, operator: Client, add: Any) -> None:
        assert "Test this account" not in operator.get(change(add(is_active=False))).content.decode()

    def test_of_one_that_is_gone_is_not_found(self, operator: Client) -> None:
        assert operator.post("/admin/enrollment_accounts/account/7/test/").status_code == 404

    def test_is_for_those_who_may_change_accounts(self, add: Any) -> None:
        account = add()
        client = Client()
        client.force_login(User.objects.create_user("clerk", is_staff=True))
        assert client.post(f"/admin/enrollment_accounts/account/{account.pk}/test/").status_code == 403

    def test_is_no_link_that_a_stranger_can_make_somebody_follow(self, operator: Client, add: Any) -> None:
        assert operator.get(f"/admin/enrollment_accounts/account/{add().pk}/test/").status_code == 405
