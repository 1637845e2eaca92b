"""The journal records a link before it is sent, so that it can be settled even if the process dies in between.

This one keeps nothing. If a site has installed ``enrollment_errors.settling``, that replaces it with one that does.
"""

from __future__ import annotations

from datetime import datetime

from .finishing import Promise
from .reporting.report import Report
from .results import PendingLink


class Entry:
    """The journal's entry for one request's link. No method raises, and it never contains a card token."""

    kept_as = ""
    """The journal's name for the link, if it keeps the link until its success is counted."""

    def told_before(self, report: Report) -> str | None:
        """Record that the link was made, under the reference of ``report``. Called before anyone learns about it.
        If another request told it first, returns that reference; then nothing is left to settle."""
        return None

    def linked(self, report: Report) -> str | None:
        """Called just before ``report`` is sent for the link. Returns the same as ``told_before``."""
        return None

    def finish_later(self, until: datetime, report: Report) -> str:
        """The link was certainly not made: promise the rider to make it by ``until`` at the latest. Called just before
        ``report`` is sent for the failure. Returns the name of the promise. It is empty if nothing is promised; then
        ``drop`` is called."""
        return ""

    def drop(self) -> None:
        """Nothing is left to settle: the link was certainly not made, or another request told its success."""


class Journal:
    def open(self, link: PendingLink, report: Report) -> Entry:
        """Called before anything is sent. ``report`` names the rider and the reference that they may see."""
        return Entry()

    def open_links(self, rider: str) -> list[PendingLink]:
        """The links of a rider, by ``Identity.user_id``, whose outcome is unknown."""
        return []

    def promise(self, name: str) -> Promise | None:
        """The promise by its name, or ``None`` if it is no longer kept. Raises ``JournalDown``."""
        return None

    def cancel(self, name: str) -> None:
        """Cancel the promise for the rider: nothing more is sent. Raises ``JournalDown``."""

    def counted(self, reference: str, kept_as: str) -> bool:
        """Whether to count the success of this entry now: once, even if a process is killed in between.

        Called in the transaction that counts it or, if the site counts nothing, enters it into the ledger.
        """
        return True


_journal = Journal()


def get_journal() -> Journal:
    return _journal


def use_journal(journal: Journal) -> Journal:
    """Use ``journal`` in this process from now on. Returns the previous one."""
    global _journal
    before, _journal = _journal, journal
    return before
