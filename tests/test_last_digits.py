"""The success page shows the last digits of the rider's card. Nothing else in the app does."""

from __future__ import annotations

import re

from enrollment_errors.sandbox.faults import Fault
from tests.rider import CARD_TOKEN

WORDS = 'Visa ending in <bdi dir="ltr">0119</bdi>'
RANDOM = r"\b[0-9a-f]{32}\b|\b\d{13}\b"
"""An event's device, and times in milliseconds: once in a few thousand runs, they contain the four digits."""


def test_the_success_page_shows_them(sandbox, rider):
    assert WORDS in rider.enrolls().text


def test_so_it_does_after_a_second_click_and_where_the_card_is_enrolled_already(sandbox, rider):
    rider.opens_the_page()
    assert WORDS in rider.sends_the_form().text
    assert WORDS in rider.sends_the_form().text
    assert WORDS in rider.enrolls().text


def test_so_it_does_after_a_link_whose_answer_was_lost(sandbox, rider):
    sandbox.faults.set("link", Fault(kind="reset", after_effect=True))
    sandbox.faults.set("groups", Fault(kind="status", status=503))
    lost = rider.enrolls()
    assert lost.page == "still_checking"
    assert "ending in" not in lost.text
    sandbox.faults.clear()
    assert WORDS in rider.checks_again(lost).text


def test_another_rider_does_not_see_them(sandbox, rider):
    end = rider.enrolls()
    rider.client.session.flush()
    del rider.client.cookies["sessionid"]
    assert "ending in" not in rider.becomes_eligible().goes_to(end.url).text


def test_no_operator_does(sandbox, rider, telemetry):
    assert rider.enrolls(CARD_TOKEN).page == "success"
    telemetry.settle(amplitude=1)
    assert "0119" not in re.sub(RANDOM, "", str(telemetry.amplitude) + str(telemetry.sentry))


def test_a_card_of_which_the_processor_does_not_tell_them_has_none(sandbox, rider):
    sandbox.faults.set("lookup", Fault(kind="missing_fields", fields=("card_last_digits",)))
    end = rider.enrolls()
    assert end.page == "success"
    assert "ending in" not in end.text
