"""What happens to a small agency in ninety days: riders at plausible hours, and incidents of different kinds."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from enrollment_errors.sandbox.certificates import Authority, Certificate
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer

DAYS = 90
RIDERS_A_DAY = 3
WATCH_EVERY = timedelta(minutes=5)

SENIORS, VETERANS = "group-seniors", "group-veterans"
_SECRETS = ("sandbox-client-secret", "a-rotated-secret")


class Processor:
    """The sandbox over TLS. Its certificate can be replaced while it runs."""

    def __init__(self) -> None:
        self.authority = Authority()
        self._tls = self.authority.server_context(self._certificate(2 * DAYS))
        self.server = SandboxServer(ssl_context=self._tls)

    def goes_down(self) -> None:
        self.server.faults.set("*", Fault(kind="down"))

    def works(self) -> None:
        self.server.faults.clear()

    def takes_another_secret(self) -> None:
        self.server.state.client_secret = _SECRETS[1]
        self.server.state.revoke()

    def takes_the_secret(self) -> None:
        self.server.state.client_secret = _SECRETS[0]

    def ends_the_product(self) -> None:
        self.server.state.set_product(VETERANS, "INACTIVE")

    def begins_the_product(self) -> None:
        self.server.state.set_product(VETERANS, "ACTIVE")

    def deletes_the_group(self) -> None:
        del self.server.state.groups[VETERANS]

    def makes_the_group(self) -> None:
        self.server.state.add_group(VETERANS)

    def shows_a_certificate_of_five_days(self) -> None:
        self._show(5.5)

    def shows_a_new_certificate(self) -> None:
        self._show(2 * DAYS)

    def enrolls_at_full_fare(self, group_id: str) -> bool:
        products: dict[str, str] = self.server.state.products
        return products[group_id] != "ACTIVE"

    def _show(self, days: float) -> None:
        certificate = self._certificate(days)
        with TemporaryDirectory() as folder:
            file = Path(folder) / "server.pem"
            file.write_text(certificate.private_key + certificate.certificate)
            self._tls.load_cert_chain(file)

    def _certificate(self, days: float) -> Certificate:
        return self.authority.issue("127.0.0.1", until=days)


@dataclass(frozen=True)
class Rider:
    """``at`` is the time since the first day, a Monday, at midnight."""

    at: timedelta
    group_id: str


@dataclass(frozen=True)
class Incident:
    """``begins`` and ``ends`` are times since the first day, a Monday, at midnight."""

    name: str
    begins: timedelta
    ends: timedelta
    begin: Callable[[Processor], None]
    end: Callable[[Processor], None]


def riders() -> list[Rider]:
    """Riders enroll between 7 in the morning and 9 in the evening. About one in three is a veteran."""
    chance = random.Random(16)  # noqa: S311 - the same riders in every run
    return [
        Rider(_at(day, minutes=minutes), chance.choice((SENIORS, SENIORS, VETERANS)))
        for day in range(DAYS)
        for minutes in sorted(chance.sample(range(7 * 60, 21 * 60), RIDERS_A_DAY))
    ]


def _at(day: int, hours: int = 0, minutes: int = 0) -> timedelta:
    return timedelta(days=day, hours=hours, minutes=minutes)


INCIDENTS = (
    Incident(
        "the processor is down over a weekend", _at(11, 22, 13), _at(14, 6, 48), Processor.goes_down, Processor.works
    ),
    Incident(
        "the processor is down for 8 seconds, while the watch looks",
        _at(22, 10, 5) - timedelta(seconds=3),
        _at(22, 10, 5) + timedelta(seconds=5),
        Processor.goes_down,
        Processor.works,
    ),
    Incident(
        "the client secret is rotated",
        _at(29, 23, 31),
        _at(30, 15, 2),
        Processor.takes_another_secret,
        Processor.takes_the_secret,
    ),
    Incident(
        "a group has no active product",
        _at(44, 0, 1),
        _at(47, 11, 26),
        Processor.ends_the_product,
        Processor.begins_the_product,
    ),
    Incident(
        "a certificate has 5 days left",
        _at(60, 9, 17),
        _at(62, 14, 39),
        Processor.shows_a_certificate_of_five_days,
        Processor.shows_a_new_certificate,
    ),
    Incident(
        "a group is deleted", _at(74, 16, 34), _at(77, 10, 8), Processor.deletes_the_group, Processor.makes_the_group
    ),
)
