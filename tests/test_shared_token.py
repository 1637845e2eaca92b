"""The access token that riders share, after an operator has fixed the account behind it. Over real HTTP."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from enrollment_errors.sandbox.faults import Fault
from tests.rider import Rider


@pytest.fixture
def options(site: Any, settings: Any) -> Callable[..., None]:
    def change(**keys: Any) -> None:
        processors = copy.deepcopy(settings.ENROLLMENT_ERRORS["ACCOUNTS"])
        processors["littlepay"]["OPTIONS"].update(keys)
        site(ACCOUNTS=processors)

    return change


def status_of_a_rider() -> int:
    return Rider().becomes_eligible().asks_for_token().status_code


@pytest.mark.parametrize("key", ["AUDIENCE", "CLIENT_ID", "CLIENT_SECRET"])
def test_that_belongs_to_other_credentials_is_not_used(sandbox: Any, options: Callable[..., None], key: str) -> None:
    assert status_of_a_rider() == 200
    setattr(sandbox.state, key.lower(), "mended")
    options(**{key: "mended"})

    assert status_of_a_rider() == 200

    assert sandbox.calls["authorization"] == 2


def test_that_may_not_do_something_is_fetched_anew_once(sandbox: Any, site: Any) -> None:
    """The processor has fixed the account's permissions, but old tokens do not have them."""
    assert status_of_a_rider() == 200
    sandbox.faults.set("tokenization", Fault(kind="status", status=403, times=1))

    assert status_of_a_rider() == 200

    assert sandbox.calls["authorization"] == 2


def test_that_may_not_do_something_for_good_is_not_fetched_for_every_rider(sandbox: Any, site: Any) -> None:
    sandbox.faults.set("tokenization", Fault(kind="status", status=403))

    assert [status_of_a_rider() for _ in range(5)] == [500] * 5

    assert sandbox.calls["authorization"] == 2
