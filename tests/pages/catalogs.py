"""Reads the messages in the sources, in each catalog, and in its compiled file."""

from __future__ import annotations

import ast
import gettext
import re
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils import translation

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates" / "enrollment_errors"
LOCALE = ROOT / "locale"
LOCALES = sorted(path.name for path in LOCALE.iterdir())

OPERATORS = (
    "templates/admin/",
    *(f"enrollment_errors/{app}/" for app in ("accounts", "incidents", "ledger", "settling", "watch")),
    "enrollment_errors/availability.py",
    "enrollment_errors/codes.py",
    "enrollment_errors/doctor/",
    "enrollment_errors/processors/",
)
"""Sources with text that only operators read, in English and Spanish."""

CONTEXT = "enrollment"
"""That of short messages, which a site may have too, with another meaning."""
_TRANSLATE = re.compile(r"""\{%\s*translate\s+"([^"]+)"|\b_\("([^"]+)"\)""")
_BLOCKTRANSLATE = re.compile(r"\{%\s*blocktranslate\b[^%]*%\}(.*?)\{%\s*endblocktranslate\s*%\}")
_LINE = re.compile(r'^(?:(msgctxt|msgid|msgstr)\s+)?"(.*)"$')


@dataclass(frozen=True)
class Entry:
    """One entry of a catalog. ``sources`` are paths below the root, ``flags`` such as ``fuzzy``."""

    message: str
    translation: str
    context: str
    sources: tuple[str, ...]
    flags: tuple[str, ...]


def said(message: str) -> str:
    """A message in the active language, with or without a context."""
    in_context = translation.pgettext(CONTEXT, message)
    return translation.gettext(message) if in_context == message else in_context


def entries(locale: str) -> list[Entry]:
    """A catalog's entries, without its header. Parses only the gettext syntax that this project uses."""
    text = (LOCALE / locale / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")
    return [_entry(block) for block in text.split("\n\n")[1:]]


def is_for_operators(entry: Entry) -> bool:
    """Whether nobody else reads it: it is only in their sources, or ``gettext_noop`` marks it elsewhere."""
    if not entry.sources:  # Django's names of months, which riders read in dates
        return False
    return entry.message in _MARKED_FOR_OPERATORS or all(source.startswith(OPERATORS) for source in entry.sources)


def header(locale: str) -> str:
    return (LOCALE / locale / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8").split("\n\n")[0]


def compiled(locale: str) -> dict[tuple[str, str], str]:
    """The compiled catalog: translations by context and message."""
    with (LOCALE / locale / "LC_MESSAGES" / "django.mo").open("rb") as file:
        catalog = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {
        ("", key) if "\x04" not in key else tuple(key.split("\x04")): translation
        for key, translation in catalog.items()
        if key
    }


def compile_entries(entries: list[tuple[str, str]]) -> bytes:
    """GNU gettext's binary format: two tables of lengths and offsets, then the texts. The first entry is the header."""
    texts = [text.encode() for pair in zip(*entries, strict=True) for text in pair]
    start = 28 + 8 * len(texts)
    table, data = b"", b""
    for text in texts:
        table += struct.pack("<II", len(text), start + len(data))
        data += text + b"\0"
    return struct.pack("<7I", 0x950412DE, 0, len(entries), 28, 28 + 4 * len(texts), 0, 0) + table + data


def messages_in_sources() -> dict[str, set[str]]:
    """What riders may read: the messages in each file."""
    found = {}
    for path in sorted(TEMPLATES.rglob("*.html")):
        source = path.read_text(encoding="utf-8")
        messages = {first or second for first, second in _TRANSLATE.findall(source)}
        messages |= {re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", message) for message in _BLOCKTRANSLATE.findall(source)}
        if messages:
            found[str(path.relative_to(ROOT))] = messages
    for name in ("finishing_views.py", "responses.py", "templatetags/enrollment_errors.py"):
        found[f"enrollment_errors/{name}"] = _messages_in_python(ROOT / "enrollment_errors" / name, "_", "pgettext")
    return found


def _messages_in_python(path: Path, *functions: str) -> set[str]:
    return {ast.literal_eval(message) for message in _arguments(path, functions)}


def _arguments(path: Path, functions: Collection[str]) -> Iterator[ast.expr]:
    """The last argument of each call of one of the functions: the message."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
            yield node.args[-1]


_TRANSLATING = ("_", "gettext", "gettext_lazy", "gettext_noop", "pgettext", "pgettext_lazy")


def written_out_in_python() -> set[str]:
    """Every message that is a literal in our Python code, whether or not ``make messages`` finds it."""
    paths = (ROOT / "enrollment_errors").rglob("*.py")
    messages = (message for path in paths for message in _arguments(path, _TRANSLATING))
    return {message.value for message in messages if isinstance(message, ast.Constant)}


_MARKED_FOR_OPERATORS = set().union(
    *(_messages_in_python(ROOT / "enrollment_errors" / name, "gettext_noop") for name in ("catalogue.py", "pages.py"))
)


def _entry(block: str) -> Entry:
    parts = {"msgctxt": "", "msgid": "", "msgstr": ""}
    sources: list[str] = []
    flags: list[str] = []
    part = ""
    for line in block.strip().splitlines():
        if line.startswith("#:"):
            sources += line[2:].split()
        elif line.startswith("#,"):
            flags += [flag.strip() for flag in line[2:].split(",")]
        elif match := _LINE.match(line):
            part = match[1] or part
            parts[part] += ast.literal_eval(f'"{match[2]}"')
        else:
            assert line.startswith("# "), f"unknown line in a catalog: {line}"
    return Entry(parts["msgid"], parts["msgstr"], parts["msgctxt"], tuple(sources), tuple(flags))
