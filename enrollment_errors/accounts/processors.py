"""Which processors an account can be with: the setting ``PROCESSORS``."""

from __future__ import annotations

from .. import conf
from ..conf_values import imported
from ..processors.base import Processor


def processor_at(path: str) -> type[Processor]:
    """Raises ``ConfigurationError`` where no processor stands there."""
    found: type[Processor] = imported(f'The processor "{path}"', path, Processor)
    return found


def processor_choices() -> list[tuple[str, str]]:
    """The dotted path and the name of each."""
    return [(path, processor_at(path).name) for path in conf.get_settings().PROCESSORS]
