"""How hard a text is to read, as a school grade level."""

from __future__ import annotations

import re

_SENTENCE_END = re.compile(r"[.?!…](?:\s|$)")
_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*")


def sentences(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE_END.split(text) if _WORD.search(part)]


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def english_grade(texts: list[str]) -> float:
    """Flesch-Kincaid: Kincaid et al., 1975, Derivation of New Readability Formulas."""
    sentence_count, word_list = _count(texts)
    syllables = sum(map(_english_syllables, word_list))
    return 0.39 * len(word_list) / sentence_count + 11.8 * syllables / len(word_list) - 15.59


def spanish_grade(texts: list[str]) -> float:
    """Crawford, 1984, Fórmula y gráfico para determinar la comprensibilidad de textos del nivel primario."""
    sentence_count, word_list = _count(texts)
    syllables = sum(map(_spanish_syllables, word_list))
    return -0.205 * 100 * sentence_count / len(word_list) + 0.049 * 100 * syllables / len(word_list) - 3.407


def _count(texts: list[str]) -> tuple[int, list[str]]:
    return sum(len(sentences(text)) for text in texts), [word for text in texts for word in words(text)]


def _english_syllables(word: str) -> int:
    word = word.lower()
    groups = len(re.findall(r"[aeiouy]+", word))
    silent = re.search(r"[^aeiouyl]e$|[^aeiouytd]ed$|[^aeiouysxzgc]es$", word) is not None
    return max(1, groups - silent)


def _spanish_syllables(word: str) -> int:
    """Counts vowel groups. Two strong vowels count as two, as does an accented weak vowel next to a strong one."""
    word = re.sub(r"qu|gu(?=[eiéí])", "g", word.lower())
    return max(1, len(re.findall(r"[aeoáéóíú]|[iuü]+(?![aeoáéó])(?<![aeoáéó][iuü])", word)))
