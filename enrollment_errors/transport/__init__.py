"""Reaching a transit processor's server: in time, not too often, and without a trace of what is secret.

Nothing here knows any processor. What is named here is the public face, for processors; the rest serves it::

    http ── retry ── circuit ── bulkhead ── exchange ── pool ── sockets ── answer
     │                                         │
    token_cache                             privacy, failures

``call`` has what goes in, how far it has come, and what comes out.
"""

from .call import Response
from .http import Limits, ProcessorHttp
from .token_cache import AccessToken

__all__ = ["AccessToken", "Limits", "ProcessorHttp", "Response"]
