"""A sink: one place that gets reports, such as the log or Sentry."""

from __future__ import annotations

from .report import Report


class Sink:
    """Subclass it, write ``send``, and name the class by its dotted path in the setting ``SINKS``.

    ``dispatch`` makes one instance in each process, without arguments, and calls it from several threads at once: keep
    no state in it. If it is made before a server forks, the children share it.
    """

    def send(self, report: Report) -> Report | None:
        """Return at once, because the rider waits. Hand work that waits for a server to a thread.

        Returns an extended report for the sinks after this one (``dataclasses.replace``), or ``None``. If it raises,
        only the exception's type is logged, and the other sinks still get the report.
        """
        raise NotImplementedError
