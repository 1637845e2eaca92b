"""An optional Django app for operators: it lists each failure under its reference, and counts how enrollments end.
Without it in ``INSTALLED_APPS``, a site has no such tables; everything else works.

``sink`` receives each report, ``buffer`` gathers them, ``database`` writes them, and ``retention`` deletes them again.
``overview``, ``page`` and ``chart`` show people one of the ``periods``; ``status`` answers machines.
"""
