"""What a site tells us: who is enrolling into what. A site subclasses ``Adapter`` and names it in its settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.functional import Promise

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from django.http import HttpRequest

    from .results import Result


IN_PERSON_PERMISSION = "enrollment_errors.enroll_in_person"


class Method(str, Enum):
    SELF_SERVICE = "self_service"
    IN_PERSON = "in_person"


@dataclass(frozen=True, kw_only=True)
class Agency:
    """A transit agency. ``slug`` is its name in events; ``home_url`` is its page on this site, where riders return
    to. ``card_schemes`` are those that its readers take (``visa``, ``mastercard``), for card forms that can be told;
    empty where the processor knows. ``other_ways`` tells riders how they can enroll while self-service is down, such as
    at a counter, with its address and hours. ``hours`` are those in which somebody answers the phone. Both are
    translated lazily where the site speaks several languages."""

    slug: str
    name: str
    home_url: str
    phone: str = ""
    website: str = ""
    card_schemes: Sequence[str] = ()
    other_ways: str | Promise = ""
    hours: str | Promise = ""

    def __post_init__(self) -> None:
        for name in ("slug", "name", "home_url"):
            if not getattr(self, name):
                raise ConfigurationError(f"Agency.{name} is empty: every rider's page needs it.")
        if self.website and not self.website.startswith(("https://", "http://")):
            raise ConfigurationError("Agency.website must be a whole address, such as https://agency.example.")

    @property
    def phone_link(self) -> str:
        """The digits of the phone number, with a leading ``+`` if it has one, for ``tel:``."""
        digits = "".join(character for character in self.phone if character.isdigit())
        return f"+{digits}" if self.phone.strip().startswith("+") else digits


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """The rider is signed in with an identity provider.

    ``provider`` is its name as riders know it. ``sign_out_url`` signs out of the provider and comes back to the
    agency's page; empty where the provider has no way to sign out.
    """

    provider: str
    sign_out_url: str = ""


@dataclass(frozen=True, kw_only=True)
class ExpiryPolicy:
    """A benefit that expires ``days`` days from today, at the midnight that ends the last day in the site's time zone.

    Re-enrollment opens ``reenrollment_days`` days before the expiry.
    """

    days: int
    reenrollment_days: int

    def __post_init__(self) -> None:
        if not 0 < self.days or not 0 <= self.reenrollment_days <= self.days:
            raise ConfigurationError(
                "ExpiryPolicy needs days above 0 and reenrollment_days from 0 to days, "
                f"not {self.days} and {self.reenrollment_days}."
            )

    def expires_at(self, now: datetime) -> datetime:
        """When an enrollment made at ``now`` (aware) expires, in the site's time zone, whichever one is active.

        Counted in calendar days, so that a change of the clocks does not move midnight.
        """
        zone = timezone.get_default_timezone()
        day_after_last = timezone.localdate(now, zone) + timedelta(days=self.days + 1)
        return timezone.make_aware(datetime.combine(day_after_last, time()), zone)

    def reenrollment_opens_at(self, expires_at: datetime) -> datetime:
        """From when an enrollment that expires at ``expires_at`` (aware) can be renewed, in the site's time zone."""
        zone = timezone.get_default_timezone()
        local = timezone.localtime(expires_at, zone).replace(tzinfo=None) - timedelta(days=self.reenrollment_days)
        return timezone.make_aware(local, zone)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who events are about: random names, nothing that tells who the rider is. ``session_id`` is epoch milliseconds."""

    user_id: str
    device_id: str
    session_id: int


MOST_TARGETS = 6
"""How many groups one enrollment may have: what is kept of each, in a cookie, has to fit."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One more group that a regional enrollment links the card to: another agency's, or another account's."""

    agency: Agency
    account: str
    group_id: str = field(repr=False)
    expiry: ExpiryPolicy | None = None


