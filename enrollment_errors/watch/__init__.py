"""An optional Django app: it tells operators about problems before a rider meets them. Without it, a site has no such
tables.

``watching`` examines every account without a rider, as the doctor does, and keeps the findings; ``telling`` reports
what has changed. Operators set each ``Switch`` of ``models``. ``known`` keeps findings and switches in the cache for
riders' requests, and ``source`` gives them to ``availability``.
"""
