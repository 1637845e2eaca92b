"""Reaching a transit processor's server: in time, not too often, and without a trace of what is secret.

Nothing here knows any processor. ``http.ProcessorHttp`` is what a processor uses; the rest serves it::

    http ── retry ── circuit ── bulkhead ── exchange ── session ── sockets ── answer
                        │                      │
    token_cache ── shared_cache             privacy, sealing, failures

``call`` and ``response`` are what goes in and what comes out, ``deadline`` and ``clock`` the time that it may take.
"""
