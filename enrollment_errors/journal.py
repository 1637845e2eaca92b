"""Where a link is written down before it is sent, so that it is brought to an end whoever dies in between.

This one keeps nothing: ``enrollment_errors.settling`` has one that does, and puts it in this one's place where a site
has installed it.
"""

from __future__ import annotations

from datetime import datetime

from .finishing import Promise
from .reporting.report import Report
from .results import PendingLink


class Entry:
    """One request's link, as the journal has it. Nothing here raises, and nothing of it knows a card token."""

    kept_as = ""
    """What the journal calls the link, if it has it and lets it go when its success is counted."""

    def told_before(self, report: Report) -> str | None:
        """The link is there, and from now on is known under the reference of ``report``. Called before anybody hears of
        it. If somebody was told before, returns the reference; then nothing is left to settle."""
        return None

    def linked(self, report: Report) -> str | None:
        """``report`` is about to tell of the link. Returns what ``told_before`` does."""
        return None

    def finish_later(self, until: datetime, report: Report) -> str:
        """The link was surely not made, and the rider is told that it will be, until then at the latest. ``report`` is
        about to tell of the failure. Returns the name of the promise. It is empty if nothing is promised; then ``drop``
        is called."""
        return ""

    def drop(self) -> None:
        """Nothing is left to settle: the link was surely not made, or its success was told by another request."""


class Journal:
    def open(self, link: PendingLink, report: Report) -> Entry:
        """Called before anything is sent. ``report`` says for whom, and the reference that the rider may be told."""
        return Entry()

    def open_links(self, rider: str) -> list[PendingLink]:
        """Those of a rider, by ``Identity.user_id``, of which nobody has heard the end."""
        return []

    def promise(self, name: str) -> Promise | None:
        """What has become of it. ``None`` where it is not known any more. Raises ``JournalDown``."""
        return None

    def cancel(self, name: str) -> None:
        """The rider does not want it any more: nothing more is sent. Raises ``JournalDown``."""

    def counted(self, reference: str, kept_as: str) -> bool:
        """Whether the success of an entry that is kept is to be counted now: once, whoever is killed in between.

        Called in the transaction that counts it, or where the site counts nothing, enters it into the ledger.
        """
        return True


_journal = Journal()


def get_journal() -> Journal:
    return _journal


def use_journal(journal: Journal) -> Journal:
    """From now on, in this process. Returns the one from before."""
    global _journal
    before, _journal = _journal, journal
    return before
