"""A Django app of its own, so that no enrollment hangs in the air: each link is written down before it is sent, and a
sweep brings to an end what nobody has heard the end of. A site without it in ``INSTALLED_APPS`` has no table, and pays
nothing.

``kept`` writes down, ``sweep`` asks the processor, ``manage.py settle_enrollments`` and ``tasks`` run it.
"""
