"""The only reader of settings: ``ENROLLMENT_ERRORS``, read lazily into a frozen dataclass.

An unknown key, a wrong type, a number out of its range or an unimportable path is a ``ConfigurationError`` that names
it and shows the fix. The site's settings are never written.
"""

from __future__ import annotations

import difflib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, cast

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from .adapter import Adapter, Agency
from .classification import Rule
from .exceptions import ConfigurationError
from .outcomes import Outcome, Stage
from .processors.base import Processor
from .redaction import Secret, raised_at

SETTING = "ENROLLMENT_ERRORS"
MOST_COUNTED = 100


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account with a transit processor, as the site named and configured it."""

    name: str
    processor: type[Processor]
    options: Mapping[str, Any] = field(repr=False)
    tls_context: ssl.SSLContext | None = None
    """Made once, because the connection pool belongs to it."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a site sets, each with its default. All times are seconds."""

    ADAPTER: type[Adapter]
    """The dotted path of the site's subclass of `enrollment_errors.adapter.Adapter`."""
    ACCOUNTS: Mapping[str, Account]
    """One entry for each account with a transit processor: `{"name": {"CLASS": dotted path, "OPTIONS": {…}}}`."""
    RULES: tuple[Rule, ...] = ()
    """The site's own rows of the classification, which stand before the app's: a list of `classification.Rule`."""
    BASE_TEMPLATE: str = "enrollment_errors/base.html"
    """The template that every page extends."""
    FALLBACK_AGENCY: Agency | None = None
    """The `adapter.Agency` of pages that cannot know the rider's, because the session is gone."""
    ALLOWED_REDIRECT_HOSTS: tuple[str, ...] = ()
    """Host names, beside the site's own, that riders may be sent to: an identity provider's, a redirect flow's."""

    AMPLITUDE_API_KEY: str = field(default="", repr=False)
    """Without it nothing is sent to Amplitude."""
    AMPLITUDE_SERVER_URL: str = ""
    """Another address than Amplitude's own, such as that of its EU data centre."""
    RELEASE: str = ""
    """The version of the site, for events and incidents."""

    INCIDENTS: bool = True
    """Whether each failure is kept in the database under its reference, and every outcome counted."""
    INCIDENTS_PER_MINUTE: int = 60
    """How many incidents one process lists in a minute, of what the back end saw and of what browsers told each. Those
    above are counted only."""
    INCIDENTS_KEPT_DAYS: int = 90
    """Days after which `manage.py prune_enrollment_incidents` deletes incidents and counts."""
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
    the card form, and how many times its page may report on the form."""
    RIDER_WINDOW: float = 60.0
    """Seconds."""


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(name, value, "a text")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, value, "True or False")
    return value


def _token(name: str, value: Any) -> Secret | None:
    return Secret(_text(name, value)) if value else None


def _sentry_event_url(name: str, value: Any) -> str:
    text = _text(name, value)
    if text and "{event_id}" not in text:
        raise ConfigurationError(
            f'{SETTING}["{name}"] must have {{event_id}} where the event\'s id belongs, such as '
            '"https://example.sentry.io/issues/?query={event_id}".'
        )
    return text


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(item, str) for item in _sequence(name, value)):
        raise _wrong(name, value, "a list of texts")
    return tuple(value)


def _sequence(name: str, value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(name, value, "a list")
    return value


def _rules(name: str, value: Any) -> tuple[Rule, ...]:
    if not all(isinstance(item, Rule) for item in _sequence(name, value)):
        raise _wrong(name, value, "a list of enrollment_errors.classification.Rule")
    for rule in value:
        # A failure at no other step leaves the card linked, or perhaps linked.
        if rule.outcome in (Outcome.SUCCESS, Outcome.UNKNOWN) and rule.stage is not Stage.LINK:
            raise ConfigurationError(
                f'{SETTING}["{name}"]: "{rule.code}" must have stage=Stage.LINK for the outcome {rule.outcome.name}.'
            )
    return tuple(value)


def _agency(name: str, value: Any) -> Agency | None:
    if value is not None and not isinstance(value, Agency):
        raise _wrong(name, value, "an enrollment_errors.adapter.Agency")
    return value


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 3600:
        raise _wrong(name, value, "a number of seconds above 0")
    return float(value)


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10_000:
        raise _wrong(name, value, "a whole number from 1")
    return value


def _adapter(name: str, value: Any) -> type[Adapter]:
    return cast(type[Adapter], _imported(name, value, Adapter))


def _imported(name: str, value: Any, base: type) -> Any:
    if not isinstance(value, str):
        raise _wrong(name, value, f"the dotted path of a subclass of {base.__module__}.{base.__name__}")
    try:
        found = import_string(value)
    except Exception as error:
        raise ConfigurationError(
            f'{SETTING}["{name}"]: "{value}" cannot be imported ({type(error).__name__}: {error}). '
            f'Name a subclass of {base.__module__}.{base.__name__} as "package.module.Class".'
        ) from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ConfigurationError(f'{SETTING}["{name}"]: {value} is no subclass of {base.__module__}.{base.__name__}.')
    return found


def _processors(name: str, value: Any) -> dict[str, Account]:
    if not isinstance(value, Mapping) or not value:
        raise _wrong(name, value, 'a dict such as {"my-account": {"CLASS": "…", "OPTIONS": {…}}}')
    return {alias: _account(f'{name}"]["{alias}', alias, entry) for alias, entry in value.items()}


def _account(name: str, alias: Any, entry: Any) -> Account:
    if not isinstance(alias, str) or not isinstance(entry, Mapping):
        raise _wrong(name, entry, 'a dict with "CLASS" and "OPTIONS"')
    _refuse_unknown(f'{SETTING}["{name}"]', entry, ("CLASS", "OPTIONS"))
    processor = _imported(f'{name}"]["CLASS', entry.get("CLASS"), Processor)
    options = entry.get("OPTIONS", {})
    if not isinstance(options, Mapping):
        raise _wrong(f'{name}"]["OPTIONS', options, "a dict")
    problems = processor.check_options(options)
    if problems:
        raise ConfigurationError(f'{SETTING}["{name}"]["OPTIONS"]: ' + " ".join(problems))
    return Account(name=alias, processor=processor, options=options, tls_context=processor.tls_context(options))


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "ADAPTER": _adapter,
    "ACCOUNTS": _processors,
    "RULES": _rules,
    "FALLBACK_AGENCY": _agency,
    "ALLOWED_REDIRECT_HOSTS": _texts,
    "SENTRY_EVENT_URL": _sentry_event_url,
    "STATUS_TOKEN": _token,
}
_READERS_BY_TYPE: dict[str, Callable[[str, Any], Any]] = {
    "str": _text,
    "bool": _flag,
    "float": _seconds,
    "int": _count,
}


def _wrong(name: str, value: Any, wanted: str) -> ConfigurationError:
    # The value itself is not shown: it may be a secret in the wrong place.
    return ConfigurationError(f'{SETTING}["{name}"] must be {wanted}, not {type(value).__name__}.')


def _refuse_unknown(where: str, given: Mapping[Any, Any], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f'Did you mean "{close[0]}"?' if close else f"The known keys are {', '.join(sorted(known))}."
            raise ConfigurationError(f'{where} has an unknown key "{key}". {hint}')


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
    _refuse_unknown(SETTING, raw, tuple(entry.name for entry in known))
    values = {}
    for entry in known:
        if entry.name in raw:
            reader = _READERS.get(entry.name) or _READERS_BY_TYPE[str(entry.type)]
            values[entry.name] = reader(entry.name, raw[entry.name])
        elif entry.default is MISSING:
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
    """The site's host object: one a process, stateless."""
    return get_settings().ADAPTER()


def get_account(name: str) -> Account:
    """Raises ``ConfigurationError`` where ``Enrollment.account`` names an account that is not configured."""
    accounts = get_settings().ACCOUNTS
    if name not in accounts:
        raise ConfigurationError(
            f'Enrollment.account is "{name}", and {SETTING}["ACCOUNTS"] has only {", ".join(sorted(accounts))}.'
        )
    return accounts[name]


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == SETTING:
        get_settings.cache_clear()
        get_adapter.cache_clear()


setting_changed.connect(_forget)
