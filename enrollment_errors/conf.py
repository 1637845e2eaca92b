"""The only reader of settings: ``ENROLLMENT_ERRORS``, read lazily into a frozen dataclass.

A wrong setting raises ``ConfigurationError``. The app never writes to the site's settings.
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
    """The default of ``SECRETS``, which reads environment variables."""
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
DEFAULT_ALERT_CHANNELS = ("enrollment_errors.reporting.channels.SentryChannel",)
_APPS_OF_SINKS = {INCIDENT_SINK: "enrollment_errors.incidents", LEDGER_SINK: "enrollment_errors.ledger"}


def default_sinks() -> tuple[str, ...]:
    """The ``DEFAULT_SINKS`` whose apps the site has installed."""
    return tuple(
        path for path in DEFAULT_SINKS if path not in _APPS_OF_SINKS or apps.is_installed(_APPS_OF_SINKS[path])
    )


def _default_channels() -> tuple[Any, ...]:
    made: tuple[Any, ...] = read("ALERT_CHANNELS", "", DEFAULT_ALERT_CHANNELS)
    return made


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A site's settings, with their defaults. All times are in seconds."""

    ADAPTER: type[Adapter]
    """The dotted path of your subclass of `enrollment_errors.adapter.Adapter`."""
    ACCOUNTS: AccountProvider
    """Your accounts with transit processors, by name: `{"name": {"CLASS": dotted path, "OPTIONS": {…}}}`. If they live
    elsewhere, use the dotted path of a subclass of `processors.account.AccountProvider`."""
    PROCESSORS: tuple[str, ...] = ("enrollment_errors.processors.littlepay.LittlepayProcessor",)
    """For accounts in the database: the dotted paths of the processors that operators can choose."""
    SECRETS: Callable[[str], str] = from_environment
    """For accounts in the database: the dotted path of a function that takes a secret's name and returns the secret."""
    RULES: tuple[Rule, ...] = ()
    """Your own rules for classifying failures, a list of `classification.Rule`. They come before the app's."""
    BASE_TEMPLATE: str = "enrollment_errors/base.html"
    """The template that every page extends."""
    FALLBACK_AGENCY: Agency | None = None
    """The `adapter.Agency` to show if the session, and with it the rider's own agency, is gone."""
    ALLOWED_REDIRECT_HOSTS: tuple[str, ...] = ()
    """Host names that riders may be redirected to, besides your site's own: those of an identity provider, or of a
    processor's own pages."""

    SINKS: tuple[str, ...] = field(default_factory=default_sinks)
    """Where events go: the dotted paths of subclasses of `enrollment_errors.reporting.sink.Sink`, in order. The default
    includes the sinks of the incidents and the ledger only if their apps are in `INSTALLED_APPS`. See
    [Sinks](events.md#sinks)."""
    ALERT_CHANNELS: tuple[Any, ...] = field(default_factory=_default_channels)
    """Where operators learn that a problem has begun or ended: Sentry by default. A list. Each item is the dotted path
    of a subclass of `enrollment_errors.reporting.channels.Channel`, or `{"CLASS": dotted path, "OPTIONS": {…}}`. See
    [Alerts](operations.md#alerts)."""
    AMPLITUDE_API_KEY: str = field(default="", repr=False)
    """If empty, the app sends nothing to Amplitude."""
    AMPLITUDE_SERVER_URL: str = ""
    """The address of Amplitude's API if it is not the default, such as that of its EU data center."""
    RELEASE: str = ""
    """The version of your site. It appears in events and incidents."""

    INCIDENTS_PER_MINUTE: int = 60
    """Maximum incidents that one process lists per minute, separately for failures that the server saw and those that
    browsers reported. Any more are only counted."""
    INCIDENTS_KEPT_DAYS: int = 90
    """Age in days at which `manage.py prune_enrollments` deletes incidents and counts."""
    LEDGER_KEPT_DAYS: int | None = None
    """Age in days at which `manage.py prune_enrollments` deletes entries of the ledger; `None` keeps them forever."""
    SENTRY_EVENT_URL: str = ""
    """The address of an event in your Sentry, with `{event_id}` in place of the event's id. Incidents link to it."""
    RUNBOOK_URLS: Mapping[str, str] = field(default_factory=dict)
    """Your own instructions for operators: the address of a page for each code, `"*"` for every other code. `{code}` in
    an address stands for the code. See [Your own runbook](operations.md#your-own-runbook)."""
    SUPPORT_CONTACTS: Mapping[str, str] = field(default_factory=dict)
    """Whom to contact about a processor, by the name of an account or of a processor (`littlepay`): a text such as a
    phone number, an email address or the address of a portal. Incidents show it."""
    STATUS_TOKEN: Secret | None = None
    """The bearer token that a monitor sends to read the status page."""

    CACHE: str = "default"
    """The alias in `CACHES` of the cache that holds access tokens and circuit breakers."""
    BUDGET: float = 8.0
    """Seconds that one rider's request may spend on calls to the processor, including retries and pauses."""
    CONNECT_TIMEOUT: float = 2.0
    """Seconds allowed to establish a connection, including TLS."""
    READ_TIMEOUT: float = 3.0
    """Seconds to wait for the next byte of an answer. Keep it at half of `BUDGET` or less. If the answer to a link is
    lost, that leaves time to ask whether the link was made."""
    ATTEMPTS: int = 3
    """Maximum attempts for an idempotent call."""
    MAX_CALLS: int = 6
    """Maximum concurrent riders per process and account. Keep it below the number of threads per process, so that a
    hanging processor leaves threads for other pages."""
    MAX_CALLS_WAIT: float = 0.1
    """Seconds that a rider waits for a place while `MAX_CALLS` others are being served."""
    LINK_QUIET_TIME: float = 300.0
    """Seconds for which a link may still take effect at the processor after its answer was lost. During this time, no
    second link is sent for the same card and concession group."""
    SETTLING_HOURS: int = 24
    """Hours for which `manage.py settle_enrollments` keeps asking whether a link was made after its answer was lost. It
    also stops trying to finish an enrollment for a rider after that time. It needs `enrollment_errors.settling` in
    `INSTALLED_APPS`."""
    BREAKER_FAILURES: int = 3
    """Failed calls within `BREAKER_WINDOW` that open an account's circuit. Each rider's session and each card count
    once."""
    BREAKER_WINDOW: float = 60.0
    """Seconds during which `BREAKER_FAILURES` are counted."""
    BREAKER_OPEN: float = 10.0
    """Seconds during which an open circuit lets no call through. Then one call probes. Riders get this time in
    `Retry-After`."""
    WATCH_EVERY: float = 300.0
    """Seconds between runs of `manage.py watch_enrollment`, as you schedule it. The findings of a run count for three
    times as long; after that, operators learn that the watch has stopped."""
    RIDER_REQUESTS: int = 30
    """Maximum enrollments per session within `RIDER_WINDOW`. The same limit holds separately for requests for the card
    form and for reports about it. Each process allows up to 20% more, because it counts the first requests of a session
    by itself."""
    RIDER_WINDOW: float = 60.0
    """Seconds during which `RIDER_REQUESTS` are counted."""


def _read() -> Settings | ConfigurationError:
    """Returns errors instead of raising them: the frames below hold all of a site's settings, with secrets in plain
    text, and a traceback would include those frames.
    """
    try:
        return _checked(getattr(django_settings, SETTING, None))
    except ConfigurationError as wrong:
        return wrong.with_traceback(None)
    except Exception as error:  # noqa: BLE001  a processor's code may raise anything, with the options in its frames
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
            "after a lost answer there is time left to ask whether the link was made."
        )
    for name in ("BREAKER_FAILURES", "RIDER_REQUESTS"):
        if getattr(settings, name) > MOST_COUNTED:
            raise ConfigurationError(
                f'{SETTING}["{name}"] must be at most {MOST_COUNTED}, because counting reads that many cache entries.'
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
    """The site's adapter: one for each process, stateless."""
    return get_settings().ADAPTER()


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == SETTING:
        get_settings.cache_clear()
        get_adapter.cache_clear()


setting_changed.connect(_forget)
