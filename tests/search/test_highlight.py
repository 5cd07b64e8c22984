from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from search.highlight import highlight
from search.types import Product


def test_marks_other_forms_of_the_word() -> None:
    marked = highlight(Product("1", "Two Kettles & a lid"), ("kettle",))
    assert marked == {"title": "Two <mark>Kettles</mark> &amp; a lid"}


def test_shows_the_matching_part_of_a_long_description() -> None:
    description = "Plain words. " * 60 + "Boils quickly. " + "More words. " * 60
    marked = highlight(Product("1", "Kettle", description), ("boil",))
    assert "<mark>Boils</mark>" in marked["description"]
    assert len(marked["description"]) < 300


def test_leaves_out_a_description_without_a_match() -> None:
    assert "description" not in highlight(Product("1", "Kettle", "Steel."), ("kettle",))


@given(title=st.text(max_size=60), term=st.text(max_size=8))
def test_nothing_but_marks_is_markup(title: str, term: str) -> None:
    marked = highlight(Product("1", title), (term,))["title"]
    assert html.unescape(re.sub(r"</?mark>", "", marked)) == title
    assert "<" not in re.sub(r"</?mark>", "", marked)
