"""Finds out whether a site can enroll riders before riders do: the probes of ``manage.py enrollment_doctor``.

``diagnoses`` lists what can be wrong, with its cause and what to do. The probes are small functions in ``network`` (the
way to the processor), ``account`` (what the processor says about our account) and ``site`` (this site's own setup).
Each returns what it found, or raises ``Trouble``. ``examination`` runs them in order.
"""
