"""Writes docs/errors.md from ``catalogue.CODES``: ``python -m tests.docs.errors_page``."""

from __future__ import annotations

from enrollment_errors.catalogue import CODES
from enrollment_errors.codes import Code
from enrollment_errors.outcomes import Outcome

from .blocks import ROOT

PAGE = ROOT / "docs" / "errors.md"

# Written out here, because the views that know the names of the pages need a site's settings.
RIDER_GETS = {
    Outcome.SUCCESS: "success",
    Outcome.SYSTEM_ERROR: "system error, 503",
    Outcome.SERVER_ERROR: "generic error, 500",
    Outcome.RETRY: "check your card",
    Outcome.UNFINISHED: "the enroll page again",
    Outcome.TOO_EARLY: "too early",
    Outcome.UNKNOWN: "still checking",
    Outcome.PARTIAL: "each agency's state",
    Outcome.NOT_ELIGIBLE: "can't enroll from here, 403",
    Outcome.CHANGED: "out of date, 409",
    Outcome.NO_MORE_CARDS: "no more cards, 409",
    Outcome.TOO_MANY: "wait a minute, 429",
}

HEAD = """\
# Errors

This page lists every code that appears in the error envelope (`errors[0].code`), in events, in the log and in the list
of incidents. A code never changes its meaning. The page is generated from `enrollment_errors.catalogue`; to update it,
run `python -m tests.docs.errors_page`.

Your own rules (the setting `RULES`) may have codes of their own. Sentry gets an event for them if the outcome is a
fault. It gets one event for each cause when it begins, and then at most one an hour ([Alerts](operations.md#alerts)).

"""


def written() -> str:
    """The up-to-date page."""
    rows = ["| code | what it means | the rider gets | Sentry | what an operator does |", "|---|---|---|---|---|"]
    rows += [
        f"| `{name}` | {code.meaning} | {_page(name, code)} | {_sentry(code)} | {code.action} |"
        for name, code in CODES.items()
    ]
    return HEAD + "\n".join(rows) + "\n"


def _page(name: str, code: Code) -> str:
    if name == "tokenization_access":
        return "the card form"
    if code.may_be_the_riders:
        return "the same page, with Try again"
    return {"method_not_allowed": "generic error, 405", "bad_request": "JSON, 400"}.get(name, RIDER_GETS[code.outcome])


def _sentry(code: Code) -> str:
    if not code.is_reported:
        return "no, not reported anywhere"
    if code.may_be_the_riders:
        return "yes, as a warning"
    return "yes" if code.is_sentry_event else "no"


if __name__ == "__main__":
    PAGE.write_text(written())
