"""The only reader of settings: ``ENROLLMENT_ERRORS``, read lazily into a frozen dataclass.

What is wrong with them is a ``ConfigurationError``. The site's settings are never written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.signals import setting_changed

from .adapter import Adapter, Agency
from .classification import Rule
from .conf_values import SETTING, read, refuse_unknown
from .exceptions import ConfigurationError
from .processors.account import AccountProvider
from .redaction import raised_at
from .secret import Secret

MOST_COUNTED = 100


def from_environment(name: str) -> str:
    """The default of ``SECRETS``: they are environment variables."""
    return os.environ[name]


INCIDENT_SINK = "enrollment_errors.incidents.sink.IncidentSink"
LEDGER_SINK = "enrollment_errors.ledger.sink.LedgerSink"
DEFAULT_SINKS = (
    "enrollment_errors.reporting.log.LogSink",
    "enrollment_errors.reporting.sentry.SentrySink",
    "enrollment_errors.reporting.amplitude.AmplitudeSink",
    INCIDENT_SINK,
    LEDGER_SINK,
    "enrollment_errors.reporting.signals.SignalSink",
)
_APPS_OF_SINKS = {INCIDENT_SINK: "enrollment_errors.incidents", LEDGER_SINK: "enrollment_errors.ledger"}


def _default_sinks() -> tuple[str, ...]:
    return tuple(
        path for path in DEFAULT_SINKS if path not in _APPS_OF_SINKS or apps.is_installed(_APPS_OF_SINKS[path])
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a site sets, each with its default. All times are seconds."""

    ADAPTER: type[Adapter]
    """The dotted path of the site's subclass of `enrollment_errors.adapter.Adapter`."""
    ACCOUNTS: AccountProvider
    """One entry for each account with a transit processor: `{"name": {"CLASS": dotted path, "OPTIONS": {…}}}`; or the
    dotted path of a subclass of `processors.account.AccountProvider`, where the accounts live elsewhere."""
    PROCESSORS: tuple[str, ...] = ("enrollment_errors.processors.littlepay.LittlepayProcessor",)
    """The dotted paths of the processors that accounts in the database can be with."""
    SECRETS: Callable[[str], str] = from_environment
    """The dotted path of the function that turns the name of a secret into the secret, for accounts in the database."""
    RULES: tuple[Rule, ...] = ()
    """The site's own rows of the classification, which stand before the app's: a list of `classification.Rule`."""
    BASE_TEMPLATE: str = "enrollment_errors/base.html"
    """The template that every page extends."""
    FALLBACK_AGENCY: Agency | None = None
    """The `adapter.Agency` of pages that cannot know the rider's, because the session is gone."""
    ALLOWED_REDIRECT_HOSTS: tuple[str, ...] = ()
    """Host names, beside the site's own, that riders may be sent to: an identity provider's, a redirect flow's."""

    SINKS: tuple[str, ...] = field(default_factory=_default_sinks)
    """Where each event goes: the dotted paths of subclasses of `enrollment_errors.reporting.sink.Sink`, in the order in
    which they hear of it. By default those of the incidents and of the ledger are among them only where their apps are
    in `INSTALLED_APPS`. See [Sinks](events.md#sinks)."""
    AMPLITUDE_API_KEY: str = field(default="", repr=False)
    """Without it nothing is sent to Amplitude."""
    AMPLITUDE_SERVER_URL: str = ""
    """Another address than Amplitude's own, such as that of its EU data centre."""
    RELEASE: str = ""
    """The version of the site, for events and incidents."""

    INCIDENTS_PER_MINUTE: int = 60
    """How many incidents one process lists in a minute, of what the back end saw and of what browsers told each. Those
    above are counted only."""
    INCIDENTS_KEPT_DAYS: int = 90
    """Days after which `manage.py prune_enrollments` deletes incidents and counts."""
    LEDGER_KEPT_DAYS: int | None = None
    """Days after which `manage.py prune_enrollments` deletes what is in the ledger; `None` keeps it forever."""
    SENTRY_EVENT_URL: str = ""
    """The address of an event in the operators' Sentry, with `{event_id}` where its id stands."""
    STATUS_TOKEN: Secret | None = None
    """What a monitor sends to read the status; a text."""

    CACHE: str = "default"
    """The alias, in `CACHES`, of the cache that holds the access token and the circuit breaker."""
    BUDGET: float = 8.0
    """Seconds for all calls to the processor that one request of a rider makes, retries and pauses among them."""
    CONNECT_TIMEOUT: float = 2.0
    """Seconds until a connection stands, TLS included."""
    READ_TIMEOUT: float = 3.0
    """Seconds of silence. At most half of `BUDGET`, so that there is time to ask what became of a lost link."""
    ATTEMPTS: int = 3
    """How often a call that may be repeated is made at most."""
    MAX_CALLS: int = 6
    """How many riders of one process one account serves at the same time. Below the number of threads of a process,
    so that a processor that hangs leaves some of them for other pages."""
    MAX_CALLS_WAIT: float = 0.1
    """Seconds that a rider waits for a turn among those."""
    LINK_QUIET_TIME: float = 300.0
    """Seconds for which a link whose answer was lost may still take effect at the processor. Until they are over,
    nobody sends a second one for the same card and concession group."""
    SETTLING_HOURS: int = 24
    """Hours for which `manage.py settle_enrollments` asks what became of a link whose answer was lost, where
    `enrollment_errors.settling` is in `INSTALLED_APPS`."""
    BREAKER_FAILURES: int = 3
    """How many riders' calls must fail within `BREAKER_WINDOW` to open an account's circuit. One rider's session, and
    one card, count once."""
    BREAKER_WINDOW: float = 60.0
    """Seconds."""
    BREAKER_OPEN: float = 10.0
    """Seconds for which an open circuit lets no call through, before one caller probes; also what riders'
    `Retry-After` says."""
    RIDER_REQUESTS: int = 30
    """How many enrollments one rider's session may send within `RIDER_WINDOW`, how many times it may ask for access to
    the card form, and how many times its page may report on the form. Each process allows up to two tenths more,
    because it counts a session's first requests by itself."""
    RIDER_WINDOW: float = 60.0
    """Seconds."""


