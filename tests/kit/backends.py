"""The processors' backends in the conformance tests: the sandbox's services, in this process."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.utils.module_loading import import_string

from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.service import Service
from enrollment_errors.secret import Secret
from enrollment_errors.testing.fake import FakeProcessor

URL = "https://processor.test"


class ServiceBackend:
    def __init__(self, fake: FakeProcessor) -> None:
        self.fake = fake
        self.state = fake.state
        self.processor = import_string(fake.service.processor)
        self.options = fake.service.options(URL)
        self.group_id = next(iter(self.state.groups))
        self.secrets = [self.options[option.name] for option in self.processor.account_options if option.is_secret]

    def add_card(self) -> Secret:
        self.secrets.append(secrets.token_hex(8))
        self.state.add_card(self.secrets[-1])
        return Secret(self.secrets[-1])

    def put_link(self, card_token: Secret, expires_at: datetime | None) -> None:
        self.state.link(self.state.card(card_token.reveal()).id, self.group_id, expires_at)

    def expiry_of(self, card_token: Secret) -> datetime | None:
        return self.state.groups[self.group_id].links[self.state.card(card_token.reveal()).id].expiry

    def answer(self, status: int, body: str) -> None:
        for endpoint in self.fake.service.endpoints:
            if endpoint != "authorization":
                self.fake.faults.set(endpoint, Fault(kind="status", status=status, body=body))

    def go_down(self) -> None:
        self.fake.is_down()

    def count_calls(self) -> int:
        return sum(self.fake.calls.values()) - self.fake.calls["authorization"]


@contextmanager
def backend_of(service: Service) -> Iterator[ServiceBackend]:
    with FakeProcessor(service, [URL]) as fake:
        yield ServiceBackend(fake)
