"""What operators look up: each failure under its reference, and how often enrollments ended in which way.

``writing`` brings it into the database, ``retention`` takes it out again, ``overview`` and ``chart`` show it.
"""
