from __future__ import annotations

from collections.abc import Iterator

import pytest

from .rider import Rider
from .running import RunningDemo, run_demo

demo = pytest.fixture(scope="session", name="demo")(run_demo)


@pytest.fixture
def rider(demo: RunningDemo) -> Iterator[Rider]:
    """A new rider, at a processor that works."""
    demo.choose("healthy")
    with Rider(demo.url) as rider:
        yield rider
