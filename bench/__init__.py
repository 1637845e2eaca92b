"""What this package costs and what it spares, measured in one run on this machine, beside a deliberately naive client.

``python -m bench`` runs everything in a few minutes; ``python -m bench calls`` one part of it. Each part is a module
with a ``main``. Everything runs in processes of its own on free ports of 127.0.0.1.
"""
