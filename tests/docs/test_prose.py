"""What people read in the documentation, in the advice of codes and in hints of checks is plain American English."""

from __future__ import annotations

import pytest

from .prose import HABITS, Habit, found, in_documentation, in_the_catalogue, in_the_checks, paragraphs


@pytest.mark.parametrize("texts", [in_documentation, in_the_catalogue, in_the_checks])
def test_is_written_as_one_would_say_it(texts) -> None:
    assert texts()
    assert [f"{place}: {wrong}" for place, text in texts() for wrong in found(text)] == []


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.why)
class TestAHabit:
    def test_is_found(self, habit: Habit) -> None:
        assert [wrong for wrong in found(habit.bad) if wrong.endswith(habit.why)]

    def test_is_not_found_in_the_sentence_that_is_better(self, habit: Habit) -> None:
        assert found(habit.good) == []


class TestAPage:
    @pytest.fixture
    def page(self, tmp_path):
        def page(text: str) -> list[tuple[int, str]]:
            (tmp_path / "page.md").write_text(text)
            return list(paragraphs(tmp_path / "page.md"))

        return page

    def test_is_read_across_its_lines(self, page) -> None:
        [(line, text)] = page("The log tells\nof each failure.\n")
        assert (line, bool(found(text))) == (1, True)

    def test_is_read_row_by_row_and_item_by_item(self, page) -> None:
        read = page("# Colours\n\n| one |\n|---|\n| two |\n\n- three\n- four\n")
        assert [(line, text.strip(" |")) for line, text in read if text.strip("- |")] == [
            (1, "Colours"),
            (3, "one"),
            (5, "two"),
            (7, "three"),
            (8, "four"),
        ]

    def test_may_have_any_words_in_its_code_and_addresses(self, page) -> None:
        assert [
            found(text) for _, text in page("A `colour`, a [link](colour.md).\n\n```python\ncolour = 1\n```\n")
        ] == [[]]
