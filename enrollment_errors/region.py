"""A regional enrollment in progress: the state of each target, and what to do next.

One proof and one card are for several groups, agencies and accounts. A card token works for one account only, so the
targets come in rounds: those whose accounts know the same cards share a card form, and for the next round the rider
enters the card again. A target that has succeeded is done, even if others fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .account_directory import get_account
from .adapter import Enrollment, Target
from .exceptions import ConfigurationError
from .outcomes import Outcome
from .processors.types import FundingSource
from .references import new_reference
from .results import PendingLink, Result, how_enrolled, never_expires

_BEFORE_THE_CARD = (Outcome.RETRY, Outcome.UNFINISHED)
"""Outcomes that change nothing: the rider enters the card again."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One target. ``result`` is its latest result, or ``None`` before the first; ``funding_source`` is the card, once
    the account knows it."""

    enrollment: Enrollment
    result: Result | None = None
    funding_source: FundingSource | None = None

    @property
    def outcome(self) -> Outcome | None:
        return self.result.outcome if self.result else None

    @property
    def is_done(self) -> bool:
        """Whether the card has the reduced fare there."""
        return self.outcome in (Outcome.SUCCESS, Outcome.TOO_EARLY)

    @property
    def is_unknown(self) -> bool:
        return self.outcome is Outcome.UNKNOWN

    @property
    def is_open(self) -> bool:
        return not self.is_done and not self.is_unknown

    @property
    def is_repeatable(self) -> bool:
        """Whether it can be tried again, or settled, without entering the card again."""
        return not self.is_done and self.funding_source is not None

    @property
    def lost(self) -> PendingLink | None:
        return self.result.pending if self.result else None

    @property
    def state(self) -> str:
        """For pages: ``linked``, ``already_linked``, ``too_early``, ``unknown``, ``failed`` or ``waiting``."""
        if self.result is None:
            return "waiting"
        if self.is_open:
            return "failed"
        already = self.outcome is Outcome.SUCCESS and self.result.code.startswith("already_linked")
        return "already_linked" if already else _STATES[self.result.outcome]


_STATES = {Outcome.SUCCESS: "linked", Outcome.TOO_EARLY: "too_early", Outcome.UNKNOWN: "unknown"}


@dataclass(frozen=True, kw_only=True)
class Region:
    """All parts, in the site's order. All failures are reported under the one ``reference``."""

    reference: str
    parts: Sequence[Part]

    @classmethod
    def begun(cls, enrollment: Enrollment) -> Region:
        return cls(reference=new_reference(), parts=[Part(enrollment=target) for target in enrollment.each()])

    @property
    def whole(self) -> Enrollment:
        return _joined(self.parts)

    @property
    def has_begun(self) -> bool:
        """Whether the card is, or may be, enrolled for one of the targets."""
        return any(not part.is_open for part in self.parts)

    @property
    def open_parts(self) -> list[Part]:
        return [part for part in self.parts if part.is_open]

    @property
    def needs_card(self) -> bool:
        return any(part.is_open and part.funding_source is None for part in self.parts)

    @property
    def round(self) -> Enrollment:
        """The targets for the next card. Raises ``IndexError`` if nothing is open."""
        return _joined(self.rounds()[0])

    def rounds(self) -> list[list[Part]]:
        """The open parts, grouped by accounts that know the same cards: untried ones first, unusable accounts last."""
        rounds: dict[tuple[str, str], list[Part]] = {}
        for part in self.open_parts:
            rounds.setdefault(_cards_known_to(part.enrollment.account), []).append(part)
        return [
            rounds[known]
            for known in sorted(
                rounds,
                key=lambda known: (
                    known == _NOBODYS,
                    rounds[known][0].funding_source is not None,
                    rounds[known][0].result is not None,
                ),
            )
        ]

    def with_end(self, enrollment: Enrollment, result: Result, funding_source: FundingSource | None) -> Region:
        """The region with the result of one target."""
        return replace(
            self,
            parts=[
                _ended(part, result, funding_source) if _place(part.enrollment) == _place(enrollment) else part
                for part in self.parts
            ],
        )

    def with_failure(self, result: Result) -> Region:
        """The region after the current round failed before its card was known."""
        region = self
        for part in self.rounds()[0] if self.open_parts else []:
            region = region.with_end(part.enrollment, result, part.funding_source)
        return region

    def with_agencies_of(self, enrollment: Enrollment) -> Region:
        """The region with what the site currently says about the same enrollment, such as agency names."""
        now = enrollment.each()
        parts = [replace(part, enrollment=target) for part, target in zip(self.parts, now, strict=True)]
        return replace(self, parts=parts)

    def only_unknown(self) -> Region | None:
        """The parts that are still unknown, or ``None``. Another visit may see no others of this rider."""
        parts = [part for part in self.parts if part.is_unknown]
        return replace(self, parts=parts) if parts else None

    @property
    def mix(self) -> str:
        """For a page that lists the targets: ``enrolled`` everywhere, ``checking`` somewhere, ``some`` or ``none``."""
        if all(part.is_done for part in self.parts):
            return "enrolled"
        if any(part.is_unknown for part in self.parts):
            return "checking"
        return "some" if self.has_begun else "none"

    @property
    def card(self) -> FundingSource | None:
        """The card, if it has the same last digits at every account so far. Each account has its own id for it, and
        riders may enter another card when they are asked again."""
        cards = [part.funding_source for part in self.parts if part.funding_source is not None]
        digits = {card.last_digits for card in cards}
        return cards[0] if len(digits) == 1 and None not in digits else None

    def lost_links(self) -> list[PendingLink]:
        return [part.lost for part in self.parts if part.lost is not None]

    def end(self, last: Result | None = None) -> Result:
        """The result for the whole region, which decides the rider's page. If all parts share an outcome, it is that
        outcome's page, otherwise the page that lists them. ``last`` is a failure before the card was known. The code
        is that of a failure, or ``linked`` if nothing failed."""
        first = self.parts[0].result
        if last is not None and last.outcome in _BEFORE_THE_CARD:
            if last.outcome is Outcome.UNFINISHED or not self.has_begun:
                return replace(last, reference=self.reference)
        elif first is not None and all(part.outcome is first.outcome for part in self.parts):
            code = self._common_code(first)
            return replace(first, reference=self.reference, pending=None, code=code, **self._card_named())
        failures = [part.result for part in self.parts if part.result is not None and not part.is_done]
        code = last.code if last else failures[0].code if failures else "linked"
        return Result(Outcome.PARTIAL, code, self.reference, **self._card_named())

    def _card_named(self) -> dict[str, Any]:
        return {"card_scheme": self.card.scheme, "card_last_digits": self.card.last_digits} if self.card else {}

    def _common_code(self, first: Result) -> str:
        codes = {part.result.code for part in self.parts if part.result}
        return "linked" if len(codes) > 1 and first.outcome is Outcome.SUCCESS else first.code


