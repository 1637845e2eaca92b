"""What a failure means to the rider: one table, for both views, every processor and the page's script. Pure.

The first row that matches decides. A site's own rows (setting ``RULES``) stand before ``catalogue.CODES``. What no row
matches is a server error: closed by default, because a failure that nobody has thought of must reach an operator.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .catalogue import CODES
from .codes import When
from .outcomes import Outcome, Stage


@dataclass(frozen=True, kw_only=True)
class Rule(When):
    """A row of a site's own: what it asks about, and how that ends.

    ``code`` is a key of ``catalogue.CODES``, or a code of the site's own. ``reason`` says why the row is there, with
    the number of the issue or the document that taught it.
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
    """The outcome of ``error`` at ``stage``; ``UNEXPECTED`` where no row matches."""
    for rule in site_rules:
        if rule.matches(error, processor=processor, stage=stage):
            return Verdict(rule.outcome, rule.code)
    for when, verdict in _ROWS:
        if when.matches(error, processor=processor, stage=stage):
            return verdict
    return UNEXPECTED
