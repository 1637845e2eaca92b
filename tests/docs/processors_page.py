"""Writes the tables of options in docs/processors.md: ``python -m tests.docs.processors_page``."""

from __future__ import annotations

import re

from enrollment_errors.processors.base import Processor
from enrollment_errors.processors.littlepay import LittlepayProcessor
from enrollment_errors.processors.switchio import SwitchioProcessor
from enrollment_errors.processors.types import Option

from .blocks import ROOT

PAGE = ROOT / "docs" / "processors.md"
PROCESSORS: tuple[type[Processor], ...] = (LittlepayProcessor, SwitchioProcessor)
_TABLE = (
    "<!-- options of {name}: made by python -m tests.docs.processors_page -->\n{rows}<!-- the end of the options -->\n"
)


def written() -> str:
    """The page with up-to-date tables."""
    page = PAGE.read_text()
    for processor in PROCESSORS:
        before = _TABLE.format(name=processor.name, rows=".*?")
        after = _TABLE.format(name=processor.name, rows=_rows(processor.account_options))
        page, count = re.subn(before, lambda _, after=after: after, page, flags=re.DOTALL)
        assert count == 1, processor.name
    return page


def _rows(options: tuple[Option, ...]) -> str:
    rows = [f"| `{option.name}` | {_default(option)} | {option.help_text} |" for option in options]
    return "\n".join(["", "| option | default | what it is |", "|---|---|---|", *rows, "", ""])


def _default(option: Option) -> str:
    return "must be set" if option.is_required else f"`{option.default!r}`".replace("'", '"')


if __name__ == "__main__":
    PAGE.write_text(written())
