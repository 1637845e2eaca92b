"""A rider's tabs, sweeps, lost answers, a lost cache and passing time, in any order: no card is linked twice."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
import time_machine
from django.core.cache import cache

from enrollment_errors.settling.models import SentLink, State
from enrollment_errors.settling.sweep import sweep

from .conftest import LOST, NOT_MADE, QUIET, SILENT, NoPause, counted

STEPS = 10


@pytest.mark.parametrize("seed", range(6))
def test_a_card_is_linked_once_and_every_row_has_an_end(seed, sandbox, rider, incidents, site):
    site(RIDER_REQUESTS=100)
    chance = random.Random(seed)
    links = sandbox.state.groups["group-seniors"].links
    first_link = last_page = None
    now = datetime.now(timezone.utc)

    def the_processor_is(link, groups):
        sandbox.faults.clear()
        if link:
            sandbox.faults.set("link", link)
        if groups:
            sandbox.faults.set("groups", groups)

    for _ in range(STEPS):
        with time_machine.travel(now, tick=True):
            action = chance.choice(
                ["enrolls", "enrolls", "checks again", "sweep", "sweep", "no cache", "counts", "waits"]
            )
            the_processor_is(chance.choice([LOST, NOT_MADE, None]), chance.choice([SILENT, None]))
            if action == "enrolls":
                last_page = rider.enrolls()
            elif action == "checks again" and last_page and last_page.page == "still_checking":
                last_page = rider.checks_again(last_page)
            elif action == "sweep":
                sweep(clock=NoPause())
            elif action == "no cache":
                incidents.flush()
                cache.clear()
            elif action == "counts":
                incidents.flush()
        now += timedelta(seconds=chance.choice([1, 20, 400])) if action == "waits" else timedelta(seconds=1)
        first_link = first_link or next((link.id for link in links.values()), None)
        assert last_page is None or last_page.page in ("still_checking", "success")
        assert (last_page is None or last_page.page != "success") or links

    with time_machine.travel(now + 2 * QUIET, tick=True):
        sandbox.faults.clear()
        incidents.flush()
        sweep(clock=NoPause())
        incidents.flush()
    assert not SentLink.objects.filter(state=State.OPEN)
    assert [link.id for link in links.values()] == ([first_link] if first_link else [])
    asked = [sandbox.endpoint_of(request) for request in sandbox.requests]
    about_links = [endpoint for endpoint in asked if endpoint in ("link", "groups")]
    assert ("link", "link") not in pairwise(about_links), "a link was repeated without asking what became of the first"
    assert bool(counted().get("linked") or counted().get("already_linked")) == bool(links)
