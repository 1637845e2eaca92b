"""A separate Django app that leaves no enrollment unsettled: each link is recorded before it is sent, and a sweep
settles those without an answer. A site without it in ``INSTALLED_APPS`` has no table and no cost.

``kept`` records links, ``sweep`` asks the processor, and ``manage.py settle_enrollments`` and ``tasks`` run the sweep.
"""
