"""Runs the probes in order: an account's later probes depend on the earlier ones, and are skipped if one fails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from .. import conf
from ..account_directory import account_names, get_account
from ..adapter import Enrollment
from ..codes import gettext_noop
from ..exceptions import AccountUnknown, ConfigurationError
from ..plural import counted
from ..processors.account import Account
from . import account, network, site
from .diagnoses import ABOUT_OPTIONS, Level, Trouble, diagnosed

SITE = "this site"
SHARED_TOKEN = gettext_noop("shared token")
"""The probe of the token that riders share."""
ENVIRONMENT = gettext_noop("environment")
"""The probe that looks for a mix of test and production servers, which does not change by itself."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """``subject`` is an account, with its agencies if the site names them, or the site itself.

    ``group`` is the concession group, if the finding is about one of several. Pass ``diagnosis`` to
    ``diagnoses.diagnosed``; it is empty if nothing is wrong. ``options`` are the names of the account's options.
    """

    subject: str
    probe: str
    detail: str
    group: str = ""
    diagnosis: str = ""
    options: tuple[str, ...] = ()
    was_tried: bool = True

    @property
    def level(self) -> Level:
        if not self.was_tried:
            return Level.NOT_TRIED
        return diagnosed(self.diagnosis).level if self.diagnosis else Level.OK

    @property
    def cause(self) -> str:
        return diagnosed(self.diagnosis).cause if self.diagnosis else ""

    @property
    def advice(self) -> str:
        return diagnosed(self.diagnosis).action if self.diagnosis else ""

    @property
    def action(self) -> str:
        """The advice, and the options that it is about."""
        has = f" The options of this account are {', '.join(self.suspects)}." if self.suspects else ""
        return f"{self.advice}{has}"

    @property
    def suspects(self) -> tuple[str, ...]:
        """The options of which one may have caused it."""
        return self.options if self.diagnosis in ABOUT_OPTIONS else ()


def examine(accounts: Collection[str] = (), groups: Collection[str] = ()) -> Iterator[Finding]:
    """Yields findings as they come. Without ``accounts``, it examines all of them. It looks for ``groups`` in each, in
    addition to those of ``Adapter.get_enrollments_to_check``."""
    settings = _probe(SITE, "settings", _settings)
    yield settings
    if settings.level is Level.FAILURE:
        return
    for name, probe in _OF_THE_SITE.items():
        yield _probe(SITE, name, probe)
    enrollments: list[Enrollment] = []
    yield _probe(SITE, "enrollments", lambda: _enrollments(enrollments))
    of_account: dict[str, list[Enrollment]] = defaultdict(list)
    for enrollment in enrollments:
        of_account[enrollment.account].append(enrollment)
    for name in accounts or account_names():
        yield from examine_account(name, of_account[name], groups)


def enrollments_of(name: str) -> list[Enrollment]:
    """The site's enrollments for one account; empty if its hook fails."""
    enrollments: list[Enrollment] = []
    with suppress(Trouble):  # of the site itself, or of another account
        _enrollments(enrollments)
    return [enrollment for enrollment in enrollments if enrollment.account == name]


def examine_account(
    name: str,
    enrollments: Collection[Enrollment] = (),
    groups: Collection[str] = (),
    *,
    left_out: Collection[str] = (),
) -> Iterator[Finding]:
    """The findings of one account. ``enrollments`` are the site's for it, ``groups`` are more groups to look for, and
    ``left_out`` are probes to skip."""
    found = _probe(name, gettext_noop("account"), lambda: _account(name))
    yield found
    if not found.diagnosis:
        yield from _of_account(get_account(name), enrollments, groups, left_out)


