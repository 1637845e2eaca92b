"""What is wrong at the moment, cause by cause. The thresholds suit sites with few riders: if three come in a day, two
failures with one cause are news.

Causes are kept in the shared cache, by account. A cause belongs to the whole account (an outage, refused credentials)
or to one concession group. It begins with its first failure, and ends with a success after a quiet while, so a failure
that comes and goes is one cause. Requests that fail in the same instant may be counted as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from urllib.parse import quote

from .. import conf
from ..catalogue import explained
from ..clock import SYSTEM_CLOCK
from ..encryption import keyed_digest
from ..exceptions import ConfigurationError
from ..glance import Glance
from ..outcomes import Outcome, Side, Stage
from ..processes import PerProcess
from ..shared_cache import CacheDown, SharedCache, is_recent
from .report import Report

ENOUGH = 2
"""How many riders in a row must fail for one cause."""
AT_ONCE = frozenset({"credentials_refused"})
"""Codes for which one rider is enough, because no rider can cause them."""
TOLD_EVERY = 3600.0
"""Seconds before operators are told about the same cause again."""
QUIET = 600.0
"""Seconds without a failure after which a rider's success ends a cause."""
RIDERS_HEAR_FOR = 3600.0
"""Seconds after the last failure during which riders are warned. Then they must be let in again: only a rider can find
out whether it is over."""
FORGOTTEN_AFTER = 7 * 86_400.0
MOST = 20
"""How many causes are kept for one account, newest first."""

OUTAGE = "outage"
"""The common cause of all codes that mean the processor cannot be reached, or fails."""

UNUSABLE = "account_unusable"

GROUP_UNKNOWN = "group_unknown"
"""What the doctor finds where a rider's link is refused with 404: one cause, whoever meets it first."""

_ACCOUNTS_OWN = frozenset({Stage.AUTHORIZATION, Stage.TOKENIZATION, Stage.LINK, Stage.GROUPS, Stage.EXPIRY})
"""Steps at which a refusal is the account's fault. At the others, it may be the card's, or a forgery."""
_WHOLE_ACCOUNTS = frozenset({Stage.AUTHORIZATION, Stage.TOKENIZATION})
_SEEN_WITHOUT_RIDERS = frozenset({Stage.AUTHORIZATION.value, Stage.TOKENIZATION.value, Stage.GROUPS.value})
"""Steps that the watch can find working; it links no card."""
_NOT_TRIED = frozenset({"circuit_open", "processor_busy"})
"""Consequences of another failure, not causes themselves."""

_OUTAGES_OF_THE_DOCTOR = frozenset({"connection_refused", "no_connection"})

_told_here: PerProcess[dict[str, float]] = PerProcess()


@dataclass(frozen=True, kw_only=True)
class Cause:
    """``group_id`` is empty if it affects the whole account. ``name`` is a code, or the common name of several codes.
    ``code`` and ``stage`` come from the last failure or from the watch. Times are epoch seconds. ``works_since`` is the
    first success after the last failure. ``in_a_row`` holds the riders who have failed since the last success.
    ``is_wide``: others would fail the same way."""

    account: str
    group_id: str
    name: str
    code: str
    stage: str = ""
    began_at: float
    failed_at: float
    works_since: float | None = None
    failures: int = 0
    riders: int = 0
    in_a_row: int = 0
    last_rider: str = ""
    is_wide: bool = True
    was_watched: bool = False

    @property
    def since(self) -> datetime:
        return datetime.fromtimestamp(self.began_at, timezone.utc)

    @property
    def seconds(self) -> float:
        """How long it has lasted, or lasted."""
        return max(0.0, (self.works_since or SYSTEM_CLOCK.time()) - self.began_at)

    @property
    def is_news(self) -> bool:
        """Whether riders who come now will most likely fail, judging by other riders."""
        return self.is_wide and (self.in_a_row >= ENOUGH or (self.in_a_row > 0 and self.code in AT_ONCE))

    @property
    def warns_riders(self) -> bool:
        return self.is_news and is_recent(self.failed_at, RIDERS_HEAR_FOR, SYSTEM_CLOCK.time())

    def is_named(self, group_id: str, name: str) -> bool:
        return (self.group_id, self.name) == (group_id, name)


def failed(report: Report) -> tuple[Cause, bool]:
    """Count one more failure. Returns its cause, and whether to tell operators now. Never raises."""
    now = SYSTEM_CLOCK.time()
    cause = _begun(report, now)
    with suppress(CacheDown, ConfigurationError):
        kept = _kept(report.account)
        same = next((one for one in kept if _is_same(one, cause, report.code)), None)
        cause = _grown(same or cause, cause)
        _keep(report.account, [cause, *(one for one in kept if one is not same)])
    return cause, _is_told_now(cause, now)


def succeeded(report: Report, glance: Glance | None = None) -> list[Cause]:
    """The causes that a rider's success has ended. Never raises.

    ``glance`` is what the request has read of the cache. If it knows of nothing wrong, nothing is read again.
    """
    now = SYSTEM_CLOCK.time()
    with suppress(CacheDown):
        if glance is not None and not glance.get(kept_at(report.account)):
            return []

    def after(cause: Cause) -> Cause | None:
        if cause.group_id not in ("", report.enrollment.group_id if report.enrollment else ""):
            return cause
        if not cause.is_wide:
            return None
        works = replace(cause, works_since=cause.works_since or now, in_a_row=0)
        # Only the watch ends a cause that the watch has found.
        return works if cause.was_watched or is_recent(cause.failed_at, QUIET, now) else None

    return _changed(report.account, after)


