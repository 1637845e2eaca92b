"""Hundreds of enrollments over real HTTP, with answers cut off at every point: every rider is told the truth."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from enrollment_errors.clock import Clock
from enrollment_errors.sandbox.faults import Fault
from tests.rider import Rider

pytestmark = pytest.mark.ci_only

RIDERS = 200
RIDERS_WHO_START_AGAIN = 100
"""Additional riders, who enroll again when the others would check again."""
GROUP = "group-seniors"
MOST_TRIES = 25

FAULTS = {
    "authorization": (Fault(kind="status", status=503, probability=0.1), Fault(kind="cut", probability=0.1)),
    "tokenization": (Fault(kind="status", status=500, probability=0.03), Fault(kind="reset", probability=0.03)),
    "lookup": (
        Fault(kind="status", status=502, probability=0.05),
        Fault(kind="reset", probability=0.05),
        Fault(kind="cut", probability=0.05),
        Fault(kind="not_json", probability=0.03),
    ),
    "link": (
        Fault(kind="cut", after_effect=True, probability=0.2),
        Fault(kind="reset", after_effect=True, probability=0.15),
        Fault(kind="hang", after_effect=True, probability=0.05),
        Fault(kind="status", status=504, after_effect=True, probability=0.1),
        Fault(kind="not_json", after_effect=True, probability=0.1),
        Fault(kind="trickle", seconds=0.03, probability=0.02),
        Fault(kind="cut", probability=0.1),
        Fault(kind="status", status=503, probability=0.1),
        Fault(kind="status", status=429, probability=0.1),
    ),
    "groups": (
        Fault(kind="status", status=503, probability=0.2),
        Fault(kind="reset", probability=0.2),
        Fault(kind="hang", probability=0.05),
        Fault(kind="missing_fields", probability=0.1),
    ),
}


@pytest.fixture
def shaky_processor(sandbox, site, monkeypatch):
    monkeypatch.setattr(Clock, "random", lambda self: 0.0)  # retries at once
    # The breaker would keep most calls from the processor, and riders would have to wait.
    site(BUDGET=0.6, CONNECT_TIMEOUT=0.2, READ_TIMEOUT=0.1, ATTEMPTS=2, BREAKER_WINDOW=1, BREAKER_FAILURES=100)
    site(LINK_QUIET_TIME=0.01)  # if an answer is lost here, the link is already over
    sandbox.faults.seed(20261121)
    for endpoint, faults in FAULTS.items():
        sandbox.faults.set(endpoint, *faults)
    return sandbox


def test_every_rider_is_told_the_truth_and_none_is_linked_twice(shaky_processor):
    links = shaky_processor.state.groups[GROUP].links
    sources, first_links = [], {}
    seen = Counter()
    for number in range(RIDERS + RIDERS_WHO_START_AGAIN):
        card_token = f"card-{number}"
        source = shaky_processor.state.add_card(card_token)
        sources.append(source)
        rider = Rider().becomes_eligible(expires=number % 2 == 1)
        checks_again, was_told_of_it = number < RIDERS, False
        if number % 20 == 10:
            shaky_processor.state.revoke_api_tokens()

        end = rider.walks(card_token)
        for _ in range(MOST_TRIES):
            seen[end.page] += 1
            if end.page == "success":
                break
            if source in links:
                first_links.setdefault(source, links[source].id)
                was_told_of_it = was_told_of_it or end.page == "still_checking"
                assert end.page == "still_checking" or (was_told_of_it and not checks_again), (
                    "a rider who is linked was told of a failure"
                )
            end = rider.checks_again(end) if end.page == "still_checking" and checks_again else rider.walks(card_token)

        assert end.page == "success", "a rider who tried again and again never got there"
        assert source in links, "a rider who was told of success is not linked"
        first_links.setdefault(source, links[source].id)

    assert {source: links[source].id for source in sources} == first_links
    assert set(links) == set(sources)
    assert shaky_processor.calls["unlink"] == 0
    assert min(seen[page] for page in ("success", "still_checking", "system_error", "server_error")) > 0
    for source in sources:
        asked = requests_about(source, shaky_processor)
        assert ("link", "link") not in pairwise(asked), "a link was repeated without asking what became of the first"


def requests_about(source, sandbox) -> list[str]:
    """The endpoints that were asked about a card, in order. Each try of a rider begins with ``lookup``."""
    [card_token] = [token for token, card in sandbox.state.cards.items() if card.id == source]
    about = {source, card_token}
    return [
        sandbox.endpoint_of(request)
        for request in sandbox.requests
        if about & {*request.segments, source if source.encode() in request.body else None}
    ]