@dataclass(frozen=True, kw_only=True)
class Enrollment:
    """One rider's enrollment: into which group of which account, for which agency, and under which rules.

    ``account`` is a key of the setting ``ACCOUNTS``. ``flow`` and ``verifier`` are names for events. ``also`` are
    further targets of a region: one proof and one card for several agencies.

    ``finish_until`` (aware) lets the app finish later for riders whose card was read and whose link failed because the
    processor was down: until then, but never longer than ``SETTLING_HOURS``. Set it no later than the moment when the
    rider's proof stops being good enough. It needs ``enrollment_errors.settling``; a region is not finished later.
    """

    agency: Agency
    account: str
    group_id: str = field(repr=False)
    flow: str
    verifier: str
    expiry: ExpiryPolicy | None = None
    sign_in: SignIn | None = None
    method: Method = Method.SELF_SERVICE
    identity: Identity | None = None
    """``None``: random ones, made once a session and kept there."""
    extra_claims: Sequence[str] = ()
    also: Sequence[Target] = ()
    finish_until: datetime | None = None

    def __post_init__(self) -> None:
        if self.finish_until is not None and timezone.is_naive(self.finish_until):
            raise ConfigurationError("Enrollment.finish_until must have a time zone.")
        places = [(target.account, target.group_id) for target in self._targets]
        if any(group_id in ("", ".", "..") for _, group_id in places):
            raise ConfigurationError(
                "Enrollment.group_id is empty or only dots: there is no concession group to enroll into."
            )
        if len(set(places)) < len(places):
            raise ConfigurationError("Enrollment.also names a group twice.")
        if len(places) > MOST_TARGETS:
            raise ConfigurationError(f"Enrollment.also has {len(self.also)} targets: {MOST_TARGETS - 1} is the most.")

    @property
    def _targets(self) -> list[Enrollment | Target]:
        return [self, *self.also]

    def each(self) -> list[Enrollment]:
        """One enrollment for each target, in order: itself where there is only one."""
        return [
            replace(
                self,
                agency=target.agency,
                account=target.account,
                group_id=target.group_id,
                expiry=target.expiry,
                also=(),
            )
            for target in self._targets
        ]


class Adapter(ABC):
    """The site's side. One method must be written; each gets the request."""

    @abstractmethod
    def get_enrollment(self, request: HttpRequest) -> Enrollment | None:
        """The enrollment that this session has earned, or ``None`` where it may not enroll.

        ``enrollment_errors.in_person.is_in_person(request)`` tells apart self-service and in-person.
        """

    def may_enroll_in_person(self, request: HttpRequest) -> bool:
        """Whether the user may enroll riders in person: asked before all else at every in-person address. By default,
        users with the permission ``enrollment_errors.enroll_in_person``.
        """
        user = getattr(request, "user", None)
        return user is not None and bool(user.has_perm(IN_PERSON_PERMISSION))

    def get_staff_sign_in_url(self, request: HttpRequest) -> str | None:
        """Where somebody signs in who may not enroll in person and is not signed in. It gets ``next`` in its query.

        ``None`` for those who are signed in: they are told that they may not. By default, Django's ``LOGIN_URL``.
        """
        user = getattr(request, "user", None)
        return None if user is None or user.is_authenticated else resolve_url(settings.LOGIN_URL)

    def get_staff_member(self, request: HttpRequest) -> str:
        """What tells the staff member at this browser from all others. Incidents and events get a keyed digest of it,
        and nothing else. By default the user's primary key; empty where there is no user.
        """
        user = getattr(request, "user", None)
        return str(user.pk) if user is not None and user.is_authenticated else ""

    def get_staff_start_url(self, request: HttpRequest) -> str:
        """Where staff begin with the next rider: the page on which they confirm the rider's proof."""
        return "/"

    def on_success(self, request: HttpRequest, enrollment: Enrollment, result: Result) -> None:  # noqa: B027  optional
        """Called once after each successful enrollment, before the rider is sent to the success page. For a region,
        once for each target that was linked, as soon as it is, with an ``enrollment`` of that target alone.

        An exception here is reported, and does not change what the rider sees: the card is linked.
        """

    def on_settled(self, enrollment: Enrollment, result: Result) -> None:  # noqa: B027  optional
        """Called once, outside of any request, for a link that turned out to be there after its answer was lost, and
        for one that was finished for the rider.

        It needs ``enrollment_errors.settling``. Of a rider who has checked again themselves, ``on_success`` is called.
        ``result.reference`` is the one that the rider was shown. ``enrollment`` is without sign-in and identity. An
        exception here is reported, and the hook is not called again.
        """

    def get_page_context(self, request: HttpRequest, page: str) -> Mapping[str, Any]:
        """More template context for a page, by its name (``enroll``, ``success``, ``system_error``, …)."""
        return {}

    def get_enrollments_to_check(self) -> Iterable[Enrollment]:
        """For ``manage.py enrollment_doctor``, outside of any request: one enrollment for each agency and benefit.

        It checks that their processor accounts and concession groups exist, and enrolls nobody.
        """
        return ()
