"""Writes the tables of docs/settings.md from ``conf.Settings``: ``python -m tests.docs.settings_page``."""

from __future__ import annotations

import ast
import inspect
from dataclasses import MISSING, Field, fields

from enrollment_errors.conf import Settings

from .blocks import ROOT

PAGE = ROOT / "docs" / "settings.md"
BEGIN, END = "<!-- the keys: made by python -m tests.docs.settings_page -->\n", "<!-- the end of the keys -->\n"


def written() -> str:
    """The page with up-to-date tables."""
    page = PAGE.read_text()
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}{_keys()}{END}{tail}"


def _keys() -> str:
    meanings = _docstrings()
    rows = ["| key | default | what it is |", "|---|---|---|"]
    for key in fields(Settings):
        rows.append(f"| `{key.name}` | {_default(key)} | {meanings[key.name]} |")
    return "\n" + "\n".join(rows) + "\n\n"


def _default(key: Field[object]) -> str:
    if key.default is MISSING:
        return {MISSING: "must be set", dict: "`{}`"}.get(key.default_factory, "see there")
    value = key.default
    shown = f"{value.__module__}.{value.__qualname__}" if inspect.isfunction(value) else value
    return f"`{shown!r}`".replace("'", '"')


def _docstrings() -> dict[str, str]:
    """The docstring of each field."""
    (tree,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            assert isinstance(text.value, ast.Constant)
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found


if __name__ == "__main__":
    PAGE.write_text(written())
