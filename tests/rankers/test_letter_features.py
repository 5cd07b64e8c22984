"""Trigrams of letters that queries and titles have in common, against a plain reference and by
hand."""

from __future__ import annotations

import math
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankers.features import compute
from search.types import SYMBOL_OF, TRIGRAMS, Letters, trigrams_of
from tests.rankers.facts import HandFacts, Item, pool_of

WORDS = ["kettle", "kettel", "ket", "k", "1.5", "xm4", "door", "doorbell", "bell", "o'dell", "aaaa"]
text = st.lists(st.sampled_from(WORDS), max_size=7)
queries = st.lists(st.sampled_from([*WORDS, "dorbell", "zq"]), min_size=1, max_size=6)


def spelled(words: list[str]) -> list[str]:
    """The trigrams of each word, a space before and behind it."""
    return [f" {word} "[i : i + 3] for word in words for i in range(len(word))]


def coverage(title: list[str], query: list[str], catalogue: list[list[str]]) -> float:
    """The squares of the query's weights that the title has, of all that any title has."""
    known = Counter(each for other in catalogue for each in set(spelled(other)))
    squares = {
        each: ((1 + math.log(n)) * (math.log((1 + len(catalogue)) / (1 + known[each])) + 1)) ** 2
        for each, n in Counter(spelled(query)).items()
        if known[each]
    }
    if not title or not squares:
        return math.nan
    had = set(spelled(title))
    return sum(value for each, value in squares.items() if each in had) / sum(squares.values())


def values(titles: list[str], query: str, base: int | None = None) -> list[float]:
    facts = HandFacts([Item(title) for title in titles], base)
    table = compute(facts, pool_of(query, len(titles)), ["letters_coverage"])
    found: list[float] = table.values[:, 0].tolist()
    return found


@given(st.lists(text, min_size=1, max_size=5), queries, st.integers(0, 5))
def test_coverage_is_that_of_the_plain_reference(
    titles: list[list[str]], query: list[str], base: int
) -> None:
    base = min(base, len(titles))
    found = values([" ".join(title) for title in titles], " ".join(query), base)
    for value, title in zip(found, titles, strict=True):
        wanted = coverage(title, query, titles[:base])
        assert value == pytest.approx(wanted, nan_ok=True), (title, query)


def test_typing_errors_compounds_and_forms_leave_most_letters() -> None:
    titles = ["red kettle", "steel chisel", "door bell", "doorbell"]
    typed, other, *_ = values(titles, "kettel")
    assert 0.4 < typed < 0.8
    assert 0 < other < typed
    assert values(titles, "doorbell")[2:] == [pytest.approx(0.65, abs=0.05), 1]
    assert values(titles, "red kettle")[0] == 1


def test_letters_that_no_title_has_do_not_count() -> None:
    assert values(["red kettle"], "kettle qqq") == values(["red kettle"], "kettle") == [1]
    assert np.isnan(values(["red kettle"], "qqq")).all()


def test_without_words_or_without_a_title_nothing_is_known() -> None:
    assert np.isnan(values(["kettle", ""], "")).all()
    assert math.isnan(values(["kettle", ""], "kettle")[1])


def test_an_index_that_does_not_know_letters_says_nothing() -> None:
    class Old(HandFacts):
        @property
        def letters(self) -> Letters | None:
            return None

    table = compute(Old([Item("kettle")]), pool_of("kettle", 1), ["letters_coverage"])
    assert np.isnan(table.values).all()


def test_the_first_sixty_three_trigrams_of_a_query_count() -> None:
    words = [f"{a}{b}{a}" for a, b in permutations("abcdefgh", 2)]
    assert len(dict.fromkeys(spelled(words[:21]))) == 63
    titles = [" ".join(words[:10]), " ".join(words[:21]), "kettle"]
    half, whole, last = values(titles, " ".join([*words[:21], "kettle"]))
    assert 0.2 < half < 0.8
    assert (whole, last) == (1, 0)


def test_more_words_than_are_remembered_are_told_apart() -> None:
    titles = [f"w{i} x{i} kettle" for i in range(1200)]
    found = values([*titles, "lamp"], "kettle w77")
    assert np.flatnonzero(np.array(found) == 1).tolist() == [77, 777]
    assert found[-1] == 0


def test_english_trigrams_are_exact_and_all_are_within_bounds() -> None:
    exact = " '.abcdefghijklmnopqrstuvwxyz0123456789"
    assert len({int(SYMBOL_OF[ord(each)]) for each in f"{exact}-"}) == len(exact) + 1
    assert values(["type clamp", "acty"], "clamp-type")[1] == 0
    for word in ("чайник", "水壶", "\U0001f600", "ß", "\ud800"):
        assert len(trigrams_of(word)) == len(word)
        assert (trigrams_of(word) < TRIGRAMS).all()
    assert values(["чайник", "лампа"], "чайнек")[0] > 0.4
    assert trigrams_of("ab c").tolist() == [*trigrams_of("ab"), *trigrams_of("c")]
    assert len(trigrams_of("")) == 0
