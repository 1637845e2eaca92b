"""Whether riders can enroll at all, as far as this site knows: for its own pages, and for operators.

An operator's switch decides. Where there is none, whatever is known to be wrong does: the account itself, its circuit,
what the watch has found, failures in a row. Core knows the last three by itself; the switch and the watch are told by
``enrollment_errors.watch``, where a site has it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TypeVar

from django.utils.translation import gettext

from .account_directory import account_names, get_account
from .adapter import Enrollment
from .catalogue import CODES, explained
from .exceptions import AccountUnknown, ConfigurationError
from .opening import circuit_state
from .processors.account import Account
from .reporting.causes import Cause, standing
from .shared_cache import CacheDown
from .transport.circuit import Phase

logger = logging.getLogger("enrollment_errors")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Availability:
    """``why`` is a code of the catalogue or a diagnosis of the doctor, empty where nothing is wrong. ``since`` and
    ``until`` are aware, or ``None`` where nobody knows.

    ``message`` is what an operator wants riders to read, in the active language. ``set_by`` is who has set the switch:
    for staff.
    """

    is_available: bool = True
    why: str = ""
    since: datetime | None = None
    until: datetime | None = None
    message: str = ""
    set_by: str = ""


AVAILABLE = Availability()


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is asked about: an account, and where they are known an agency (its slug) and a concession group."""

    account: str
    agency: str = ""
    group_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What operators have to know of an account (or, where it is empty, of the site): ``text`` says it, ``advice`` what
    to do, ``detail`` what was seen, ``url`` leads to it in the admin. Where it ``is_failure``, riders cannot enroll."""

    account: str
    why: str
    text: str
    advice: str = ""
    detail: str = ""
    since: datetime | None = None
    url: str = ""
    is_failure: bool = False

    @property
    def is_switch(self) -> bool:
        """What an operator wants, and knows."""
        return self.why in ("switched_off", "switched_on")


class Source:
    """What knows more than core does; this one knows nothing. Asked in riders' requests, so a cache answers."""

    def get_switch(self, target: Target) -> Availability | None:
        """What an operator has set, if anything."""
        return None

    def get_finding(self, target: Target) -> Availability | None:
        """What is known to be wrong, if anything."""
        return None

    def get_notices(self) -> list[Notice]:
        """For operators."""
        return []


_source = Source()


def register(source: Source) -> None:
    """Once, when Django has started."""
    global _source
    _source = source


def availability(of: Enrollment | Account | str, *, agency: str = "", group_id: str = "") -> Availability:
    """Whether riders can enroll: into what an ``Enrollment`` says, or with an account (its name will do), and if you
    know them an agency's slug and a concession group.

    Never raises. It asks the cache and calls nobody, so a page can ask for every visitor. While neither the cache nor
    the database can say that something is wrong, nothing is.
    """
    target = _target(of, agency, group_id)
    return _or_none(lambda: _source.get_switch(target) or _known_wrong(target)) or AVAILABLE


def switch_of(enrollment: Enrollment) -> Availability | None:
    """What an operator has set for it: off, or with ``is_available`` on, whatever else is known. Never raises."""
    return _or_none(lambda: _source.get_switch(_target(enrollment, "", "")))


def notices() -> list[Notice]:
    """What operators have to know, beside circuits. Never raises."""
    return [*(_or_none(_own_notices) or []), *(_or_none(_source.get_notices) or [])]


def _or_none(ask: Callable[[], T | None]) -> T | None:
    try:
        return ask()
    except Exception as error:  # noqa: BLE001  what cannot be asked about is taken to be well
        logger.warning("Whether riders can enroll cannot be told: %s", type(error).__name__)
        return None


def _own_notices() -> list[Notice]:
    found = []
    for name in account_names():
        try:
            get_account(name)
        except ConfigurationError as error:
            action = gettext(CODES["account_unusable"].action)
            found.append(Notice(account=name, why="account_unusable", text=str(error), advice=action, is_failure=True))
            continue
        with suppress(CacheDown):
            found += [_notice(cause) for cause in standing(name) if cause.is_news]
    return found


def _notice(cause: Cause) -> Notice:
    code = explained(cause.code)
    facts = {"group": cause.group_id, "count": cause.in_a_row, "meaning": gettext(code.meaning)}
    if cause.group_id:
        words = gettext("Group %(group)s: %(count)s riders in a row failed, and none succeeded since: %(meaning)s")
    else:
        words = gettext("%(count)s riders in a row failed, and none succeeded since: %(meaning)s")
    return Notice(
        account=cause.account,
        why=cause.code,
        text=words % facts,
        advice=gettext(code.action),
        since=cause.since,
        is_failure=True,
    )


def _target(of: Enrollment | Account | str, agency: str, group_id: str) -> Target:
    if isinstance(of, Enrollment):
        return Target(account=of.account, agency=of.agency.slug, group_id=of.group_id)
    return Target(account=of if isinstance(of, str) else of.name, agency=agency, group_id=group_id)


def _known_wrong(target: Target) -> Availability | None:
    try:
        account = get_account(target.account)
    except AccountUnknown:
        return Availability(is_available=False, why="account_unknown")
    except ConfigurationError:
        return Availability(is_available=False, why="account_unusable")
    return _circuit(account) or _source.get_finding(target) or _cause(target)


def _circuit(account: Account) -> Availability | None:
    """Half-open is no reason: the rider may be the one who finds that the processor is back."""
    state = circuit_state(account)
    if state.phase is not Phase.OPEN:
        return None
    return Availability(is_available=False, why="circuit_open", since=_moment(state.since), until=_moment(state.until))


def _cause(target: Target) -> Availability | None:
    with suppress(CacheDown):
        for cause in standing(target.account):
            if cause.warns_riders and cause.group_id in ("", target.group_id):
                return Availability(is_available=False, why=cause.code, since=cause.since)
    return None


def _moment(epoch_seconds: float | None) -> datetime | None:
    return None if epoch_seconds is None else datetime.fromtimestamp(epoch_seconds, timezone.utc)
