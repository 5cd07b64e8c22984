"""Numbers, model numbers and spelling in titles, against a plain reference and by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankers.features import compute
from search.types import shape_of
from tests.rankers.facts import HandFacts, Item, pool_of

WORDS = ["charge", "tv", "band", "3", "4", "1.5", "xm4", "xm5", "16gb", "32gb", "a9b9c"]
text = st.lists(st.sampled_from(WORDS), max_size=7)
queries = st.lists(st.sampled_from([*WORDS, "5", "xm6"]), min_size=1, max_size=5)
NUMBER = 1


def beside(words: list[str], number: str) -> set[tuple[str, int]]:
    """The words beside a number, and on which side."""
    before = {(a, -1) for a, b in pairwise(words) if b == number}
    return before | {(b, 1) for a, b in pairwise(words) if a == number}


def asked_beside(query: list[str], number: str) -> set[tuple[str, int]]:
    """The same of the query, but for the number itself."""
    return {(word, side) for word, side in beside(query, number) if word != number}


def reference(title: list[str], query: list[str]) -> dict[str, float]:
    figures = [word for word in dict.fromkeys(query) if shape_of(word)]
    if not title or not figures:
        return {}
    missing = {w for w in figures if w not in title and shape_of(w) in map(shape_of, title)}
    codes = [word for word in figures if shape_of(word) > NUMBER]
    numbers = [word for word in figures if shape_of(word) == NUMBER]
    there = [word for word in figures if asked_beside(query, word) & beside(title, word)]
    other = [
        word
        for word in figures
        if word not in there
        and any(
            asked_beside(query, word) & beside(title, each)
            for each in set(title)
            if each != word and shape_of(each) == shape_of(word)
        )
    ]
    return {
        "codes_conflict": len(missing & set(codes)) / len(codes) if codes else math.nan,
        "numbers_conflict": len(missing & set(numbers)) / len(numbers) if numbers else math.nan,
        "numbers_beside": len(there) / len(figures),
        "numbers_beside_conflict": len(other) / len(figures),
    }


@given(st.lists(text, min_size=1, max_size=5), queries, st.integers(0, 5))
def test_numbers_are_those_of_the_plain_reference(
    titles: list[list[str]], query: list[str], base: int
) -> None:
    facts = HandFacts([Item(" ".join(title)) for title in titles], min(base, len(titles)))
    table = compute(facts, pool_of(" ".join(query), len(titles)))
    for row, title in zip(table.values, titles, strict=True):
        found = dict(zip(table.names, row.tolist(), strict=True))
        for name, wanted in reference(title, query).items():
            assert found[name] == pytest.approx(wanted, nan_ok=True), (name, title, query)


def values(titles: list[str], query: str, name: str) -> list[float]:
    facts = HandFacts([Item(title) for title in titles])
    found: list[float] = compute(facts, pool_of(query, len(titles)), [name]).values[:, 0].tolist()
    return found


def test_another_model_is_told_from_one_that_is_not_named() -> None:
    titles = ["fitbit charge 3", "fitbit charge 4", "fitbit band", "fitbit 4 charge"]
    assert values(titles, "fitbit charge 3", "numbers_conflict") == [0, 1, 0, 1]
    assert values(titles, "fitbit charge 3", "numbers_beside_conflict") == [0, 1, 0, 0]
    assert values(titles, "fitbit charge 3", "numbers_beside") == [1, 0, 0, 0]
    codes = values(["sony xm4", "sony xm5", "sony 4k", "sony"], "sony xm4", "codes_conflict")
    assert codes == [0, 1, 0, 0]


def test_a_query_without_numbers_has_no_conflict_of_them() -> None:
    for name in ("codes_conflict", "numbers_conflict", "numbers_beside"):
        assert np.isnan(values(["kettle 3", "kettle xm4"], "red kettle", name)).all()


def test_an_index_that_does_not_know_shapes_says_nothing() -> None:
    class Old(HandFacts):
        @property
        def shapes(self) -> None:
            return None

    facts = Old([Item("charge 4")])
    assert np.isnan(compute(facts, pool_of("charge 3", 1), ["numbers_conflict"]).values).all()


def test_a_title_one_letter_away_from_an_unknown_word() -> None:
    titles = ["red kettle", "red kettles", "red lamp", ""]
    near = values(titles, "red kettla", "near_spelling")
    assert near[:3] == [1, 0, 0]
    assert math.isnan(near[3])
    assert values(titles, "ketle lammp", "near_spelling")[:3] == [0.5, 0, 0.5]
    assert np.isnan(values(titles, "red kettle", "near_spelling")).all()
    assert np.isnan(values(titles, "lam", "near_spelling")).all()


def test_the_description_counts_for_what_the_title_lacks() -> None:
    items = [
        Item("kettle", "a kettle of steel"),
        Item("steel kettle", "a kettle of steel"),
        Item("kettle", "glass"),
        Item("kettle"),
    ]
    found = compute(HandFacts(items), pool_of("steel kettle", 4), ["description_beyond"]).values
    assert 0 < found[0, 0] < 1
    assert found[1:3, 0].tolist() == [0, 0]
    assert math.isnan(found[3, 0])
