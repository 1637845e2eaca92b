"""An optional app, beside ``enrollment_errors``: accounts in the site's database, for agencies that manage their own.

``models`` stores them without secrets, ``secrets`` turns a secret's name into the secret, and ``provider`` gives the
accounts to enrollments. Operators edit and test them with ``forms`` and ``admin``.
"""
