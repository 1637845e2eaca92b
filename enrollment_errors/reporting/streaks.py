"""Failures in a row at one account, made for few riders: where three come in a day, two of one cause are news.

Kept in the shared cache, by account. A failure counts with a rider who is another than the last one, so that nobody
can speak for all; a success ends the streak.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote

from .. import conf
from ..clock import SYSTEM_CLOCK
from ..encryption import keyed_digest
from ..exceptions import ConfigurationError
from ..outcomes import Outcome, Side, Stage
from ..shared_cache import LONGEST, CacheDown, SharedCache
from .report import Report

ENOUGH = 2
"""Failures of one cause in a row, each of another rider."""
AT_ONCE = frozenset({"credentials_refused"})
"""Codes for which one is enough: no rider can bring them about."""
RIDERS_HEAR_FOR = 3600.0
"""Seconds from the last failure for which riders are warned. They must be let in again: only a rider can find out
whether it is over."""

_ACCOUNTS_OWN = frozenset({Stage.AUTHORIZATION, Stage.TOKENIZATION, Stage.LINK, Stage.GROUPS, Stage.EXPIRY})
"""Steps at which a refusal is the account's trouble. At the others it may be the card's, or a forgery."""
_NOT_TRIED = frozenset({"circuit_open", "processor_busy"})


@dataclass(frozen=True)
class Streak:
    """``stage`` is the step of the last failure."""

    code: str
    stage: str
    number: int
    since: datetime
    until: datetime


def note(report: Report) -> None:
    """Never raises."""
    if report.side is not Side.BACKEND or not report.account:
        return
    with suppress(CacheDown, ConfigurationError):
        if report.outcome is Outcome.SUCCESS:
            _cache().delete(_key(report.account))
        elif _counts(report):
            _add(report)


def streak_of(account: str) -> Streak | None:
    """One that is news. Raises ``CacheDown``."""
    code, stage, number, _, first_at, last_at = _kept(account)
    if number < ENOUGH and code not in AT_ONCE:
        return None
    return Streak(code, stage, number, _moment(first_at), _moment(last_at + RIDERS_HEAR_FOR))


def forget(account: str, stages: frozenset[Stage]) -> None:
    """It has been found that ``stages`` work again."""
    with suppress(CacheDown):
        if _kept(account)[1] in {stage.value for stage in stages}:
            _cache().delete(_key(account))


_Kept = tuple[str, str, int, str, float, float]
_NOTHING: _Kept = ("", "", 0, "", 0.0, 0.0)


def _counts(report: Report) -> bool:
    if not report.is_fault or report.code in _NOT_TRIED:
        return False
    return report.outcome is Outcome.SYSTEM_ERROR or report.stage in _ACCOUNTS_OWN


def _add(report: Report) -> None:
    now = SYSTEM_CLOCK.time()
    code, _, number, rider, first_at, _ = _kept(report.account)
    this_rider = keyed_digest("rider", report.origin.identity.user_id)
    if code != report.code:
        number, first_at = 0, now
    if this_rider != rider or not number:
        number += 1
    stage = report.stage.value if report.stage else ""
    _cache().set(_key(report.account), [report.code, stage, number, this_rider, first_at, now], LONGEST)


def _kept(account: str) -> _Kept:
    match _cache().get(_key(account)):
        case [str(code), str(stage), int(number), str(rider), float(first_at), float(last_at)]:
            return code, stage, number, rider, first_at, last_at
        case _:  # nothing, or what another version of this package has written
            return _NOTHING


def _key(account: str) -> str:
    return f"streak.{quote(account, safe='')}"


def _cache() -> SharedCache:
    return SharedCache(conf.get_settings().CACHE)


def _moment(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, timezone.utc)
