"""For sites that use ``django-health-check`` (version 4)::

HealthCheckView.as_view(checks=[..., "enrollment_errors.health.EnrollmentAvailability"])
"""

from __future__ import annotations

import dataclasses

from asgiref.sync import sync_to_async
from health_check.base import HealthCheck
from health_check.exceptions import ServiceUnavailable, ServiceWarning

from .availability import Notice, notices
from .circuits import circuits
from .transport.circuit import Phase


@dataclasses.dataclass
class EnrollmentAvailability(HealthCheck):  # type: ignore[misc]  # its package has no types
    """Fails while any account cannot enroll riders, and names each such account and the reason. Makes no calls.

    An account that an operator has switched off does not fail. Anything that needs attention, such as a watch that has
    stopped, is a warning.
    """

    async def run(self) -> None:
        failures, warnings = await sync_to_async(_found)()
        if failures:
            raise ServiceUnavailable("; ".join(failures))
        if warnings:
            raise ServiceWarning("; ".join(warnings))


def _found() -> tuple[list[str], list[str]]:
    known, found = notices(), circuits()
    failures = [_said(notice) for notice in known if notice.is_failure]
    warnings = [_said(notice) for notice in known if not notice.is_failure and not notice.is_switch]
    failures += [
        f"{circuit.account}: circuit_open" for circuit in found if circuit.phase in (Phase.OPEN, Phase.HALF_OPEN)
    ]
    if any(circuit.phase is Phase.UNKNOWN for circuit in found):
        warnings.append("the cache does not answer, so there is no circuit breaker")
    return failures, warnings


def _said(notice: Notice) -> str:
    return ": ".join(filter(None, (notice.account, notice.why)))
