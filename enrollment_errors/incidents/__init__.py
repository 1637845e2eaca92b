"""A Django app of its own: what operators look up, which is each failure under its reference, and how often enrollments
ended in which way. A site without it in ``INSTALLED_APPS`` has no tables, and everything else.

``sink`` hears of an end, ``buffer`` gathers, ``database`` writes, ``retention`` takes out again; ``overview``,
``page`` and ``chart`` show it to people for one of the ``periods``, ``status`` to machines.
"""
