"""A pytest plugin: a test fails if it leaves anything behind, and the next test starts without it.

A process may keep some things without a failure: settings that it has read, connections, the language of the last
request. ``tests.afresh`` clears them before each test.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import pkgutil
import signal
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

import pytest
import sentry_sdk
from django.conf import settings
from django.core.signals import got_request_exception, request_finished
from django.dispatch import Signal
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf
from django.utils import timezone, translation

import enrollment_errors
from enrollment_errors.sandbox.listener import THREAD_NAME

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2)
THREADS_END = 10.0
"""Seconds. Only a test that leaves a thread behind waits this long."""

State = dict[Hashable, Any]


class Watched(NamedTuple):
    look: Callable[[], Any]
    put_back: Callable[[Any], Any]


# Django's middleware leaves a request's language active; so does each thread of a server. Nothing else may.

_languages_of_requests: set[str | None] = set()


def _note_language(**kwargs: Any) -> None:
    _languages_of_requests.add(translation.get_language())


request_finished.connect(_note_language)
got_request_exception.connect(_note_language)


def _language() -> str | None:
    language = translation.get_language()
    return settings.LANGUAGE_CODE if language in _languages_of_requests else language


# Receivers of every signal that exists when the tests begin.


@lru_cache(maxsize=1)
def _signals() -> list[Signal]:
    return [found for found in gc.get_objects() if issubclass(type(found), Signal)]


def _receivers() -> State:
    found = {}
    for each in _signals():
        for key, reference, *_ in each.receivers:
            receiver = reference() if isinstance(reference, weakref.ReferenceType) else reference
            # Django itself connects some receivers on first use, in whichever test that is.
            if receiver is not None and not receiver.__module__.startswith("django."):
                found[each, key] = getattr(receiver, "__qualname__", str(receiver))
    return found


def _disconnect_others(before: State) -> None:
    others = _receivers().keys() - before.keys()
    for each in _signals():
        with each.lock:
            each.receivers = [entry for entry in each.receivers if (each, entry[0]) not in others]
            each.sender_receivers_cache.clear()


# Only loggers that someone has changed.

_UNTOUCHED = (logging.NOTSET, [], [], True, False)


def _loggers() -> State:
    found: State = {"all": logging.root.manager.disable}
    for logger in (logging.root, *logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):  # the import of a library may add a handler that does nothing
            handlers = [handler for handler in logger.handlers if not isinstance(handler, logging.NullHandler)]
            state = (logger.level, handlers, list(logger.filters), logger.propagate, logger.disabled)
            if state != _UNTOUCHED:
                found[logger.name] = state
    return found


def _log_as_before(before: State) -> None:
    logging.disable(before["all"])
    for name in (_loggers().keys() | before.keys()) - {"all"}:
        logger = logging.getLogger(str(name))
        level, handlers, filters, logger.propagate, logger.disabled = before.get(name, _UNTOUCHED)
        logger.handlers, logger.filters = list(handlers), list(filters)
        logger.setLevel(level)


def _environment() -> State:
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


def _restore_environment(before: dict[str, str]) -> None:
    for name in _environment().keys() - before.keys():
        del os.environ[str(name)]
    os.environ.update(before)


# Each test has Sentry scopes of its own, but all share the global one.


def _global_scope() -> State:
    scope = sentry_sdk.get_global_scope()
    event: Any = scope.apply_to_event({}, {}) or {}
    return {
        "client": scope.client if scope.client.is_active() else None,
        **{name: event.get(name) for name in ("user", "tags", "extra", "level")},
    }


def _clear_global_scope(before: State) -> None:
    scope = sentry_sdk.get_global_scope()
    scope.clear()
    scope.set_client(before["client"])


def _signal_handlers() -> State:
    return {number.name: signal.getsignal(number) for number in HANDLED}


def _restore_signal_handlers(before: dict[str, Any]) -> None:
    for name, handler in before.items():
        signal.signal(signal.Signals[name], handler)


def _restore_import_path(before: list[str]) -> None:
    sys.path[:] = before


WATCHED = {
    "language": Watched(_language, lambda before: translation.deactivate()),
    "time zone": Watched(timezone.get_current_timezone_name, lambda before: timezone.deactivate()),
    # Django has no public name for the current settings.
    "settings": Watched(lambda: settings._wrapped, lambda before: setattr(settings, "_wrapped", before)),
    "URLs": Watched(get_urlconf, set_urlconf),
    "script prefix": Watched(get_script_prefix, set_script_prefix),
    "receiver": Watched(_receivers, _disconnect_others),
    "logger": Watched(_loggers, _log_as_before),
    "Sentry's": Watched(_global_scope, _clear_global_scope),
    "variable": Watched(_environment, _restore_environment),
    "folder": Watched(os.getcwd, os.chdir),
    "import path": Watched(lambda: list(sys.path), _restore_import_path),
    "handler of": Watched(_signal_handlers, _restore_signal_handlers),
    "sockets' timeout": Watched(socket.getdefaulttimeout, socket.setdefaulttimeout),
}


def _threads_left(before: set[threading.Thread]) -> list[str]:
    until = time.monotonic() + THREADS_END
    while left := [
        thread.name for thread in threading.enumerate() if thread not in before and not _may_stay(thread, before)
    ]:
        if time.monotonic() > until:
            return [f"thread {name}" for name in left]
        time.sleep(0.005)
    return []


def _may_stay(thread: threading.Thread, before: set[threading.Thread]) -> bool:
    """If a sandbox ran before the test, its connections belong to a site that the whole module uses. Sentry's threads
    sleep for seconds after their client closes, a pool's wait for more work, and a server's wait for more requests on
    a connection. A server that a test leaves behind still shows, by the thread that accepts connections."""
    if thread.name == THREAD_NAME:
        return any(other.name == THREAD_NAME for other in before)
    # Older versions of Sentry name theirs "_thread".
    return thread.name.startswith(("sentry.", "ThreadPoolExecutor-")) or thread.name.endswith(
        ("(process_request_thread)", "(_thread)")
    )


def _differences(before: Any, now: Any) -> Iterator[str]:
    if not isinstance(before, dict):
        yield str(now)
        return
    for key in before.keys() | now.keys():
        if before.get(key) != now.get(key):
            # Only the name of a variable: its value may be a secret.
            yield str(now.get(key) or before.get(key)) if isinstance(key, tuple) else str(key)


@pytest.fixture(scope="session", autouse=True)
def libraries_have_begun() -> None:
    """The first import of our modules and of psycopg changes loggers for good. Sentry's first start changes Django,
    logging, and threads. All of this happens here, so that no test is blamed for it."""
    ours = [module.name for module in pkgutil.walk_packages(enrollment_errors.__path__, "enrollment_errors.")]
    for name in (*ours, "psycopg"):
        with suppress(ImportError):  # its dependencies are optional
            importlib.import_module(name)
    sentry_sdk.init()
    sentry_sdk.get_global_scope().set_client(None)


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest, libraries_have_begun: None, afresh: None) -> Iterator[None]:
    _languages_of_requests.clear()
    threads = set(threading.enumerate())
    states = {what: watched.look() for what, watched in WATCHED.items()}
    with sentry_sdk.isolation_scope():
        yield
    left = _threads_left(threads)
    for what, watched in WATCHED.items():
        if (now := watched.look()) != states[what]:
            left += [f"{what} {difference}" for difference in _differences(states[what], now)]
            watched.put_back(states[what])
    if left:
        pytest.fail(f"{request.node.nodeid} leaves behind: {', '.join(sorted(left))}", pytrace=False)


@pytest.fixture
def monkeypatch(nothing_left_behind: None) -> Iterator[pytest.MonkeyPatch]:
    """Like pytest's own, but undone before the check, even though pytest-django requests it before everything else."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield monkeypatch
