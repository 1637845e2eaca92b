"""On every server, riders enroll over TLS, and a processor that fails does not take the server down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.serving import served
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.server import SandboxServer
from tests.servers import wait_until
from tests.transport.certificates import Certificate, make_certificate

from .rider import Rider
from .servers import SERVERS

pytestmark = [pytest.mark.slow, pytest.mark.ci_only]

RIDERS = 12
BUDGET = 2.5
# The budget ends before the server gives up. The breaker would keep the next test's calls from the processor.
LIMITS = {
    "BUDGET": BUDGET,
    "CONNECT_TIMEOUT": 1.0,
    "READ_TIMEOUT": 1.0,  # enough for a busy machine
    "ATTEMPTS": 1,
    "BREAKER_WINDOW": 1,
    "BREAKER_FAILURES": 100,
}


class Place:
    """The site at ``port``, and the processor that it calls."""

    def __init__(self, sandbox: SandboxServer, port: int) -> None:
        self.sandbox = sandbox
        self._port = port
        self._riders = 0

    def rider(self) -> tuple[Rider, str, str]:
        """A rider with a card of their own, and a benefit whose group nobody else is in."""
        self._riders += 1
        card_token, group = f"card-{self._riders}", f"group-{self._riders}"
        self.sandbox.state.add_card(card_token)
        self.sandbox.state.add_group(group)
        return Rider(self._port, group), card_token, group

    def cards_in(self, group: str) -> list[str]:
        """The tokens of the cards that are linked to the group."""
        cards = {card.id: token for token, card in self.sandbox.state.cards.items()}
        return [cards[source] for source in self.sandbox.state.groups[group].links]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module", params=SERVERS)
def running_place(request: pytest.FixtureRequest, certificate: Certificate) -> Iterator[Place]:
    server = SERVERS[request.param]
    server.skip_if_missing()
    with (
        SandboxServer(ssl_context=certificate.server_context()) as sandbox,
        served(
            server.command,
            sandbox.url.replace("127.0.0.1", "localhost"),
            limits=LIMITS,
            settings="tests.servers_matrix.settings",
            told={"certificate": str(certificate.pem)},
        ) as site,
    ):
        yield Place(sandbox, site.port)


@pytest.fixture
def place(running_place: Place) -> Iterator[Place]:
    yield running_place
    running_place.sandbox.faults.clear()


def test_riders_at_once_are_each_enrolled_for_their_own_benefit(place: Place) -> None:
    riders = [place.rider() for _ in range(RIDERS)]

    def walk(rider: Rider, card_token: str) -> str:
        """Returns the address where the rider ends up."""
        token = rider.asks_for_token()
        return rider.enrolls(card_token).location if token.status == 200 else f"no token: {token.status}"

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda one: walk(one[0], one[1]), riders))
    assert [end for end in ends if "/success/" not in end] == []
    for _, card_token, group in riders:
        assert place.cards_in(group) == [card_token]


@pytest.mark.parametrize(
    "fault", [Fault(kind="hang"), Fault(kind="trickle", seconds=0.1)], ids=lambda fault: fault.kind
)
def test_a_processor_that_never_comes_to_an_end_is_given_up(place: Place, fault: Fault) -> None:
    place.sandbox.faults.set("lookup", fault)
    rider, card_token, group = place.rider()
    started = time.monotonic()
    answer = rider.enrolls(card_token)
    seconds = time.monotonic() - started
    assert not answer.is_success
    assert answer.status < 600
    assert seconds < BUDGET + 5, "it was waited out"
    assert place.cards_in(group) == []
    place.sandbox.faults.clear()
    assert rider.enrolls(card_token).is_success
    assert place.cards_in(group) == [card_token]


@pytest.mark.parametrize("kind", ["reset", "cut"])
def test_a_lost_answer_is_asked_about(place: Place, kind: str) -> None:
    place.sandbox.faults.set("link", Fault(kind=kind, after_effect=True))
    rider, card_token, group = place.rider()
    links = place.sandbox.calls["link"]
    assert rider.enrolls(card_token).is_success
    assert place.cards_in(group) == [card_token]
    assert place.sandbox.calls["link"] == links + 1


def test_a_client_that_goes_away_is_enrolled_and_keeps_nobody_from_it(place: Place) -> None:
    place.sandbox.faults.set("link", Fault(kind="delay", seconds=0.2))
    rider, card_token, group = place.rider()
    links = place.sandbox.calls["link"]

    rider.enrolls(
        card_token, leaves=lambda: wait_until(lambda: place.sandbox.calls["link"] > links, "the request of the link")
    )

    wait_until(lambda: place.cards_in(group) == [card_token], "the link")
    place.sandbox.faults.clear()
    assert rider.enrolls(card_token).is_success
    other, other_card, other_group = place.rider()
    assert other.enrolls(other_card).is_success
    assert place.cards_in(group) == [card_token]
    assert place.cards_in(other_group) == [other_card]
