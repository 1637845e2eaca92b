"""A mistake in the settings makes an event that names it and shows nothing else from the settings."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import sentry_sdk
from django.test import Client
from django.urls import path

from enrollment_errors import conf
from enrollment_errors.account_directory import get_account
from enrollment_errors.exceptions import ConfigurationError
from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.sandbox.sinks import TelemetrySink

urlpatterns = [path("reading/", lambda request: read())]  # a view of the site's own, with no protection
pytestmark = pytest.mark.urls(__name__)

# Random, not literals: Sentry also sends the source lines around a frame.
SECRETS = {name: f"{name}-{uuid.uuid4().hex}" for name in ("client", "status", "amplitude")}


class WithBadOptions(LittlepayProcessor):
    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> list[str]:
        raise KeyError(options["CLIENT_SECRET"])


class WithBadCertificate(LittlepayProcessor):
    @classmethod
    def endpoints(cls, options: Mapping[str, Any]) -> Any:
        secret = options["CLIENT_SECRET"]
        raise OSError(f"no certificate for {secret}")


UNIMPORTABLE = f"{__package__}.unimportable.Processor"

Change = Callable[[dict[str, Any]], Any]
MISTAKES: dict[str, tuple[Change, str]] = {
    "an unknown key": (lambda all_: all_.update(STATUS_TOKE="x"), "STATUS_TOKE"),
    "an unknown option": (lambda all_: account(all_)["OPTIONS"].update(AUDIENCES="x"), "AUDIENCES"),
    "an unknown key of an account": (lambda all_: account(all_).update(OPTION={}), "OPTION"),
    "a wrong type": (lambda all_: all_.update(BUDGET="8"), "BUDGET"),
    "a wrong number": (lambda all_: all_.update(BUDGET=2), "READ_TIMEOUT"),
    "a missing key": (lambda all_: all_.pop("ADAPTER"), "ADAPTER"),
    "a class that cannot be imported": (lambda all_: account(all_).update(CLASS="no.such.Processor"), "no.such"),
    "a module that fails": (lambda all_: account(all_).update(CLASS=UNIMPORTABLE), "RuntimeError: not here"),
    "a token that is no text": (lambda all_: all_.update(STATUS_TOKEN=b"x"), "STATUS_TOKEN"),
    "options that a processor cannot check": (lambda all_: use(all_, WithBadOptions), "KeyError"),
    "a certificate that cannot be read": (lambda all_: use(all_, WithBadCertificate), "OSError"),
}


def read() -> None:
    conf.get_settings()
    get_account("littlepay")


def account(everything: dict[str, Any]) -> dict[str, Any]:
    return everything["ACCOUNTS"]["littlepay"]


def use(everything: dict[str, Any], processor: type) -> None:
    account(everything)["CLASS"] = f"{__name__}.{processor.__name__}"


@pytest.fixture(params=MISTAKES)
def mistake(request: pytest.FixtureRequest, settings: Any) -> str:
    change, named = MISTAKES[request.param]
    everything = copy.deepcopy(settings.ENROLLMENT_ERRORS)
    everything.update(STATUS_TOKEN=SECRETS["status"], AMPLITUDE_API_KEY=SECRETS["amplitude"])
    account(everything)["OPTIONS"]["CLIENT_SECRET"] = SECRETS["client"]
    change(everything)
    settings.ENROLLMENT_ERRORS = everything
    return named


def test_a_site_with_a_mistake_is_an_event_without_secrets(
    mistake: str, start_sentry: Callable[..., TelemetrySink]
) -> None:
    sink = start_sentry(max_value_length=100_000)
    client = Client(raise_request_exception=False)

    assert client.get("/reading/", headers={"authorization": f"Bearer {SECRETS['status']}"}).status_code == 500

    sentry_sdk.flush(timeout=5)
    text = json.dumps(sink.sentry_events)
    assert "ConfigurationError" in text or "AccountUnusable" in text
    assert mistake in text
    assert [name for name, secret in SECRETS.items() if secret in text] == []


def test_no_frame_that_it_is_raised_through_holds_a_secret(mistake: str) -> None:
    with pytest.raises(ConfigurationError, match=mistake) as caught:
        read()

    held = []
    error: BaseException | None = caught.value
    while error is not None:
        frame = error.__traceback__
        while frame:
            if frame.tb_frame.f_globals["__name__"] != __name__:
                held.append(repr(frame.tb_frame.f_locals))
            frame = frame.tb_next
        error = error.__cause__ or error.__context__
    assert [name for name, secret in SECRETS.items() if secret in "\n".join(held)] == []


def test_what_a_processors_own_code_raises_is_told_by_its_type_and_place(settings: Any) -> None:
    everything = copy.deepcopy(settings.ENROLLMENT_ERRORS)
    use(everything, WithBadCertificate)
    settings.ENROLLMENT_ERRORS = everything

    with pytest.raises(ConfigurationError, match=r"OSError at .*test_settings_leaks\.py:\d+ in endpoints"):
        read()


def test_the_settings_show_no_key_of_amplitudes(settings: Any) -> None:
    settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, "AMPLITUDE_API_KEY": SECRETS["amplitude"]}

    assert SECRETS["amplitude"] not in repr(conf.get_settings())
