"""What a failure means to the rider: one table for both views, every processor and the page's script. Pure.

The first matching row decides. A site's own rows (setting ``RULES``) come before ``catalogue.CODES``. A failure that
matches no row is a server error, because an operator must hear about a failure that nobody expected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .catalogue import CODES
from .codes import When
from .outcomes import Outcome, Stage


@dataclass(frozen=True, kw_only=True)
class Rule(When):
    """A site's own row: the failures it matches, and their outcome.

    ``code`` is a key of ``catalogue.CODES`` or the site's own code. ``reason`` says why the row exists, with the number
    of the issue or the document behind it.
    """

    outcome: Outcome
    code: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    outcome: Outcome
    code: str


UNEXPECTED = Verdict(CODES["unexpected_error"].outcome, "unexpected_error")
_ROWS = [(code.when, Verdict(code.outcome, name)) for name, code in CODES.items() if code.when is not None]


def classify(error: BaseException, *, processor: str, stage: Stage | None, site_rules: Iterable[Rule] = ()) -> Verdict:
    """The outcome of ``error`` at ``stage``, or ``UNEXPECTED`` if no row matches."""
    for rule in site_rules:
        if rule.matches(error, processor=processor, stage=stage):
            return Verdict(rule.outcome, rule.code)
    for when, verdict in _ROWS:
        if when.matches(error, processor=processor, stage=stage):
            return verdict
    return UNEXPECTED
