"""The processors that an account can have: the setting ``PROCESSORS``."""

from __future__ import annotations

from .. import conf
from ..conf_values import imported
from ..processors.base import Processor


def processor_at(path: str) -> type[Processor]:
    """Raises ``ConfigurationError`` if the path does not lead to a processor."""
    found: type[Processor] = imported(f'The processor "{path}"', path, Processor)
    return found


def processor_choices() -> list[tuple[str, str]]:
    """The dotted path and the name of each processor."""
    return [(path, processor_at(path).name) for path in conf.get_settings().PROCESSORS]
