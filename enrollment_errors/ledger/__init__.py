"""An optional Django app: one row for each successful enrollment, kept as long as the site wants, and one for each
time an operator took a card out of a group. Without it in ``INSTALLED_APPS``, a site has no such tables; everything
else works.

``sink`` receives a success, and ``database`` writes it. ``sums`` is for reports, ``history`` shows everything known
about a reference, and ``unlinking`` takes a card out of a group.
"""
