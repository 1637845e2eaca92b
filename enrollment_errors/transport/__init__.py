"""Reaching a transit processor's server: in time, not too often, and without a trace of what is secret.

Nothing here knows any processor. ``http.ProcessorHttp`` is what a processor uses; the rest serves it::

    http ── retry ── circuit ── bulkhead ── exchange ── pool ── sockets ── answer
     │                                         │
    token_cache                             privacy, failures

``call`` has what goes in, how far it has come, and what comes out.
"""
