"""The transit processors: the contract in ``base``, and one file for each processor."""
