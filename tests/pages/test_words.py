"""The words are plain: short sentences, an easy reading level, and no engineers' jargon."""

from __future__ import annotations

import re

import pytest

from . import catalogs, readability

MOST_WORDS = 20
HARDEST_GRADE = 8

FOR_OPERATORS = ("enrollment_errors/catalogue.py",)
"""Has the text that staff pass on to their support team. It may use engineers' words."""
ALL_SPANISH = catalogs.entries("es")
SPANISH = {
    entry.message: entry.translation
    for entry in ALL_SPANISH
    if entry.sources != FOR_OPERATORS and not catalogs.is_for_operators(entry)
}
SOURCES = catalogs.messages_in_sources()
LONG_ENOUGH = [source for source, messages in SOURCES.items() if len(readability.words(" ".join(messages))) > 20]
ENGLISH = sorted(set().union(*SOURCES.values()))

JARGON = re.compile(
    r"\b([45]\d\d|error|exception|http|api|server|token\w*|processor|funding source|group|verification|eligib\w*"
    r"|maintenance|technical|difficult\w*|invalid|fail\w*|unable|unfortunately|oops|click)\b",
    re.IGNORECASE,
)
JERGA = re.compile(
    r"\b([45]\d\d|error|excepción|http|api|servidor|token\w*|procesador|mantenimiento|técnic\w*|inválid\w*|fall[oó]s?"
    r"|lamentablemente|haga clic|enrolar\w*|matricul\w*)\b",
    re.IGNORECASE,
)
FAMILIAR_SPANISH = re.compile(
    r"\b(tú|tu|tus|te|ti|contigo|vosotros|vuestr\w+|puedes|tienes|quieres|eres|estás|debes|necesitas|usas|haz|ten)\b",
    re.IGNORECASE,
)


def test_no_sentence_has_more_than_20_words() -> None:
    sentences = [part for text in [*ENGLISH, *SPANISH.values()] for part in readability.sentences(text)]
    assert [sentence for sentence in sentences if len(readability.words(sentence)) > MOST_WORDS] == []


@pytest.mark.parametrize("source", LONG_ENOUGH)
def test_english_reads_at_8th_grade_or_below(source: str) -> None:
    assert readability.english_grade(sorted(SOURCES[source])) <= HARDEST_GRADE


@pytest.mark.parametrize("source", LONG_ENOUGH)
def test_spanish_reads_at_8th_grade_or_below(source: str) -> None:
    assert readability.spanish_grade([SPANISH[message] for message in sorted(SOURCES[source])]) <= HARDEST_GRADE


def test_the_grades_tell_hard_words_from_easy_ones() -> None:
    hard = "Tokenization authorization was unsuccessful because the configuration of the institution expired."
    difícil = "La autorización de tokenización resultó infructuosa debido a la configuración de la institución."
    fácil = "La tarjeta no está lista. Espere un poco."

    assert readability.english_grade([hard]) > HARDEST_GRADE
    assert readability.spanish_grade([difícil]) > readability.spanish_grade([fácil]) + 2


def test_english_has_no_jargon() -> None:
    assert [text for text in ENGLISH if JARGON.search(text)] == []


def test_spanish_has_no_jargon() -> None:
    assert [text for text in SPANISH.values() if JERGA.search(text)] == []


def test_spanish_says_usted() -> None:
    assert [text for text in (entry.translation for entry in ALL_SPANISH) if FAMILIAR_SPANISH.search(text)] == []


def test_english_is_in_sentence_case() -> None:
    names = {"JavaScript", "Enroll"}
    sentences = [sentence for text in ENGLISH for sentence in readability.sentences(text)]
    assert [
        sentence
        for sentence in sentences
        if any(word[0].isupper() and word not in names for word in readability.words(sentence)[1:])
    ] == []
