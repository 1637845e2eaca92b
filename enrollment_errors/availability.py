"""Whether riders can enroll at all, as far as this site knows, for its own pages and for operators.

An operator's switch decides. Without one, a known problem does: with the account itself, its circuit, a finding of the
watch, or failures in a row. The switch and the watch come from ``enrollment_errors.watch``, if a site has installed it;
this module finds the rest itself.
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
from .glance import Glance
from .opening import circuit_state
from .processors.account import Account
from .reporting.causes import Cause, standing
from .shared_cache import CacheDown
from .transport.circuit import Phase

logger = logging.getLogger("enrollment_errors")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Availability:
    """``why`` is a code of the catalogue or a diagnosis of the doctor; it is empty if nothing is wrong. ``since`` and
    ``until`` are aware, or ``None`` if unknown.

    ``message`` is an operator's text for riders, in the active language. ``set_by`` names the operator who set the
    switch, for staff only.
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
    """An account and, if known, an agency (its slug) and a concession group."""

    account: str
    agency: str = ""
    group_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that operators must know about an account or, if ``account`` is empty, about the site. ``text``
    describes it, ``advice`` says what to do, ``detail`` says what was seen, and ``url`` leads to it in the admin. If
    ``is_failure``, riders cannot enroll."""

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
        """Whether an operator caused it, and so already knows about it."""
        return self.why in ("switched_off", "switched_on")


class Source:
    """Adds to what this module knows; the base class adds nothing. Riders' requests call it: answer from a cache."""

    def get_switch(self, target: Target, glance: Glance | None = None) -> Availability | None:
        """The switch that an operator has set, if any. ``glance`` reads the cache for the rider's request."""
        return None

    def get_finding(self, target: Target) -> Availability | None:
        """A known problem, if any."""
        return None

    def get_notices(self) -> list[Notice]:
        """Notices for operators."""
        return []


_source = Source()


def register(source: Source) -> None:
    """Call it once, when Django has started."""
    global _source
    _source = source


def availability(of: Enrollment | Account | str, *, agency: str = "", group_id: str = "") -> Availability:
    """Whether riders can enroll. Pass an ``Enrollment``, or an account or its name and, if you know them, an agency's
    slug and a concession group.

    Never raises. It reads the cache and makes no calls, so a page can ask for every visitor. If neither the cache nor
    the database answers, riders count as able to enroll.
    """
    target = _target(of, agency, group_id)
    return _or_none(lambda: _source.get_switch(target) or _known_wrong(target)) or AVAILABLE


def switch_of(enrollment: Enrollment, glance: Glance | None = None) -> Availability | None:
    """The switch that an operator has set for it. It overrides any known problem. ``glance`` is the request's, if it
    makes calls, too. Never raises."""
    return _or_none(lambda: _source.get_switch(_target(enrollment, "", ""), glance))


def notices() -> list[Notice]:
    """Everything that operators must know about, except circuits. Never raises."""
    return [*(_or_none(_own_notices) or []), *(_or_none(_source.get_notices) or [])]


def _or_none(ask: Callable[[], T | None]) -> T | None:
    try:
        return ask()
    except Exception as error:  # noqa: BLE001  if nothing can be learned, riders can enroll
        logger.warning(
            "The site cannot tell whether riders can enroll (%s), and assumes that they can.", type(error).__name__
        )
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
    """Half-open is no reason: this rider's call may be the one that shows the processor is back."""
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
