from __future__ import annotations

from collections.abc import Iterator

import pytest

from .serving import Region
from .serving import region as served


@pytest.fixture(scope="module")
def running_region() -> Iterator[Region]:
    with served() as region:
        yield region


@pytest.fixture
def region(running_region: Region) -> Region:
    """Its processors work and know no cards."""
    for sandbox in running_region.sandboxes.values():
        sandbox.reset()
    return running_region
