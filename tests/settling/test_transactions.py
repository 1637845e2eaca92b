"""A transaction that the database aborts because another one waits for the same rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import OperationalError, transaction

from enrollment_errors.settling.transactions import TRIES, committed


class Rollback(Exception):
    """A driver's own exception, which says why."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


def deadlock(sqlstate: str = "40P01") -> OperationalError:
    error = OperationalError("deadlock detected")
    error.__cause__ = Rollback(sqlstate)
    return error


def failing(*errors: OperationalError) -> Callable[[], str]:
    """Returns a function that raises each of the errors, and then succeeds."""
    left = list(errors)

    def body() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return body


WAITED = [OperationalError(1213, "Deadlock found when trying to get lock"), deadlock(), deadlock("40001")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", WAITED, ids=["MariaDB", "PostgreSQL", "PostgreSQL, serializable"])
def test_begins_anew_after_a_deadlock(error: OperationalError) -> None:
    assert committed(failing(error)) == "done"


@pytest.mark.django_db(transaction=True)
def test_is_given_up_where_the_deadlock_comes_again_and_again() -> None:
    assert committed(failing(*[deadlock()] * (TRIES - 1))) == "done"
    with pytest.raises(OperationalError, match="deadlock"):
        committed(failing(*[deadlock()] * TRIES))


@pytest.mark.django_db(transaction=True)
def test_is_given_up_at_once_where_the_database_is_down() -> None:
    with pytest.raises(OperationalError, match="server closed"):
        committed(failing(OperationalError("server closed the connection unexpectedly")))


@pytest.mark.django_db(transaction=True)
def test_is_given_up_at_once_in_a_transaction_of_the_sites_for_that_is_gone_too() -> None:
    with pytest.raises(OperationalError, match="deadlock"), transaction.atomic():
        committed(failing(deadlock()))
