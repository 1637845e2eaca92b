import pytest

# pytest can rewrite their asserts only before the conftest imports them.
pytest.register_assert_rewrite(
    "tests.browser.enroll_page", "tests.browser.other_riders", "tests.browser.walks", "tests.example.running"
)
