"""Every name in the documentation's prose is one that the code has."""

from __future__ import annotations

import pytest

from .names import is_known, named


def test_every_name_is_one_of_the_code() -> None:
    known = list(named())
    assert len(known) > 1000
    assert [f"{place}: {text}" for place, text in known if not is_known(text)] == []


@pytest.mark.parametrize(
    "name",
    [
        "BUDGET",
        "FUNDING_SOURCE_SCOPE",
        "ALLOWED_REDIRECT_HOSTS",
        "link_answer_lost",
        "enrollment_errors.W101",
        "enrollment_errors.adapter.Adapter",
        "Adapter.get_enrollment",
        "manage.py settle_enrollments --dry-run",
        "make demo",
        "enrollment_errors/in_person/page.html",
        "enrollment_errors_in_person:enroll",
        "enrollment_ledger.unlink_card",
        "enrollment_errors.enroll_in_person",
        "forget_rider(request, in_person=True)",
    ],
)
def test_a_setting_code_check_class_command_template_or_permission_is_known(name: str) -> None:
    assert is_known(name)


@pytest.mark.parametrize(
    "name",
    [
        "BUDGETS",
        "link_answer_was_lost",
        "enrollment_errors.W999",
        "enrollment_errors.host.Host",
        "enrollment_errors.adapter.Adapter.get_enrolment",
        "manage.py prune_enrollment_incidents",
        "manage.py settle_enrollments --dryrun",
        "make demonstration",
        "enrollment_errors/in_person/pages.html",
        "enrollment_errors_in_person:enrol",
        "enrollment_ledger.unlink_cards",
        "forget_the_rider(request)",
    ],
)
def test_one_that_is_misspelled_or_gone_is_not(name: str) -> None:
    assert not is_known(name)
