"""Takes a card out of a concession group once an operator has confirmed it, and records the outcome.

It is safe to do twice. It refuses while a link of the same card to the same group may still take effect, and nobody
can link the card while its removal may still take effect.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from django.utils import timezone

from .. import conf
from ..account_directory import get_account, usable_accounts
from ..claims import LinkClaim
from ..classification import classify
from ..encryption import keyed_digest
from ..exceptions import EnrollmentError, ProcessorError, StatusError
from ..opening import open_processor
from ..processors.base import Processor
from ..processors.types import FundingSource, Link
from ..results import PendingLink
from .models import Removal, Unlink

logger = logging.getLogger("enrollment_errors")


class LinkUnderWay(EnrollmentError):
    """Nothing was sent: a link or removal for this card and group is in progress, or its answer was lost recently."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The card to take out of a group. ``account`` is the site's name for the processor account."""

    account: str
    group_id: str
    funding_source: FundingSource = field(repr=False)

    @property
    def card(self) -> str:
        """A digest by which the app recognizes the card again. It reveals nothing else."""
        return keyed_digest("unlink", self.account, self.funding_source.id)


def accounts_that_unlink() -> list[str]:
    """The names of the accounts whose processor can take a card out of a group."""
    return [account.name for account in usable_accounts() if account.processor.unlink is not Processor.unlink]


def find(wanted: Wanted) -> Link | None:
    """Ask whether the card is in the group. Raises ``ProcessorError`` and ``ConfigurationError``."""
    return _open(wanted).find_link(wanted.funding_source, wanted.group_id)


def unlink(wanted: Wanted, *, by: str, reason: str, reference: str = "") -> Unlink:
    """Returns the row with the outcome. Raises ``LinkUnderWay`` and ``ConfigurationError``."""
    processor = _open(wanted)
    sent_at = processor.http.clock.time()
    claim = _claim(wanted, processor, sent_at)
    if not claim.make():
        raise LinkUnderWay
    row = Unlink(
        at=timezone.now(),
        by=by,
        reason=reason,
        account=wanted.account,
        group_id=wanted.group_id,
        card=wanted.card,
        reference=reference,
    )
    is_over = True
    try:
        row.save()  # says "not known" until more is known
        is_over = False
        row.outcome, row.code = _sent(processor, wanted)
        is_over = row.outcome != Removal.UNKNOWN.value
        row.save(update_fields=["outcome", "code"])
    finally:
        if is_over:
            claim.free()
        else:
            claim.keep(sent_at)
    logger.info(
        "Removal of a card from a group: %s",
        row.outcome,
        extra={"account": row.account, "code": row.code, "reference": row.reference, "unlink": row.pk},
    )
    return row


def _open(wanted: Wanted) -> Processor:
    return open_processor(get_account(wanted.account), parties=[wanted.card])


def _claim(wanted: Wanted, processor: Processor, sent_at: float) -> LinkClaim:
    settings = conf.get_settings()
    link = PendingLink(
        account=wanted.account,
        group_id=wanted.group_id,
        funding_source=wanted.funding_source,
        expires_at=None,
        sent_at=sent_at,
    )
    return LinkClaim(link, rider="", cache=settings.CACHE, quiet=settings.LINK_QUIET_TIME, clock=processor.http.clock)


def _sent(processor: Processor, wanted: Wanted) -> tuple[str, str]:
    """The outcome, and the code of the failure, if any."""
    try:
        with processor.http.deadline.keeping_half_back():
            processor.unlink(wanted.funding_source, wanted.group_id)
    except ProcessorError as error:
        return _what_became_of_it(error, processor, wanted)
    return Removal.REMOVED.value, ""


def _what_became_of_it(error: ProcessorError, processor: Processor, wanted: Wanted) -> tuple[str, str]:
    """If the error has a stage, an earlier call failed, such as the one for the access token."""
    was_sent = error.stage is None
    code = classify(error, processor=processor.name, stage=None, site_rules=conf.get_settings().RULES).code
    is_absent = was_sent and isinstance(error, StatusError) and error.status == 404
    if not is_absent and not (was_sent and error.may_have_taken_effect):
        return Removal.FAILED.value, code
    try:
        link = processor.find_link(wanted.funding_source, wanted.group_id)
    except ProcessorError:
        return (Removal.ABSENT.value, "") if is_absent else (Removal.UNKNOWN.value, code)
    if link is not None:
        return (Removal.UNKNOWN.value if error.may_go_on else Removal.FAILED.value), code
    return (Removal.ABSENT.value if is_absent else Removal.REMOVED.value), ""
