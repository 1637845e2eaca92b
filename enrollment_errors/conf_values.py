"""Reads the value of each setting. A wrong type, a number out of range or a path that cannot be imported raises a
``ConfigurationError`` that names the setting and shows the fix."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast

from django.utils.module_loading import import_string

from .adapter import Adapter, Agency
from .classification import Rule
from .exceptions import ConfigurationError
from .outcomes import Outcome, Stage
from .processors.account import AccountProvider, SettingsAccounts
from .secret import Secret

SETTING = "ENROLLMENT_ERRORS"
_SINK = "a subclass of enrollment_errors.reporting.sink.Sink"
_CHANNEL = "a subclass of enrollment_errors.reporting.channels.Channel"


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise wrong(name, value, "a text")
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


def _texts_by_name(name: str, value: Any) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for pair in value.items() for text in pair):
        raise wrong(name, value, "a dict of texts")
    return dict(value)


def _runbook_urls(name: str, value: Any) -> Mapping[str, str]:
    urls = _texts_by_name(name, value)
    for code, url in urls.items():
        if not url.startswith(("https://", "http://")):
            raise ConfigurationError(
                f'{SETTING}["{name}"]: the address for "{code}" must be a whole one, such as '
                '"https://wiki.example/enrollment/{code}".'
            )
    return urls


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(item, str) for item in _sequence(name, value)):
        raise wrong(name, value, "a list of texts")
    return tuple(value)


def _sequence(name: str, value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise wrong(name, value, "a list")
    return value


def _rules(name: str, value: Any) -> tuple[Rule, ...]:
    if not all(isinstance(item, Rule) for item in _sequence(name, value)):
        raise wrong(name, value, "a list of enrollment_errors.classification.Rule")
    for rule in value:
        if rule.outcome is Outcome.UNFINISHED and rule.stage is not Stage.CARD_FORM:
            raise ConfigurationError(
                f'{SETTING}["{name}"]: "{rule.code}" must have stage=Stage.CARD_FORM for the outcome UNFINISHED.'
            )
        if rule.outcome is Outcome.PARTIAL:
            raise ConfigurationError(
                f'{SETTING}["{name}"]: "{rule.code}" cannot have the outcome PARTIAL, which is of several failures.'
            )
        # After a failure at any other step, the card cannot be linked.
        if rule.outcome in (Outcome.SUCCESS, Outcome.UNKNOWN) and rule.stage is not Stage.LINK:
            raise ConfigurationError(
                f'{SETTING}["{name}"]: "{rule.code}" must have stage=Stage.LINK for the outcome {rule.outcome.name}.'
            )
    return tuple(value)


def _sinks(name: str, value: Any) -> tuple[str, ...]:
    for path in _texts(name, value):
        # The reporting package depends on the settings, so do not import its base class here: a sink needs only `send`.
        if not callable(getattr(_found(where(name), path, _SINK), "send", None)):
            raise ConfigurationError(f'{SETTING}["{name}"]: {path} has no method send(report). Name {_SINK}.')
    return tuple(value)


def _channels(name: str, value: Any) -> tuple[Any, ...]:
    made = []
    for entry in _sequence(name, value):
        given = {"CLASS": entry} if isinstance(entry, str) else entry
        if not isinstance(given, Mapping) or not isinstance(given.get("CLASS"), str):
            raise wrong(name, value, 'a list of dotted paths, or of {"CLASS": dotted path, "OPTIONS": {…}}')
        refuse_unknown(where(name), given, ("CLASS", "OPTIONS"))
        path = given["CLASS"]
        made.append(_channel(f"{where(name)}, {path}", _found(where(name), path, _CHANNEL), given.get("OPTIONS", {})))
    return tuple(made)


def _channel(where: str, kind: Any, options: Any) -> Any:
    if not callable(getattr(kind, "send", None)):  # as for sinks
        raise ConfigurationError(f"{where} has no method send(alert). Name {_CHANNEL}.")
    try:
        return kind(**options)
    except ConfigurationError as problem:
        raise ConfigurationError(f"{where}: {problem}") from None
    except TypeError:  # its text may hold values, so it is not shown
        names = ", ".join(list(inspect.signature(kind).parameters))
        raise ConfigurationError(f'{where} takes as "OPTIONS" a dict of: {names or "nothing"}.') from None


def _agency(name: str, value: Any) -> Agency | None:
    if value is not None and not isinstance(value, Agency):
        raise wrong(name, value, "an enrollment_errors.adapter.Agency")
    return value


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 3600:
        raise wrong(name, value, "a number of seconds above 0 and below 3600")
    return float(value)


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10_000:
        raise wrong(name, value, "a whole number from 1 to 9999")
    return value


def _count_or_none(name: str, value: Any) -> int | None:
    return None if value is None else _count(name, value)


def _adapter(name: str, value: Any) -> type[Adapter]:
    return cast(type[Adapter], imported(where(name), value, Adapter))


def imported(where: str, value: Any, base: type) -> Any:
    """The subclass of ``base`` at the dotted path ``value``. Raises ``ConfigurationError``."""
    wanted = f"a subclass of {base.__module__}.{base.__name__}"
    if not isinstance(value, str):
        raise ConfigurationError(f"{where} must be the dotted path of {wanted}, not {type(value).__name__}.")
    found = _found(where, value, wanted)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ConfigurationError(f"{where}: {value} is no subclass of {base.__module__}.{base.__name__}.")
    return found


def _found(where: str, path: str, wanted: str) -> Any:
    try:
        return import_string(path)
    except Exception as error:
        raise ConfigurationError(
            f'{where}: "{path}" cannot be imported ({type(error).__name__}: {error}). '
            f'Name {wanted} as "package.module.Class".'
        ) from error


def _accounts(name: str, value: Any) -> AccountProvider:
    """Does not check the accounts themselves: an error in one is raised when it is looked up, and affects no other."""
    if isinstance(value, str):
        return cast(AccountProvider, imported(where(name), value, AccountProvider)())
    if not isinstance(value, Mapping) or not value or not all(isinstance(alias, str) for alias in value):
        raise wrong(
            name,
            value,
            'a dict such as {"my-account": {"CLASS": "…", "OPTIONS": {…}}}, or the dotted path of a subclass of '
            "enrollment_errors.processors.account.AccountProvider",
        )
    return SettingsAccounts(value)


def _resolver(name: str, value: Any) -> Callable[[str], str]:
    try:
        found = import_string(value) if isinstance(value, str) else None
    except ImportError:
        found = None
    if not callable(found):
        raise wrong(name, value, "the dotted path of a function that takes the name of a secret and gives the secret")
    return cast(Callable[[str], str], found)


def read(name: str, kind: str, value: Any) -> Any:
    """``value``, converted for the setting ``name`` of the type ``kind``. Raises ``ConfigurationError``."""
    reader = _READERS.get(name) or _READERS_BY_TYPE[kind]
    return reader(name, value)


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "ADAPTER": _adapter,
    "ACCOUNTS": _accounts,
    "RULES": _rules,
    "SINKS": _sinks,
    "ALERT_CHANNELS": _channels,
    "FALLBACK_AGENCY": _agency,
    "ALLOWED_REDIRECT_HOSTS": _texts,
    "SENTRY_EVENT_URL": _sentry_event_url,
    "RUNBOOK_URLS": _runbook_urls,
    "SUPPORT_CONTACTS": _texts_by_name,
    "STATUS_TOKEN": _token,
    "PROCESSORS": _texts,
    "SECRETS": _resolver,
}
_READERS_BY_TYPE: dict[str, Callable[[str, Any], Any]] = {
    "str": _text,
    "float": _seconds,
    "int": _count,
    "int | None": _count_or_none,
}


def where(name: str) -> str:
    return f'{SETTING}["{name}"]'


def wrong(name: str, value: Any, wanted: str) -> ConfigurationError:
    # The message does not show the value, because it may be a secret in the wrong place.
    return ConfigurationError(f"{where(name)} must be {wanted}, not {type(value).__name__}.")


def refuse_unknown(where: str, given: Mapping[Any, Any], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f'Did you mean "{close[0]}"?' if close else f"The known keys are {', '.join(sorted(known))}."
            raise ConfigurationError(f'{where} has an unknown key "{key}". {hint}')
