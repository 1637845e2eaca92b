"""Sentences that a native speaker would not write, and how to find them. To add one, add a row to ``HABITS``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from enrollment_errors.catalogue import CODES

from .blocks import FENCE, ROOT, pages


@dataclass(frozen=True, kw_only=True)
class Habit:
    """``pattern`` is searched in one paragraph at a time. Case does not matter, and names of code have become ``x``.

    ``why`` says what to write instead. The pattern must match the sentence ``bad`` and must not match ``good``.
    """

    pattern: str
    why: str
    bad: str
    good: str


HABITS = (
    Habit(
        pattern=r"\b(?:for|to|from|by|with|of|than) who (?!they|we|you|he|she)",
        why="'who' needs somebody before it: those who, everyone who",
        bad="For who runs a site with this app.",
        good="For those who run a site with this app.",
    ),
    Habit(
        pattern=r"(?:^|[.:;|] )who (?:is|has|may|can|runs|looks|writes|wants)\b[^.?|]*[.|]",
        why="a sentence cannot begin with a 'who' that is no question: anyone who",
        bad="Who may look needs the permission.",
        good="Who may look? Users with the permission.",
    ),
    Habit(
        pattern=r"\bwhere there (?:is|are) none\b",
        why="say what is missing: if there is no reference",
        bad="It is empty where there is none.",
        good="It is empty if there is no reference.",
    ),
    Habit(
        pattern=r"\bof its(?= (?:means|is|are|has|was|may|can|must)\b|[.,;:)])",
        why="one of its statuses",
        bad="Where a status of its means something else, add a row.",
        good="If one of its statuses means something different, add a row.",
    ),
    Habit(
        pattern=r"\bas (?:it stands|they stand)\b",
        why="unchanged, exactly as it is",
        bad="The same as it stands in the log.",
        good="Exactly as in the log.",
    ),
    Habit(
        pattern=r"\bso that [^.;,]{1,60} (?:is|are) (?:known|told)\b",
        why="say who learns it: so that you know",
        bad="It is logged so that the cause is known.",
        good="It is logged so that you know the cause.",
    ),
    Habit(
        pattern=r"\bin the place of\b",
        why="instead of, stands in for",
        bad="In the place of your own view.",
        good="Instead of your own view.",
    ),
    Habit(
        pattern=r"\b(?:tell|tells|told|telling) (?:\w+ )?of\b",
        why="report, or tell somebody about",
        bad="The log tells of each failure.",
        good="The log reports each failure.",
    ),
    Habit(
        pattern=r"(?:^|[.:;|] )should (?:it|they|this|that|one|the|a|your|its) ",
        why="begin with 'if'",
        bad="Should it come again, that is when it is first seen.",
        good="If it recurs, it counts as new.",
    ),
    Habit(
        pattern=r"\bneedless to be\b",
        why="need not be",
        bad="Each is atomic, or needless to be.",
        good="Each is atomic, or need not be.",
    ),
    Habit(
        pattern=r"\bthat is meant\b",
        why="that you accept, that you want",
        bad="It silences one that is meant.",
        good="It silences a check that you accept.",
    ),
    Habit(
        pattern=r"\b(?:is|are) (?:not|none) (?:of ours|there) for\b|\bit is not there\b",
        why="say what happens: everyone else gets a 404",
        bad="To everybody else it is not there.",
        good="Everyone else gets a 404.",
    ),
    Habit(
        pattern=r"\bway out (?:opened|of your network|is)\b",
        why="outbound traffic, an outbound connection",
        bad="Have this server's way out opened.",
        good="Allow outbound traffic to this address.",
    ),
    Habit(
        pattern=r"\bone (?:record|event|row|issue|module|file|call|page|test|line|entry|thread|alert) (?:a|an) ",
        why="one per, one for each",
        bad="It sends one event a fault.",
        good="It sends one event for each fault.",
    ),
    Habit(
        pattern=r"\bcomes? to (?:no|an) end\b|\bhas come to no end\b",
        why="ends, does not end",
        bad="The visit has come to no end.",
        good="The visit has not ended.",
    ),
    Habit(
        pattern=r"\bhow often [^.]{1,60} at most\b|\bseconds until a\b",
        why="maximum, allowed: a limit is a noun",
        bad="How often a call is made at most.",
        good="The maximum number of attempts.",
    ),
    Habit(
        pattern=r"\b(?:behaviour|colour|honour|favour|centre|defence|licence|whilst|grey|fulfil|programme)s?\b"
        r"|\b(?:initiali|recogni|organi|normali|seriali|authori|customi|minimi)s(?:e|es|ed|ing|ation)\b"
        r"|\b(?:label|travel|model|cancel)l(?:ed|ing)\b",
        why="American spelling",
        bad="Sentry is not initialised.",
        good="Sentry is not initialized.",
    ),
)


def found(text: str) -> list[str]:
    """What is wrong with a paragraph of plain text: the words, and what to write instead."""
    return [
        f"{match[0].strip()!r}: {habit.why}"
        for habit in HABITS
        if (match := re.search(habit.pattern, text, re.IGNORECASE))
    ]


def paragraphs(page: Path) -> Iterator[tuple[int, str]]:
    """The line and the text of each paragraph, table row and list item, without code and addresses."""
    text = FENCE.sub(lambda block: "\n" * block[0].count("\n"), page.read_text())
    text = re.sub(r"`[^`]+`", "x", text)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    line = 1
    for part in re.split(r"(\n\n+|\n(?=[-|#\d]))", text):
        words = " ".join(part.replace("**", "").split()).lstrip("-|# ")
        if words:
            yield line, words
        line += part.count("\n")


def in_documentation() -> list[tuple[str, str]]:
    return [(f"{page.relative_to(ROOT)}:{line}", text) for page in pages() for line, text in paragraphs(page)]


def in_the_catalogue() -> list[tuple[str, str]]:
    return [(name, text) for name, code in CODES.items() for text in (code.meaning, code.action) if text]


def in_the_checks() -> list[tuple[str, str]]:
    """Messages and hints: every text with a space in the modules of the checks, except docstrings."""
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno}", str(node.value))
        for path in sorted((ROOT / "enrollment_errors" / "checks").glob("*.py"))
        for parent in ast.walk(ast.parse(path.read_text()))
        for node in ast.iter_child_nodes(parent)
        if not isinstance(parent, ast.Expr) and isinstance(node, ast.Constant) and " " in str(node.value)
    ]
