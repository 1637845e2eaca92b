"""Reaches a transit processor's server: in time, not too often, and without leaking secrets.

Nothing here depends on a particular processor. Processors use the names imported here; the other modules serve them::

    http ── retry ── circuit ── bulkhead ── exchange ── pool ── sockets ── answer
     │                                         │
    token_cache                             privacy, failures

``call`` holds a call's input, its progress, and its answer.
"""

from .call import Response
from .http import Limits, ProcessorHttp
from .token_cache import AccessToken

__all__ = ["AccessToken", "Limits", "ProcessorHttp", "Response"]
