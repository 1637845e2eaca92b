"""What is known of the exchange that is under way, for the sockets and readers below ``requests``."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from .deadline import Deadline


@dataclass
class Exchange:
    """One request and its answer, under way in this thread."""

    deadline: Deadline
    connect_timeout: float
    read_timeout: float
    sent: bool = False
    """At least one byte of the request has left."""
    found_dead: bool = False
    """The connection was of no use before that: a pooled one that the server had closed, or spoken on unasked."""
    answered_early: bool = False
    """Part of an answer was there before the whole request had left."""


current_exchange: ContextVar[Exchange] = ContextVar("current_exchange")
