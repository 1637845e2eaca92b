"""For ``django-health-check`` (version 4), where a site has it::

HealthCheckView.as_view(checks=[..., "enrollment_errors.health.EnrollmentCircuits"])
"""

from __future__ import annotations

import dataclasses

from asgiref.sync import sync_to_async
from health_check.base import HealthCheck
from health_check.exceptions import ServiceUnavailable, ServiceWarning

from .circuits import circuits
from .transport.circuit import Phase


@dataclasses.dataclass
class EnrollmentCircuits(HealthCheck):  # type: ignore[misc]
    """Fails while the circuit of any processor account is open: riders cannot enroll there. Calls nobody."""

    async def run(self) -> None:
        found = await sync_to_async(circuits)()
        stopped = [circuit.account for circuit in found if circuit.phase in (Phase.OPEN, Phase.HALF_OPEN)]
        if stopped:
            raise ServiceUnavailable(f"The processor is not called, because it is down: {', '.join(stopped)}")
        if any(circuit.phase is Phase.UNKNOWN for circuit in found):
            raise ServiceWarning("The cache does not answer: there is no circuit breaker meanwhile.")