def _of_account(
    known: Account, enrollments: Collection[Enrollment], groups: Collection[str], left_out: Collection[str]
) -> Iterator[Finding]:
    agencies = sorted({enrollment.agency.slug for enrollment in enrollments})
    subject = f"{known.name} ({', '.join(agencies)})" if agencies else known.name
    wanted = {*groups, *(enrollment.group_id for enrollment in enrollments)}
    of_groups = account.Groups(known)
    options = tuple(option.name for option in known.processor.account_options if option.name in known.options)
    if ENVIRONMENT not in left_out:
        yield _probe(subject, ENVIRONMENT, lambda: network.environment(known), options=options)
    probes: dict[str, Callable[[], str]] = {
        **_of_the_way(known),
        gettext_noop("health"): lambda: account.health(known),
        gettext_noop("access"): lambda: account.tokenization(known),
        SHARED_TOKEN: lambda: account.shared_token(known),
        gettext_noop("groups"): lambda: of_groups.listed(wanted),
    }
    failed = ""
    for name, probe in probes.items():
        if name in left_out:
            continue
        if failed:
            yield Finding(subject=subject, probe=name, detail=f"not tried: {failed} failed", was_tried=False)
            continue
        finding = _probe(subject, name, probe, options=options)
        yield finding
        failed = name if finding.level is Level.FAILURE else ""
    for group in sorted(wanted):
        if failed:
            detail = f"not tried: {failed} failed"
            yield Finding(subject=subject, probe="group", detail=detail, group=group, was_tried=False)
        else:
            yield _probe(subject, gettext_noop("group"), partial(of_groups.group, group), group=group)
    yield _probe(subject, gettext_noop("card form"), lambda: network.card_form(known), options=options)


def _of_the_way(known: Account) -> dict[str, Callable[[], str]]:
    """The probes of the network path to each of the account's servers."""
    probes: dict[str, Callable[[], str]] = {}
    for name, endpoint in known.endpoints.items():
        at = f" ({name})" if len(known.endpoints) > 1 else ""
        for probe in (network.base_url, network.name, network.connection, network.tls, network.clock):
            probes[f"{_WAY[probe]}{at}"] = partial(probe, endpoint)
    return probes


_WAY = {
    network.base_url: gettext_noop("base URL"),
    network.name: "DNS",
    network.connection: gettext_noop("connection"),
    network.tls: "TLS",
    network.clock: gettext_noop("clock"),
}


def _probe(
    subject: str, name: str, probe: Callable[[], str], *, group: str = "", options: tuple[str, ...] = ()
) -> Finding:
    found = partial(Finding, subject=subject, probe=name, group=group, options=options)
    try:
        return found(detail=probe())
    except Trouble as trouble:
        return found(detail=trouble.detail, diagnosis=trouble.diagnosis)
    except Exception as error:  # noqa: BLE001  one failing probe must not stop the others
        return found(detail=type(error).__name__, diagnosis="probe_failed")


def _settings() -> str:
    try:
        return counted(len(account_names()), "processor account")
    except ConfigurationError as error:
        raise Trouble("settings_wrong", str(error)) from error


def _account(name: str) -> str:
    try:
        return get_account(name).processor.name
    except AccountUnknown as error:
        raise Trouble("account_unknown", str(error)) from error
    except ConfigurationError as error:
        raise Trouble("account_unusable", str(error)) from error


def _enrollments(found: list[Enrollment]) -> str:
    """Fills ``found``."""
    try:
        for enrollment in conf.get_adapter().get_enrollments_to_check():
            found.extend(enrollment.each())
    except Exception as error:  # the site's own code
        raise Trouble("host_failed", type(error).__name__) from error
    unknown = {enrollment.account for enrollment in found} - set(account_names())
    if unknown:
        raise Trouble("account_unknown", ", ".join(sorted(unknown)))
    return f"{len(found)} to check"


_OF_THE_SITE: dict[str, Callable[[], str]] = {
    "cache": site.cache,
    "incidents": site.incidents,
    "templates": site.templates,
    "catalogs": site.catalogs,
    "Sentry": site.sentry,
    "Amplitude": site.amplitude,
}
