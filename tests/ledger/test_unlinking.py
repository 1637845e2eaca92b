"""An operator takes a card out of a group with two pages, which leave one row, while the processor fails on demand."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from html import unescape
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.db import connection
from django.db.models.signals import post_save
from django.test import Client
from django.urls import reverse

from enrollment_errors import conf
from enrollment_errors.claims import LinkClaim
from enrollment_errors.clock import SYSTEM_CLOCK
from enrollment_errors.ledger.models import Unlink
from enrollment_errors.ledger.unlinking import accounts_that_unlink
from enrollment_errors.processors.types import FundingSource
from enrollment_errors.results import PendingLink
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from tests.inline.service import Inline
from tests.rider import CARD_TOKEN, Rider, Telemetry

from .conftest import enrolled, sign_in, unlinked

pytestmark = pytest.mark.django_db

ADD = "/admin/enrollment_ledger/unlink/add/"
GROUP = "group-seniors"


@pytest.fixture
def card(sandbox: SandboxServer) -> str:
    """Puts a card into the group and returns its funding source id."""
    source = sandbox.state.card(CARD_TOKEN).id
    sandbox.state.link(source, GROUP)
    return source


@pytest.fixture
def operator(site: Any) -> Client:
    return sign_in("unlink_card", "view_unlink", "view_entry")


def says(card: str, **changes: str) -> dict[str, str]:
    return {
        "account": "littlepay",
        "group_id": GROUP,
        "card": card,
        "reason": "The rider asked for it.",
        "reference": "h7p 2qx 9mr",
        **changes,
    }


def text(response: Any) -> str:
    words = " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())
    return unescape(re.sub(r" ([.,:;])", r"\1", words))


def look(operator: Client, card: str, **changes: str) -> Any:
    return operator.post(ADD, says(card, **changes))


def sealed_in(response: Any) -> str:
    found = re.search(r'name="sealed" value="([^"]+)"', response.content.decode())
    assert found, text(response)
    return found[1]


def confirm(operator: Client, response: Any) -> Any:
    return operator.post(ADD, {"sealed": sealed_in(response)})


def told(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def is_in_the_group(sandbox: SandboxServer, card: str) -> bool:
    return card in sandbox.state.groups[GROUP].links


class TestWhoMay:
    def test_staff_without_the_permission_may_not(self, card: str, site: Any, sandbox: SandboxServer) -> None:
        staff = sign_in("view_entry", "view_unlink")

        assert staff.get(ADD).status_code == 403
        assert staff.post(ADD, says(card)).status_code == 403
        assert ADD not in staff.get(reverse("admin:index")).content.decode()

    def test_what_another_operator_has_looked_at_is_not_done(
        self, operator: Client, card: str, sandbox: SandboxServer
    ) -> None:
        page = look(operator, card)

        response = confirm(sign_in("unlink_card", name="another"), page)

        assert "Nothing was changed" in told(response)
        assert is_in_the_group(sandbox, card)


class TestTheWay:
    def test_begins_with_what_is_known_of_the_enrollment(self, operator: Client) -> None:
        page = operator.get(ADD, {"account": "littlepay", "group_id": GROUP, "reference": "H7P-2QX-9MR"})

        assert 'value="group-seniors"' in page.content.decode()
        assert 'value="H7P-2QX-9MR"' in page.content.decode()

    def test_shows_what_is_about_to_be_done_and_does_nothing_yet(
        self, operator: Client, card: str, sandbox: SandboxServer
    ) -> None:
        page = look(operator, card)

        assert "The processor says that the card is in this group, without an expiry." in text(page)
        assert card in text(page)  # the operator confirms what they typed
        assert is_in_the_group(sandbox, card)
        assert not Unlink.objects.exists()

    def test_shows_until_when_the_card_would_be_in_the_group(
        self, operator: Client, card: str, sandbox: SandboxServer
    ) -> None:
        sandbox.state.link(card, "group-veterans", datetime(2027, 1, 31, 8, tzinfo=timezone.utc))

        assert "until Jan. 31, 2027, midnight" in text(look(operator, card, group_id="group-veterans"))

    def test_ends_with_the_card_out_of_the_group_and_a_row_that_says_so(
        self, operator: Client, card: str, sandbox: SandboxServer
    ) -> None:
        response = confirm(operator, look(operator, card))

        row = Unlink.objects.get()
        assert response["Location"] == reverse("admin:enrollment_ledger_unlink_change", args=[row.pk])
        assert "removed" in told(response)
        assert not is_in_the_group(sandbox, card)
        kept = {name: getattr(row, name) for name in ("by", "reason", "account", "group_id", "reference", "outcome")}
        assert kept == {
            "by": "operator",
            "reason": "The rider asked for it.",
            "account": "littlepay",
            "group_id": GROUP,
            "reference": "H7P-2QX-9MR",
            "outcome": "removed",
        }
        page = operator.get(response["Location"])
        assert "All that is known of this reference" in text(page)

    def test_ends_on_the_admins_first_page_for_those_who_may_not_see_the_rows(
        self, site: Any, card: str, sandbox: SandboxServer
    ) -> None:
        operator = sign_in("unlink_card")
        assert confirm(operator, look(operator, card, reference=""))["Location"] == reverse("admin:index")
        assert not is_in_the_group(sandbox, card)

    def test_may_be_gone_twice(self, operator: Client, card: str) -> None:
        page = look(operator, card)
        for outcome in ("removed", "absent"):
            confirm(operator, page)
            assert Unlink.objects.first().outcome == outcome  # type: ignore[union-attr]

        assert len(set(Unlink.objects.values_list("card", flat=True))) == 1

    def test_is_to_be_gone_anew_after_a_while(self, operator: Client, card: str, sandbox: SandboxServer) -> None:
        with time_machine.travel(datetime.now(timezone.utc) - timedelta(minutes=16)):
            page = look(operator, card)

        response = confirm(operator, page)

        assert response["Location"] == ADD
        assert "open for too long" in told(response)
        assert is_in_the_group(sandbox, card)

    def test_is_not_gone_with_a_forged_word(self, operator: Client) -> None:
        assert "Nothing was changed" in told(operator.post(ADD, {"sealed": "forged"}))

    def test_takes_a_reference_for_the_one_that_is_known(self, operator: Client, card: str) -> None:
        enrolled(reference="54W-GXR-2CC")

        confirm(operator, look(operator, card, reference="S4W-GXR-2CC"))

        assert Unlink.objects.get().reference == "54W-GXR-2CC"

    def test_leads_to_the_list_of_all_that_was_done(self, operator: Client, admin_client: Client) -> None:
        row = unlinked(outcome="failed", code="permission_refused", reference="")

        assert "not removed" in text(operator.get("/admin/enrollment_ledger/unlink/"))
        page = text(operator.get(reverse("admin:enrollment_ledger_unlink_change", args=[row.pk])))
        assert "The processor answered 403: our account may not do this." in page
        assert "All that is known" not in page

    def test_is_there_only_for_processors_that_have_one(self, site: Any, settings: Any) -> None:
        accounts = settings.ENROLLMENT_ERRORS["ACCOUNTS"]
        inline = {"CLASS": "tests.inline.processor.InlineProcessor", "OPTIONS": Inline().options("https://x.test")}
        site(ACCOUNTS={**accounts, "inline": inline})

        assert accounts_that_unlink() == ["littlepay"]


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"card": ".."}, "This is no funding source id."),
            ({"card": ""}, "This field is required."),
            ({"group_id": ".."}, "This is no concession group's id."),
            ({"reason": " "}, "This field is required."),
            ({"reference": "Lopez"}, "A reference has nine letters and digits"),
            ({"account": "another"}, "another is not one of the available choices."),
            ({"group_id": "group-veterans"}, "The card is not in this group, says the processor"),
            ({"card": "source-of-nobody"}, "The processor does not know this card."),
        ],
    )
    def test_is_said_beside_its_field(
        self, operator: Client, card: str, sandbox: SandboxServer, changes: dict[str, str], words: str
    ) -> None:
        page = look(operator, **{"card": card, **changes})

        assert words in text(page)
        assert "sealed" not in page.content.decode()

    def test_is_a_card_that_the_processor_cannot_be_asked_about(
        self, operator: Client, card: str, sandbox: SandboxServer
    ) -> None:
        sandbox.faults.set("groups", Fault(kind="status", status=503))

        assert "Nothing was changed: the processor cannot be asked." in text(look(operator, card))

    def test_is_to_act_while_a_link_of_this_card_may_be_at_work(
        self, operator: Client, card: str, sandbox: SandboxServer
    ) -> None:
        page = look(operator, card)
        assert claim_of(card).make()

        response = confirm(operator, page)

        assert "an enrollment of this card into this group is under way" in told(response)
        assert "5 minutes" in told(response)
        assert is_in_the_group(sandbox, card)
        assert not Unlink.objects.exists()

    def test_is_an_account_that_is_gone_meanwhile(
        self, operator: Client, card: str, site: Any, settings: Any, sandbox: SandboxServer
    ) -> None:
        page = look(operator, card)
        site(ACCOUNTS={"other": settings.ENROLLMENT_ERRORS["ACCOUNTS"]["littlepay"]})

        assert "Nothing was changed. The account is not there" in told(confirm(operator, page))
        assert is_in_the_group(sandbox, card)


def claim_of(card: str) -> LinkClaim:
    """The claim that a rider's request would make."""
    link = PendingLink(
        account="littlepay",
        group_id=GROUP,
        funding_source=FundingSource(id=card),
        expires_at=None,
        sent_at=SYSTEM_CLOCK.time(),
    )
    return LinkClaim(link, rider="a rider", cache=conf.get_settings().CACHE, quiet=300, clock=SYSTEM_CLOCK)


