"""A Django app of its own: one row for each success that a rider was told of, for as long as the site wants, and each
card that an operator took out of a group. A site without it in ``INSTALLED_APPS`` has no tables, and everything else.

``sink`` hears of a success, ``database`` writes it; ``sums`` is for reports; ``history`` shows
what is known of one reference; ``unlinking`` takes a card out of a group.
"""
