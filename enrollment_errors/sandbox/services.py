"""The processors that the sandbox can act as, by the name of the processor's class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from .littlepay import Littlepay
from .service import Service
from .switchio import Switchio

SERVICES: Mapping[str, Callable[[], Service]] = MappingProxyType({"littlepay": Littlepay, "switchio": Switchio})
