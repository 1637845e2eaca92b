"""Check messages: each has one of our ids, and a hint that shows the fix."""

from __future__ import annotations

from collections.abc import Iterator

from django.core import checks

Messages = Iterator[checks.CheckMessage]


def error(number: str, text: str, hint: str) -> checks.Error:
    return checks.Error(text, hint=hint, id=f"enrollment_errors.{number}")


def warning(number: str, text: str, hint: str) -> checks.Warning:
    return checks.Warning(text, hint=hint, id=f"enrollment_errors.{number}")


def unusable_account(text: str) -> checks.Warning:
    return warning(
        "W010", text, "Its riders get the generic error page until you correct this. The other accounts keep working."
    )
