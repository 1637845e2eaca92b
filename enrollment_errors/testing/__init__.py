"""The kit for a site's tests: fixtures, assertions, and a conformance suite for its own processor.

It does nothing until you add this line to the site's ``conftest.py``::

    pytest_plugins = ["enrollment_errors.testing.plugin"]
"""
