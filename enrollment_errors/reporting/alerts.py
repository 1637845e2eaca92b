"""One word where something begins that many riders meet, and one where it ends, to the log and to Sentry, in place of
one a rider meanwhile: a circuit that opens, an account that cannot be used.

The signals behind it are there for a site's own receivers too, such as one that calls somebody:
``transport.circuit.circuit_opened`` and ``circuit_closed``, ``account_directory.account_broke`` and ``account_mended``.
"""

from __future__ import annotations

import logging
from typing import Any

from ..account_directory import account_broke, account_mended
from ..transport.circuit import circuit_closed, circuit_opened
from .sentry import announce

logger = logging.getLogger("enrollment_errors")


def connect() -> None:
    """Once, when Django has started."""
    circuit_opened.connect(_opened, dispatch_uid="enrollment_errors.circuit_opened")
    circuit_closed.connect(_closed, dispatch_uid="enrollment_errors.circuit_closed")
    account_broke.connect(_broke, dispatch_uid="enrollment_errors.account_broke")
    account_mended.connect(_mended, dispatch_uid="enrollment_errors.account_mended")


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


def _broke(account: str, error: Exception, **kwargs: Any) -> None:
    # Our own text: it names the place and the fix, and holds no value.
    text = f"Riders of the account {account} cannot enroll: {error}"
    logger.error(text, extra={"account": account})
    announce(text, level="error", tags=_account_tags(account), fingerprint=["enrollment_errors", "account", account])


def _mended(account: str, **kwargs: Any) -> None:
    text = f"The account {account} can be used again."
    logger.info(text, extra={"account": account})
    announce(text, level="info", tags=_account_tags(account), fingerprint=["enrollment_errors", "mended", account])


def _account_tags(account: str) -> dict[str, str]:
    return {"enrollment.account": account, "side": "backend", "type": "error"}
