"""Whether a site can enroll riders, before riders find out: what ``manage.py enrollment_doctor`` tries.

``diagnoses`` says what can be wrong, with its cause and what to do. The probes are small functions in ``network`` (the
way to the processor), ``account`` (what the processor says of our account) and ``site`` (this site's own set-up); each
returns what it found, or raises ``Trouble``. ``examination`` runs them in order.
"""
