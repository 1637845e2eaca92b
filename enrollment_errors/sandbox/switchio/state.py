"""The state of the sandbox's Switchio besides cards, groups and links: credentials and riders' visits."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..state import Refused, State

DEFAULT_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "OLDER_ADULT": "Older adults",
        "VETERAN": "Veterans",
        "LOW_INCOME": "People with low incomes",
        "MEDICARE": "Medicare cardholders",
        "AGENCY_CARD": "Agency cardholders",
    }
)


@dataclass(kw_only=True)
class Registration:
    """A rider's visit to the gateway. ``card_token`` is set once ``state`` is ``tokenization_finished``."""

    id: str
    return_url: str
    mode: str
    response_mode: str
    created: float
    state: str = "created"
    card_token: str | None = None


class SwitchioState(State):
    """Plain attributes to set: ``pto_id``, ``api_key``, ``api_secret``, ``authorization``, and
    ``registration_seconds``, after which an unfinished visit expires.
    """

    def reset(self) -> None:
        with self.lock:
            self.pto_id = 42
            self.api_key = "sandbox-api-key"
            self.api_secret = "sandbox-api-secret"  # noqa: S105 (the sandbox's own, printed for everyone)
            self.authorization = "Basic c2FuZGJveA=="
            self.registration_seconds = 900.0
            self.registrations: dict[str, Registration] = {}
            super().reset()

    def new_id(self, token: str) -> str:
        """A card has nothing but its card token."""
        return token

    def revoke(self) -> None:
        """Deletes every unfinished visit."""
        with self.lock:
            for registration in self.registrations.values():
                if registration.state == "created":
                    registration.state = "deleted"

    def register(self, return_url: str, mode: str, response_mode: str) -> Registration:
        registration = Registration(
            id=f"registration-{secrets.token_hex(12)}",
            return_url=return_url,
            mode=mode,
            response_mode=response_mode,
            created=time.time(),
        )
        with self.lock:
            self.registrations[registration.id] = registration
        return registration

    def registration(self, registration_id: str) -> Registration:
        """Raises ``Refused`` 404."""
        with self.lock:
            found = self.registrations.get(registration_id)
            if found is None:
                raise Refused(404, "Registration not found")
            if found.state == "created" and time.time() > found.created + self.registration_seconds:
                found.state = "expired"
            return found
