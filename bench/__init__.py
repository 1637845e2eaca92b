"""Measures what this package costs and what it saves, on this machine, beside a deliberately naive client.

``python -m bench`` runs every part, in about fourteen minutes; ``python -m bench calls`` runs one of them. Each part is
a module with a ``main``. All servers listen on free ports of 127.0.0.1.
"""