def shown(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Each target's ``agency`` name, ``state``, ``code``, how it was enrolled, and until when, for a page."""
    return [
        {
            "agency": part.enrollment.agency.name,
            "state": part.state,
            "code": part.result.code if part.result else "",
            "enrolled": how_enrolled(part.result.code) if part.result else "",
            "enrolled_at": part.result and part.result.enrolled_at,
            "expires_at": part.result and part.result.expires_at,
            "never_expires": part.result is not None
            and never_expires(part.result.code, part.result.enrolled_at, part.result.expires_at),
            "reenrollment_opens_at": part.result and part.result.reenrollment_opens_at,
        }
        for part in parts
    ]


_NOBODYS = ("", "")


def _cards_known_to(account_name: str) -> tuple[str, str]:
    """Accounts that know the same cards return the same value. An unusable account does not affect the others."""
    try:
        account = get_account(account_name)
    except ConfigurationError:
        return _NOBODYS
    return account.processor.name, account.processor.funding_source_scope(account.name, account.options)


def _ended(part: Part, result: Result, funding_source: FundingSource | None) -> Part:
    if result.outcome in _BEFORE_THE_CARD:
        return part
    lost = result.pending
    if lost is not None:
        if (lost.account, lost.group_id) == _place(part.enrollment):
            return replace(part, result=result, funding_source=lost.funding_source)
        result = replace(result, outcome=Outcome.SYSTEM_ERROR, pending=None)  # the lost link is another part's
    return replace(part, result=result, funding_source=funding_source)


def _place(enrollment: Enrollment) -> tuple[str, str]:
    return enrollment.account, enrollment.group_id


def _joined(parts: Sequence[Part]) -> Enrollment:
    first, *others = [part.enrollment for part in parts]
    return replace(
        first,
        also=tuple(
            Target(agency=one.agency, account=one.account, group_id=one.group_id, expiry=one.expiry) for one in others
        ),
    )