def _read() -> Settings | ConfigurationError:
    """Behind a wall: the frames below hold all that a site has set, its secrets in plain, and nothing is raised from
    here, because they would be in the traceback. What is wrong is given back.
    """
    try:
        return _checked(getattr(django_settings, SETTING, None))
    except ConfigurationError as wrong:
        return wrong.with_traceback(None)
    except Exception as error:  # noqa: BLE001  whatever a processor's own code raises, with the options in its frames
        return ConfigurationError(
            f"{SETTING} cannot be read: {type(error).__name__} at {raised_at(error.__traceback__)}."
        )


def _checked(raw: Any) -> Settings:
    if not isinstance(raw, Mapping):
        raise ConfigurationError(f'{SETTING} is missing: set it to a dict with at least "ADAPTER" and "ACCOUNTS".')
    known = fields(Settings)
    refuse_unknown(SETTING, raw, tuple(entry.name for entry in known))
    values = {}
    for entry in known:
        if entry.name in raw:
            values[entry.name] = read(entry.name, str(entry.type), raw[entry.name])
        elif entry.default is MISSING and entry.default_factory is MISSING:
            raise ConfigurationError(f'{SETTING}["{entry.name}"] is missing: every site must set it.')
    settings = Settings(**values)
    _check_numbers(settings)
    return settings


def _check_numbers(settings: Settings) -> None:
    if settings.CONNECT_TIMEOUT > settings.BUDGET or settings.READ_TIMEOUT >= settings.BUDGET:
        raise ConfigurationError(
            f"{SETTING}: READ_TIMEOUT and CONNECT_TIMEOUT must be below BUDGET ({settings.BUDGET:g} s), so that "
            "after a lost answer there is time left to ask what became of it."
        )
    for name in ("BREAKER_FAILURES", "RIDER_REQUESTS"):
        if getattr(settings, name) > MOST_COUNTED:
            raise ConfigurationError(
                f'{SETTING}["{name}"] must be at most {MOST_COUNTED}: counting reads as many cache entries.'
            )


@cache
def get_settings() -> Settings:
    """The site's settings, checked. Raises ``ConfigurationError``."""
    found = _read()
    if isinstance(found, ConfigurationError):
        raise found
    return found


@cache
def get_adapter() -> Adapter:
    """The site's adapter: one a process, stateless."""
    return get_settings().ADAPTER()


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == SETTING:
        get_settings.cache_clear()
        get_adapter.cache_clear()


setting_changed.connect(_forget)
