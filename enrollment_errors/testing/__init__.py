"""The kit for the tests of a site: fixtures, assertions, and a conformance suite for a processor of its own.

One line in the site's ``conftest.py`` turns it on, and nothing happens without it::

    pytest_plugins = ["enrollment_errors.testing.plugin"]
"""
