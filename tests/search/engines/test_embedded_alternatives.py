"""Alternatives: other words are as good as the query's, and never better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.engines.embedded.dialect import TantivyFrequencies
from search.engines.embedded.state import IndexState
from search.engines.local.words import WordsQuery
from search.types import Alternative, Product, Query
from tests.search.engines.brute import has_every_word
from tests.search.engines.shops import Shop, build, ids, state_of, understood

TERMS = ("red", "blue", "steel", "lamp", "desk", "without", "1000")


def asked(text: str, *alternatives: Alternative) -> Query:
    return replace(understood(text), alternatives=alternatives)


def found(state: IndexState, query: Query) -> list[str]:
    return ids(state, state.words(query, (), 100).ranking.ordinals)


def required(state: IndexState, query: Query, *, apart: bool = False) -> dict[str, float]:
    """Id and score of every product that has every word, or what may stand for it."""
    frequencies, weights = TantivyFrequencies(state.searcher), {"all": 1.0, "codes": 1.0}
    words = WordsQuery(state.dialect, frequencies, weights, 2.0, query, apart=apart)
    hits = state.searcher.search(words.required(), 100, count=False).hits
    ordinals = state.searcher.fast_field_values("ord", [address for _, address in hits])
    return dict(
        zip(ids(state, np.array(ordinals, np.int32)), (score for score, _ in hits), strict=True)
    )


@pytest.fixture(scope="module")
def furniture(tmp_path_factory: pytest.TempPathFactory) -> IndexState:
    data = tmp_path_factory.mktemp("furniture")
    sofas = [Product(f"sofa{i}", "Leather sofa") for i in range(8)]
    others = [
        Product("couch", "Leather couch"),
        Product("both", "Leather sofa couch"),
        Product("stick", "Memory stick"),
        Product("drive", "Flash drive"),
        Product("flash", "Camera flash"),
        Product("screen", "Monitor 15.6in"),
        Product("written", "Monitor 15.6 in"),
    ]
    build(data, [*sofas, *others])
    return state_of(data)


def test_other_words_count_for_every_word_and_rank_below(furniture: IndexState) -> None:
    query = asked("leather sofa", Alternative(("sofa",), ("couch",), 0.8))
    scores = required(furniture, query)
    assert set(scores) == {"couch", "both", *(f"sofa{i}" for i in range(8))}
    assert scores["couch"] < scores["sofa0"]
    assert found(furniture, query)[-1] == "couch"


def test_a_rarer_word_never_outscores_the_words_of_the_query(furniture: IndexState) -> None:
    scores = required(furniture, asked("sofa", Alternative(("sofa",), ("couch",), 1.0)))
    assert scores["couch"] <= scores["sofa0"] * 1.0001


def test_several_words_stand_for_several(furniture: IndexState) -> None:
    query = asked("flash drive", Alternative(("flash", "drive"), ("memory", "stick"), 0.9))
    assert list(required(furniture, query)) == ["drive", "stick"]
    assert set(found(furniture, query)) == {"drive", "stick", "flash"}


@pytest.mark.parametrize(
    ("text", "words", "instead"),
    [
        ("monitor 15.6 in", ("15.6", "in"), ("15.6in",)),
        ("monitor 15.6in", ("15.6in",), ("15.6", "in")),
    ],
)
def test_a_measure_is_found_however_it_is_written(
    furniture: IndexState, text: str, words: tuple[str, ...], instead: tuple[str, ...]
) -> None:
    query = asked(text, Alternative(words, instead))
    assert set(required(furniture, query)) == {"screen", "written"}


@pytest.mark.parametrize("instead", [(), ("nowhere",), ("couch", "nowhere")])
def test_an_alternative_that_cannot_be_had_changes_nothing(
    furniture: IndexState, instead: tuple[str, ...]
) -> None:
    plain, query = asked("sofa"), asked("sofa", Alternative(("sofa",), instead, 0.5))
    assert required(furniture, query) == required(furniture, plain)
    assert found(furniture, query) == found(furniture, plain)


def reads(product: Product, words: Sequence[str], alternatives: Sequence[Alternative]) -> bool:
    """Whether a product has the words, or an alternative wherever it stands for some."""
    if not words:
        return True
    if has_every_word(product, words[0]) and reads(product, words[1:], alternatives):
        return True
    return any(
        tuple(words[: len(each.words)]) == each.words
        and all(has_every_word(product, word) for word in each.instead)
        and reads(product, words[len(each.words) :], alternatives)
        for each in alternatives
    )


@st.composite
def alternatives(draw: st.DrawFn) -> tuple[list[str], list[Alternative]]:
    words = draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=4, unique=True))
    made = []
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(words) - 1))
        end = draw(st.integers(start + 1, len(words)))
        instead = draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=2, unique=True))
        weight = draw(st.sampled_from([0.3, 1.0]))
        made.append(Alternative(tuple(words[start:end]), tuple(instead), weight))
    return words, made


@given(drawn=alternatives(), place=st.integers(0, 2))
def test_every_reading_of_overlapping_alternatives_is_found(
    shops: list[Shop], drawn: tuple[list[str], list[Alternative]], place: int
) -> None:
    words, made = drawn
    shop = shops[place]
    query = asked(" ".join(words), *made)
    expected = {p.id for p in shop.products if reads(p, words, made)}
    scores = required(shop.state, query)
    assert set(scores) == expected
    plain = required(shop.state, asked(" ".join(words)))
    assert all(scores[product] >= plain[product] * 0.999 for product in plain)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("search.engines.local.words._WORTH", 0)  # whatever it reads
        apart = required(shop.state, query, apart=True)
    assert apart == pytest.approx(scores, rel=1e-6)
    assert expected <= set(found(shop.state, query))


def test_alternatives_count_in_facets(tmp_path: Path) -> None:
    build(tmp_path, [Product("a", "Sofa", brand="Bo"), Product("b", "Couch", brand="Bo")])
    state = state_of(tmp_path)
    query = asked("sofa", Alternative(("sofa",), ("couch",), 0.5))
    total, (facet,) = state.facets(query, (), np.empty(0, np.int32), ("brand",))
    assert (total, facet.values[0].count) == (2, 2)


def test_an_alternative_of_one_word_is_found_when_few_have_every_word(
    furniture: IndexState,
) -> None:
    query = asked("camera sofa drive", Alternative(("sofa",), ("couch",), 0.5))
    assert "couch" in found(furniture, query)
