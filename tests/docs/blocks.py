"""The code blocks of the documentation, each with the words before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "docs" / "pictures"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:#|//) (\S+\.(?:py|ini|js))\n")
FIVE_MINUTES = "Five minutes to the first enrollment"


@dataclass(frozen=True)
class Block:
    """``lead`` is the last paragraph before the block, on one line."""

    page: str
    line: int
    language: str
    code: str
    lead: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that the block belongs in, if its first line names one: ``# mysite/urls.py``."""
        named = FILE.match(self.code)
        return named and named[1]

    def write(self, folder: Path) -> None:
        """Writes the block where the words before it say, or its first line, in the folder of a site."""
        if added := re.search(r"At the end of `([^`]+)`", self.lead):
            path = folder / added[1]
            path.write_text(f"{path.read_text()}\n{self.code}")
        elif new := re.search(r"In a new file `([^`]+)`", self.lead):
            (folder / new[1]).write_text(self.code)
        elif self.file:
            (folder / self.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / self.file).write_text(self.code)
        else:
            raise AssertionError(f"{self}: nobody could tell what to do with it: {self.lead}")


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def blocks_of(page: Path, *, section: str | None = None) -> Iterator[Block]:
    """All blocks of ``page``, or those under the second-level heading ``section``."""
    text = page.read_text()
    start, end = 0, len(text)
    if section is not None:
        heading = f"\n## {section}\n"
        start = text.index(heading) + len(heading)
        end = text.find("\n## ", start) if "\n## " in text[start:] else len(text)
    for match in FENCE.finditer(text, start, end):
        before = text[: match.start()].rstrip().rsplit("\n\n", 1)[-1]
        yield Block(
            page=str(page.relative_to(ROOT)),
            line=text.count("\n", 0, match.start()) + 1,
            language=match[1],
            code=match[2],
            lead=" ".join(before.split()),
        )
