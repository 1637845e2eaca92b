"""Asserts the end of an enrollment in one line: the page, the report to operators, and the incident they find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..outcomes import Outcome
from ..pages import PAGES
from ..reporting.report import Report

if TYPE_CHECKING:
    from ..incidents.models import Incident


def assert_ended(
    response: Any,
    page: str,
    *,
    told: Sequence[Report],
    listed: Callable[[], Sequence[Incident]] | None = None,
    code: str | None = None,
    stage: str | None = None,
    upstream_status: int | None = None,
) -> str:
    """Assert that ``response``, followed to its end, is the page ``page``, with exactly one report. Returns the
    reference.

    ``page`` is a name such as ``success`` or ``system_error``; ``told`` is the fixture ``enrollment_reports``. The
    other arguments must match the report: a ``code`` of the catalogue, a ``stage`` such as ``link``, the processor's
    HTTP status. Use ``client.post(…, follow=True)``.

    With ``listed``, the fixture ``enrollment_incidents``, the incident of that reference must exist too; after a
    success, there must be none.
    """
    names = {page.name: outcome for outcome, page in PAGES.items()}
    assert page in names, f"there is no page {page!r}; the pages are {', '.join(names)}"
    shown = _page_of(response)
    assert shown == page, f"the page is {shown!r} (status {response.status_code}), not {page!r}"
    expected = PAGES[names[page]].status
    assert response.status_code == expected, f"the status is {response.status_code}, not {expected}"
    assert len(told) == 1, f"operators were told {len(told)} times: {[report.code for report in told]}"
    [report] = told
    assert report.outcome is names[page], f"operators were told of {report.outcome}"
    _assert_same("code", report.code, code)
    _assert_same("stage", report.stage.value if report.stage else None, stage)
    _assert_same("upstream status", report.upstream_status, upstream_status)
    if names[page] not in (Outcome.SUCCESS, Outcome.UNFINISHED):
        assert report.reference in response.content.decode(), "the page does not show the report's reference"
    if listed is not None:
        incidents = [incident for incident in listed() if incident.reference == report.reference]
        number = 0 if names[page] is Outcome.SUCCESS else 1
        assert len(incidents) == number, f"{len(incidents)} incidents are listed under {report.reference}, not {number}"
        for incident in incidents:
            _assert_same("incident's code", incident.code, report.code)
    return report.reference


def _page_of(response: Any) -> str | None:
    ours = response.context.get("enrollment") if response.context is not None else None
    return ours.get("page") if isinstance(ours, dict) else None


def _assert_same(what: str, told: object, expected: object) -> None:
    assert expected is None or told == expected, f"the {what} is {told!r}, not {expected!r}"
