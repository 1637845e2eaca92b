"""Converts an enrollment, a lost link and a region to JSON and back, to keep them between requests. Times are aware."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from .adapter import Agency, Enrollment, ExpiryPolicy, Method, Target
from .outcomes import Outcome
from .processors.types import FundingSource
from .region import Part, Region
from .results import PendingLink, Result

LONGEST_NAME = 200
"""The maximum in characters of a name that is kept. Both names of an enrollment still fit into its cookie."""


def named(enrollment: Enrollment) -> list[Any]:
    """What identifies an enrollment on a page, so that a card entered there is used for nothing else."""
    return [
        enrollment.agency.slug,
        *_packed_place(enrollment),
        enrollment.flow,
        enrollment.verifier,
        enrollment.method.value,
        *([target.agency.slug, *_packed_place(target)] for target in enrollment.also),
    ]


def packed_enrollment(enrollment: Enrollment) -> dict[str, Any]:
    """What it takes to settle a lost link later, so without the sign-in and the identity."""
    account, group_id, expiry = _packed_place(enrollment)
    packed = {
        "agency": packed_agency(enrollment.agency),
        "account": account,
        "group_id": group_id,
        "flow": enrollment.flow,
        "verifier": enrollment.verifier,
        "method": enrollment.method.value,
        "expiry": expiry,
        "extra_claims": list(enrollment.extra_claims),
    }
    if enrollment.benefit:
        packed["benefit"] = short(enrollment.benefit)
    if enrollment.finish_until is not None:
        packed["finish_until"] = as_text(enrollment.finish_until)
    if enrollment.also:
        packed["also"] = [[packed_agency(target.agency), *_packed_place(target)] for target in enrollment.also]
    return packed


def unpacked_enrollment(kept: dict[str, Any]) -> Enrollment:
    return Enrollment(
        **{
            **kept,
            "agency": unpacked_agency(kept["agency"]),
            "method": Method(kept["method"]),
            "expiry": _unpacked_expiry(kept["expiry"]),
            "finish_until": as_moment(kept.get("finish_until")),
            "also": [
                Target(
                    agency=unpacked_agency(agency),
                    account=account,
                    group_id=group_id,
                    expiry=_unpacked_expiry(expiry),
                )
                for agency, account, group_id, expiry in kept.get("also", ())
            ],
        }
    )


def short(name: object) -> str:
    """A name that riders read, such as an agency's, in the active language. A longer one must not cost the cookie."""
    return str(name)[:LONGEST_NAME]


def packed_agency(agency: Agency) -> list[str]:
    return [agency.slug, short(agency.name), *(str(text) for text in (agency.home_url, agency.phone, agency.website))]


def unpacked_agency(kept: list[str]) -> Agency:
    slug, name, home_url, phone, website = kept
    return Agency(slug=slug, name=name, home_url=home_url, phone=phone, website=website)


def _packed_place(target: Enrollment | Target) -> list[Any]:
    expiry = target.expiry
    return [target.account, target.group_id, expiry and [expiry.days, expiry.reenrollment_days]]


def _unpacked_expiry(kept: list[int] | None) -> ExpiryPolicy | None:
    return None if kept is None else ExpiryPolicy(days=kept[0], reenrollment_days=kept[1])


_OF_A_FUNDING_SOURCE = ("id", "scheme", "category", "last_digits")


def packed_link(link: PendingLink) -> dict[str, Any]:
    return {
        "account": link.account,
        "group_id": link.group_id,
        "funding_source": _packed_card(link.funding_source),
        "expires_at": as_text(link.expires_at),
        "sent_at": link.sent_at,
        **({"proof": link.proof} if link.proof else {}),
    }


def unpacked_link(kept: dict[str, Any]) -> PendingLink:
    return PendingLink(
        account=kept["account"],
        group_id=kept["group_id"],
        funding_source=_unpacked_card(kept["funding_source"]),
        expires_at=as_moment(kept["expires_at"]),
        sent_at=kept["sent_at"],
        proof=kept.get("proof", ""),
    )


def packed_region(region: Region) -> dict[str, Any]:
    """Stores each card once, even if several targets use it."""
    cards: list[FundingSource] = []
    parts = []
    for part in region.parts:
        if part.funding_source is not None and part.funding_source not in cards:
            cards.append(part.funding_source)
        card = None if part.funding_source is None else cards.index(part.funding_source)
        parts.append([card, _packed_result(part.result)])
    return {
        "reference": region.reference,
        "enrollment": packed_enrollment(region.whole),
        "cards": [_packed_card(card) for card in cards],
        "parts": parts,
    }


def unpacked_region(kept: dict[str, Any]) -> Region:
    enrollments = unpacked_enrollment(kept["enrollment"]).each()
    cards = [_unpacked_card(card) for card in kept["cards"]]
    parts = [
        _unpacked_part(enrollment, None if card is None else cards[card], result, kept["reference"])
        for enrollment, (card, result) in zip(enrollments, kept["parts"], strict=True)
    ]
    return Region(reference=kept["reference"], parts=parts)


def _packed_result(result: Result | None) -> list[Any] | None:
    """The outcome, the code, and the moments or, for a lost link, its expiry and when it was sent."""
    if result is None:
        return None
    lost = result.pending
    if lost is not None:
        return [result.outcome.value, result.code, as_text(lost.expires_at), lost.sent_at]
    dates = [as_text(result.expires_at), as_text(result.reenrollment_opens_at)]
    enrolled = [] if result.enrolled_at is None else [int(result.enrolled_at.timestamp())]
    return [result.outcome.value, result.code, *dates, *enrolled]


def _unpacked_part(enrollment: Enrollment, card: FundingSource | None, kept: list[Any] | None, reference: str) -> Part:
    if kept is None:
        return Part(enrollment=enrollment)
    outcome, code, expires_at, other = Outcome(kept[0]), kept[1], as_moment(kept[2]), kept[3]
    if outcome is Outcome.UNKNOWN and card is not None:
        lost = PendingLink(
            account=enrollment.account,
            group_id=enrollment.group_id,
            funding_source=card,
            expires_at=expires_at,
            sent_at=other,
        )
        result = Result(outcome, code, reference, pending=lost)
    else:
        enrolled_at = datetime.fromtimestamp(kept[4], tz=timezone.utc) if len(kept) > 4 else None
        result = Result(
            outcome,
            code,
            reference,
            enrolled_at=enrolled_at,
            expires_at=expires_at,
            reenrollment_opens_at=as_moment(other),
        )
    return Part(enrollment=enrollment, result=result, funding_source=card)


def _packed_card(card: FundingSource) -> list[str | None]:
    return [getattr(card, name) for name in _OF_A_FUNDING_SOURCE]


def _unpacked_card(kept: list[str | None]) -> FundingSource:
    return FundingSource(**dict(zip(_OF_A_FUNDING_SOURCE, kept, strict=True)))  # type: ignore[arg-type]


def as_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def as_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
