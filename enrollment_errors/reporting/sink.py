"""What a sink is: one place that hears of what happened, such as the log or Sentry."""

from __future__ import annotations

from .report import Report


class Sink:
    """Subclass it, write ``send``, and name the class by its dotted path in the setting ``SINKS``.

    ``dispatch`` makes one object in each process, without arguments, and calls it from several threads at once: keep no
    state in it. One that is made before a server forks is shared by its children.
    """

    def send(self, report: Report) -> Report | None:
        """Return at once: the rider waits. Hand over to a thread what has to wait for a server.

        Returns a report that knows more, for the sinks after this one (``dataclasses.replace``), or ``None``. An
        exception is logged by its type alone, and keeps no other sink from hearing.
        """
        raise NotImplementedError
