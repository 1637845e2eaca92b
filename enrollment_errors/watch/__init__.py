"""A Django app of its own: what operators know before a rider does. A site without it has no tables.

``watching`` examines every account without a rider, as the doctor does, and keeps what it finds; ``telling`` says what
has changed. A ``Switch`` of the models is what an operator has set. ``known`` keeps both in the cache for riders'
requests, and ``source`` tells ``availability``.
"""
