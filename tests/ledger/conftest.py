from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client

from enrollment_errors import conf
from enrollment_errors.ledger.database import EntrySender, on_demand
from enrollment_errors.ledger.models import Entry, Unlink
from tests.rider import Rider

AT = datetime(2026, 11, 21, 22, 5, 30, tzinfo=timezone.utc)


def facts(**changes: Any) -> dict[str, Any]:
    """The facts of a new link in self-service, unless ``changes`` say something else."""
    known = {
        "reference": "H7P-2QX-9MR",
        "at": AT,
        "agency": "mountain",
        "flow": "senior",
        "method": "self_service",
        "account": "littlepay",
        "group_id": "group-seniors",
        "code": "linked",
        "expires_at": None,
        **changes,
    }
    return {"day": Entry.day_of(known["at"]), **known}


def enrolled(number: int = 1, **changes: Any) -> None:
    first = Entry.objects.count()
    Entry.objects.bulk_create(
        Entry(**facts(**{"reference": f"number-{one}", **changes})) for one in range(first, first + number)
    )


def unlinked(**changes: Any) -> Unlink:
    row: Unlink = Unlink.objects.create(
        **{
            "at": AT,
            "by": "operator",
            "reason": "The rider asked for it.",
            "account": "littlepay",
            "group_id": "group-seniors",
            "card": "0" * 32,
            "reference": "H7P-2QX-9MR",
            "outcome": "removed",
            **changes,
        }
    )
    return row


def sign_in(*permissions: str, name: str = "operator") -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def keeping(site: Any, settings: Any) -> None:
    """The site keeps a ledger."""
    site(SINKS=[*settings.ENROLLMENT_ERRORS["SINKS"], conf.LEDGER_SINK])


@pytest.fixture
def rider(keeping: None, db: None) -> Rider:
    return Rider().becomes_eligible()


@pytest.fixture
def waiting(db: None) -> Iterator[EntrySender]:
    """Writes what the database did not accept only when the test calls ``flush``."""
    with on_demand() as sender:
        yield sender


@pytest.fixture
def no_table(db: None) -> Callable[[], None]:
    """The database fails, as it does before the migrations have run, until the test calls this function."""

    def rename(old: str, new: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    table = Entry._meta.db_table
    rename(table, "gone")
    return lambda: rename("gone", table)
