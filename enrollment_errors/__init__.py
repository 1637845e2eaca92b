"""The enrollment step of a transit-benefit site, and its failures."""

__version__ = "0.1.0"