def found(account: str, group_id: str, code: str) -> bool:
    """Record a problem found without a rider. Returns whether to tell operators now. Never raises."""
    now, name = SYSTEM_CLOCK.time(), name_of(code)
    cause = Cause(
        account=account, group_id=group_id, name=name, code=code, began_at=now, failed_at=now, was_watched=True
    )
    with suppress(CacheDown, ConfigurationError):
        kept = _kept(account)
        same = next((one for one in kept if one.is_named(group_id, name)), None)
        if same:
            cause = replace(same, was_watched=True, works_since=None)
        _keep(account, [cause, *(one for one in kept if one is not same)])
    return _is_told_now(cause, now)


def mended(account: str, group_id: str = "", *, name: str = "") -> list[Cause]:
    """The causes that have ended, because all is well without a rider; with ``name``, only that one. Never raises."""

    def after(cause: Cause) -> Cause | None:
        is_meant = cause.name == name if name else cause.stage in _SEEN_WITHOUT_RIDERS and not cause.was_watched
        return None if is_meant and cause.group_id == group_id else cause

    return _changed(account, after)


def name_of(code: str) -> str:
    """The name of the cause of a code or a doctor's finding that affects the whole account."""
    return OUTAGE if explained(code).is_outage or code in _OUTAGES_OF_THE_DOCTOR else code


def standing(account: str) -> list[Cause]:
    """Everything that is wrong with the account and its groups, newest first. Raises ``CacheDown`` and
    ``ConfigurationError``."""
    return _kept(account)


def _changed(account: str, after: Callable[[Cause], Cause | None]) -> list[Cause]:
    """The causes that are gone. They can begin again at once."""
    with suppress(CacheDown, ConfigurationError):
        before = _kept(account)
        kept = [(one, after(one)) for one in before]
        if [left for _, left in kept] != before:
            _keep(account, [left for _, left in kept if left])
        ended = [one for one, left in kept if left is None]
        for one in ended:
            _cache().delete(_told_key(one))
            _told_locally().pop(_told_key(one), None)
        return ended
    return []


def _begun(report: Report, now: float) -> Cause:
    code = explained(report.code)
    is_whole = report.outcome is Outcome.SYSTEM_ERROR or report.code == UNUSABLE
    is_wide = is_whole or report.stage in _ACCOUNTS_OWN
    is_accounts = is_whole or report.stage in _WHOLE_ACCOUNTS or not report.enrollment
    stage = report.stage.value if report.stage else ""
    name = name_of(report.code)
    if not is_accounts or report.side is Side.FRONTEND:
        name = f"{report.code} {stage} {report.upstream_status or ''}".strip()
    if report.stage is Stage.LINK and report.upstream_status == 404:
        name = GROUP_UNKNOWN
    return Cause(
        account=report.account,
        group_id="" if is_accounts or report.enrollment is None else report.enrollment.group_id,
        name=name,
        code=report.code,
        stage=stage,
        began_at=now,
        failed_at=now,
        last_rider=keyed_digest("rider", report.origin.identity.user_id),
        is_wide=is_wide and report.side is Side.BACKEND and not code.may_be_the_riders,
    )


def _is_same(cause: Cause, begun: Cause, code: str) -> bool:
    joins = code in _NOT_TRIED and not cause.group_id and cause.is_wide
    return joins or cause.is_named(begun.group_id, begun.name)


def _grown(cause: Cause, by: Cause) -> Cause:
    is_another = by.last_rider != cause.last_rider or not cause.failures
    was_tried = by.code not in _NOT_TRIED
    return replace(
        cause,
        code=by.code if was_tried else cause.code,
        stage=by.stage if was_tried else cause.stage,
        failed_at=by.failed_at,
        works_since=None,
        failures=cause.failures + 1,
        riders=cause.riders + is_another,
        in_a_row=cause.in_a_row + (was_tried and (is_another or not cause.in_a_row)),
        last_rider=by.last_rider,
    )


def _is_told_now(cause: Cause, now: float) -> bool:
    """Once per ``TOLD_EVERY`` in the whole fleet, or in each process while the cache is down."""
    key = _told_key(cause)
    try:
        return _cache().claim(key, TOLD_EVERY, now)
    except (CacheDown, ConfigurationError):
        told = _told_locally()
        is_now = not is_recent(told.get(key), TOLD_EVERY, now)
        if is_now:
            told[key] = now
        return is_now


def _told_locally() -> dict[str, float]:
    return _told_here.get("told", dict)


def _told_key(cause: Cause) -> str:
    return f"cause.{keyed_digest('cause', ' '.join((cause.account, cause.group_id, cause.name)))}"


def _kept(account: str) -> list[Cause]:
    rows = _cache().get(kept_at(account))
    now = SYSTEM_CLOCK.time()
    try:
        causes = [Cause(**row) for row in rows or ()]
    except TypeError:  # written by another version of this package
        return []
    return [one for one in causes if is_recent(one.failed_at, FORGOTTEN_AFTER, now)]


def _keep(account: str, causes: Iterable[Cause]) -> None:
    youngest = sorted(causes, key=lambda one: one.failed_at, reverse=True)[:MOST]
    _cache().set(kept_at(account), [asdict(one) for one in youngest], None)


def kept_at(account: str) -> str:
    """The cache's key for the account's causes."""
    return f"causes.{quote(account, safe='')}"


def _cache() -> SharedCache:
    return SharedCache(conf.get_settings().CACHE)