class TestAProcessorThatFails:
    """It fails at the removal, after it has answered that the card is in the group."""

    @pytest.fixture
    def page(self, operator: Client, card: str) -> Any:
        return look(operator, card)

    def outcome(self, operator: Client, page: Any) -> tuple[str, str]:
        confirm(operator, page)
        row = Unlink.objects.get()
        return row.outcome, row.code

    def test_once_is_asked_again(self, operator: Client, page: Any, card: str, sandbox: SandboxServer) -> None:
        sandbox.faults.set("unlink", Fault(kind="status", status=503, times=1))

        assert self.outcome(operator, page) == ("removed", "")
        assert not is_in_the_group(sandbox, card)

    def test_at_every_try_has_not_removed_it(
        self, operator: Client, page: Any, card: str, sandbox: SandboxServer
    ) -> None:
        sandbox.faults.set("unlink", Fault(kind="status", status=503))

        assert self.outcome(operator, page) == ("failed", "processor_error")
        assert is_in_the_group(sandbox, card)

    def test_by_refusing_has_not_removed_it(self, operator: Client, page: Any, sandbox: SandboxServer) -> None:
        sandbox.faults.set("unlink", Fault(kind="status", status=403))

        assert self.outcome(operator, page) == ("failed", "permission_refused")

    def test_before_the_request_has_not_removed_it(self, operator: Client, page: Any, sandbox: SandboxServer) -> None:
        sandbox.state.revoke_api_tokens()
        sandbox.faults.set("authorization", Fault(kind="status", status=404))

        assert self.outcome(operator, page) == ("failed", "request_refused")

    def test_after_the_work_is_asked_what_became_of_it(
        self, operator: Client, page: Any, card: str, sandbox: SandboxServer, site: Any
    ) -> None:
        site(ATTEMPTS=1)
        sandbox.faults.set("unlink", Fault(kind="reset", after_effect=True))

        assert self.outcome(operator, page) == ("removed", "")
        assert not is_in_the_group(sandbox, card)

    def test_by_a_gateway_that_gave_up_may_still_remove_it(
        self, operator: Client, page: Any, sandbox: SandboxServer, card: str
    ) -> None:
        sandbox.faults.set("unlink", Fault(kind="status", status=504))

        assert self.outcome(operator, page) == ("unknown", "processor_error")
        assert not claim_of(card).make()  # nobody links while the removal may still take effect

    def test_and_cannot_be_asked_leaves_it_unknown(self, operator: Client, page: Any, sandbox: SandboxServer) -> None:
        for endpoint in ("unlink", "groups"):
            sandbox.faults.set(endpoint, Fault(kind="status", status=503))

        assert self.outcome(operator, page) == ("unknown", "processor_error")

    def test_with_404_has_no_such_card_in_the_group(
        self, operator: Client, page: Any, card: str, sandbox: SandboxServer
    ) -> None:
        sandbox.state.unlink(card, GROUP)
        sandbox.faults.set("groups", Fault(kind="status", status=503))

        assert self.outcome(operator, page) == ("absent", "")

    def test_with_404_though_the_card_is_in_the_group_has_not_removed_it(
        self, operator: Client, page: Any, sandbox: SandboxServer
    ) -> None:
        sandbox.faults.set("unlink", Fault(kind="status", status=404))

        assert self.outcome(operator, page) == ("failed", "request_refused")

    def test_lets_riders_link_again_once_it_is_over(
        self, operator: Client, page: Any, card: str, sandbox: SandboxServer
    ) -> None:
        self.outcome(operator, page)

        assert Rider().becomes_eligible().enrolls().page == "success"
        assert is_in_the_group(sandbox, card)


