"""How a site tells the app who is enrolling in what. A site subclasses ``Adapter`` and names it in its settings."""

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
    """A transit agency. ``slug`` is its name in events; ``home_url`` is the page on this site that riders return to.
    ``card_schemes`` are the schemes that its readers accept (``visa``, ``mastercard``), for card forms that take such a
    list; leave it empty if the processor knows. ``other_ways`` tells riders how to enroll while self-service is down,
    such as at a counter, with its address and hours. ``hours`` says when someone answers the phone. Translate both
    lazily if the site has several languages."""

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

    ``provider`` is the name that riders know it by. ``sign_out_url`` signs out of the provider and returns to the
    agency's page; leave it empty if the provider has no way to sign out.
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
        """When an enrollment made at ``now`` (aware) expires, in the site's time zone, even if another one is active.

        It counts calendar days, so daylight saving time does not move midnight.
        """
        zone = timezone.get_default_timezone()
        day_after_last = timezone.localdate(now, zone) + timedelta(days=self.days + 1)
        return timezone.make_aware(datetime.combine(day_after_last, time()), zone)

    def reenrollment_opens_at(self, expires_at: datetime) -> datetime:
        """When an enrollment that expires at ``expires_at`` (aware) becomes renewable, in the site's time zone."""
        zone = timezone.get_default_timezone()
        local = timezone.localtime(expires_at, zone).replace(tzinfo=None) - timedelta(days=self.reenrollment_days)
        return timezone.make_aware(local, zone)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Random names for a rider in events; they do not reveal who it is. ``session_id`` is epoch milliseconds."""

    user_id: str
    device_id: str
    session_id: int


MOST_CARDS = 10
"""Maximum for ``Enrollment.cards``."""
MOST_TARGETS = 6
"""Maximum groups for one enrollment: a cookie must hold the state of all of them."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Another group that a regional enrollment links the card to, of another agency or at another account."""

    agency: Agency
    account: str
    group_id: str = field(repr=False)
    expiry: ExpiryPolicy | None = None


@dataclass(frozen=True, kw_only=True)
class Enrollment:
    """One rider's enrollment: the agency, the account, the group, and the rules.

    ``account`` is a key of the setting ``ACCOUNTS``. ``flow`` and ``verifier`` are names for events; ``benefit`` is the
    name for riders (``Older adults``). ``also`` lists the other targets of a region: one proof and one card for several
    agencies.

    If the app read the card and the link failed because the processor was down, ``finish_until`` (aware) lets the app
    link the card later: until then, but never longer than ``SETTLING_HOURS``. Set it no later than the moment when the
    rider's proof stops being valid. It needs ``enrollment_errors.settling``; the app never finishes a region later.

    ``cards`` is how many cards the rider can enroll for this benefit with one proof: from 1 to 10, or ``None`` for any
    number. A new proof begins with ``forget_rider`` or a new session. The app counts in the shared cache for 24 hours,
    and a card whose outcome is unknown counts. It cannot limit a region.
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
    """If ``None``, the app creates a random one for each session and keeps it there."""
    extra_claims: Sequence[str] = ()
    also: Sequence[Target] = ()
    benefit: str | Promise = ""
    finish_until: datetime | None = None
    cards: int | None = None

    def __post_init__(self) -> None:
        if self.finish_until is not None and timezone.is_naive(self.finish_until):
            raise ConfigurationError("Enrollment.finish_until must have a time zone.")
        if self.cards is not None and not 1 <= self.cards <= MOST_CARDS:
            raise ConfigurationError(f"Enrollment.cards is {self.cards}: it must be from 1 to {MOST_CARDS}, or None.")
        if self.cards is not None and self.also:
            raise ConfigurationError("Enrollment.cards cannot limit an enrollment that has targets in also.")
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
        """One enrollment for each target, in order. If there is only one target, that is this enrollment."""
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
    """The site's side. You must write ``get_enrollment``; the other methods have defaults."""

    @abstractmethod
    def get_enrollment(self, request: HttpRequest) -> Enrollment | None:
        """The enrollment that this session qualifies for, or ``None`` if it may not enroll.

        ``enrollment_errors.in_person.is_in_person(request)`` tells in-person from self-service.
        """

    def may_enroll_in_person(self, request: HttpRequest) -> bool:
        """Whether the user may enroll riders in person. Every in-person address checks this first. By default, users
        with the permission ``enrollment_errors.enroll_in_person`` may.
        """
        user = getattr(request, "user", None)
        return user is not None and bool(user.has_perm(IN_PERSON_PERMISSION))

    def get_staff_sign_in_url(self, request: HttpRequest) -> str | None:
        """Where staff sign in before they enroll riders. The app adds ``next`` to the query.

        ``None`` for users who are signed in: a page tells them that they may not. By default, Django's ``LOGIN_URL``.
        """
        user = getattr(request, "user", None)
        return None if user is None or user.is_authenticated else resolve_url(settings.LOGIN_URL)

    def get_staff_member(self, request: HttpRequest) -> str:
        """A text that identifies the staff member at this browser. Incidents and events get only a keyed digest of it.
        By default, the user's primary key; empty if nobody is signed in.
        """
        user = getattr(request, "user", None)
        return str(user.pk) if user is not None and user.is_authenticated else ""

    def get_staff_start_url(self, request: HttpRequest) -> str:
        """The page where staff start with the next rider and confirm their proof."""
        return "/"

    def on_success(self, request: HttpRequest, enrollment: Enrollment, result: Result) -> None:  # noqa: B027  optional
        """Called once after each successful enrollment, before the rider goes to the success page. For a region, called
        once for each target as soon as it is linked, with an ``enrollment`` of that target alone.

        The app reports an exception here, but the rider still sees the success page: the card is linked.
        """

    def on_settled(self, enrollment: Enrollment, result: Result) -> None:  # noqa: B027  optional
        """Called once, outside of any request, for a link that turned out to exist after its answer was lost, and for a
        link that the app finished for the rider.

        It needs ``enrollment_errors.settling``. If the rider checks again themselves, the app calls ``on_success``
        instead. ``result.reference`` is the one that the rider saw. ``enrollment`` has no sign-in and no identity. The
        app reports an exception here, and does not call the hook again.
        """

    def get_page_context(self, request: HttpRequest, page: str) -> Mapping[str, Any]:
        """Additional template context for a page, by its name (``enroll``, ``success``, ``system_error``, …)."""
        return {}

    def get_enrollments_to_check(self) -> Iterable[Enrollment]:
        """One enrollment for each agency and benefit, for ``manage.py enrollment_doctor``, outside of any request.

        The doctor checks that their processor accounts and concession groups exist, and enrolls nobody.
        """
        return ()
