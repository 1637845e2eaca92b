"""Accounts in the site's database, for agencies that manage their own: an app of its own, beside ``enrollment_errors``.

``models`` is what is kept, without a secret; ``secrets`` turns the name of a secret into the secret; ``provider`` gives
accounts to the enrollment; ``forms`` and ``admin`` are where they are edited and tried.
"""