class TestTheCard:
    def test_is_in_no_row_log_event_or_address(
        self, operator: Client, card: str, sandbox: SandboxServer, telemetry: Telemetry
    ) -> None:
        page = look(operator, card)
        sandbox.faults.set("unlink", Fault(kind="status", status=500, body=card))

        response = confirm(operator, page)
        telemetry.settle(amplitude=0)

        shown = str(list(Unlink.objects.values())) + telemetry.everything() + response["Location"] + told(response)
        assert card not in shown
        assert card not in str(response.cookies) + str(operator.cookies)

    def test_is_in_no_event_of_an_error_on_the_way(
        self, operator: Client, card: str, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        operator.raise_request_exception = False
        page = look(operator, card)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE enrollment_ledger_unlink RENAME TO gone")

        assert confirm(operator, page).status_code == 500

        telemetry.settle(amplitude=0)
        assert telemetry.sentry
        assert card not in telemetry.everything()


@pytest.mark.django_db(transaction=True)
def test_the_row_stays_whatever_becomes_of_the_request(
    operator: Client, card: str, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    page = look(operator, card)
    written: list[tuple[str, bool]] = []

    def note(instance: Unlink, **kwargs: Any) -> None:
        written.append((instance.outcome, connection.in_atomic_block))

    post_save.connect(note, sender=Unlink)
    try:
        confirm(operator, page)
    finally:
        post_save.disconnect(note, sender=Unlink)

    assert written == [("unknown", False), ("removed", False)]
