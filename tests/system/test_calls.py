"""The calls that one enrollment makes to the processor."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.rider import CARD_TOKEN, Rider


@pytest.mark.parametrize("members", [0, 100, 1_000, 10_000])
def test_a_new_rider_takes_three_calls_however_large_the_group_and_no_new_connection(sandbox, site, members):
    sandbox.state.add_card("card-of-the-first-rider")
    assert Rider().becomes_eligible().walks("card-of-the-first-rider").page == "success"
    sandbox.state.add_group("group-large")
    sandbox.state.fill_group("group-large", members)
    calls, connections = Counter(sandbox.calls), sandbox.connections

    assert Rider().becomes_eligible(group="group-large").walks(CARD_TOKEN).page == "success"

    assert sandbox.calls - calls == {"tokenization": 1, "lookup": 1, "link": 1}
    assert sandbox.connections == connections
