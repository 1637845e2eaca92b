"""What operators look up: each failure under its reference, and how often enrollments ended in which way.

``buffer`` gathers it, ``database`` writes it, ``retention`` takes it out again, ``overview`` and ``chart`` show it.
"""
