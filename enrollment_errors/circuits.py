"""The circuits of the site's accounts, for operators and monitors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from django.utils.timezone import localtime

from .account_directory import usable_accounts
from .opening import circuit_state
from .transport.circuit import CircuitState, Phase


@dataclass(frozen=True, kw_only=True)
class AccountCircuit:
    """``since`` is when the phase began, ``until`` when the next probe is due."""

    account: str
    processor: str
    phase: Phase
    since: datetime | None
    until: datetime | None


def circuits() -> list[AccountCircuit]:
    """The circuit of every account that works. Reads the cache and changes nothing."""
    return [_circuit(account.name, account.processor.name, circuit_state(account)) for account in usable_accounts()]


def _circuit(account: str, processor: str, state: CircuitState) -> AccountCircuit:
    return AccountCircuit(
        account=account,
        processor=processor,
        phase=state.phase,
        since=_moment(state.since),
        until=_moment(state.until),
    )


def _moment(epoch_seconds: float | None) -> datetime | None:
    return None if epoch_seconds is None else localtime(datetime.fromtimestamp(epoch_seconds, timezone.utc))
