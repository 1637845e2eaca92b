"""One word when a circuit opens and one when it closes, to the log and to Sentry, in place of one a rider meanwhile.

The signals behind it, ``transport.circuit.circuit_opened`` and ``circuit_closed``, are there for a site's own receivers
too, such as one that calls somebody.
"""

from __future__ import annotations

import logging
from typing import Any

from ..transport.circuit import circuit_closed, circuit_opened
from .sentry import announce

logger = logging.getLogger("enrollment_errors")


def connect() -> None:
    """Once, when Django has started."""
    circuit_opened.connect(_opened, dispatch_uid="enrollment_errors.circuit_opened")
    circuit_closed.connect(_closed, dispatch_uid="enrollment_errors.circuit_closed")


def _opened(account: str, error: Exception, **kwargs: Any) -> None:
    # The type alone: the failure itself has been told under its own reference.
    failure = type(error).__name__
    text = f"The circuit of {account} opened: calls to the processor stop, after {failure}."
    logger.error(text, extra={"account": account, "circuit": "opened", "exception": failure})
    announce(text, level="error", tags=_tags(account, "opened"), fingerprint=_fingerprint(account, "opened"))


def _closed(account: str, seconds: float, **kwargs: Any) -> None:
    text = f"The circuit of {account} closed: calls to the processor go on, after {seconds:.0f} s."
    logger.info(text, extra={"account": account, "circuit": "closed", "seconds": seconds})
    announce(text, level="info", tags=_tags(account, "closed"), fingerprint=_fingerprint(account, "closed"))


def _tags(account: str, change: str) -> dict[str, str]:
    return {"enrollment.account": account, "enrollment.circuit": change, "side": "backend", "type": "api_error"}


def _fingerprint(account: str, change: str) -> list[str]:
    return ["enrollment_errors", "circuit", account, change]
