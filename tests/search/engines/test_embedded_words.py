"""Search by words: what is found, what comes first, and what happens when nothing has all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.engines.embedded.engine import EmbeddedEngine
from search.engines.embedded.state import IndexState
from search.errors import BadInput
from search.settings import Settings, WordsSettings
from search.types import Product
from tests.search.engines.shops import build, ids, state_of, understood

PRODUCTS = [
    Product("kettle", "Red kettle with a whistle", description="Boils water"),
    Product("kettles", "Two kettles"),
    Product("phones", "Sony WH-1000XM4 headphones"),
    Product("case", "Case for WH1000XM4"),
    Product("lamp", "Red lamp"),
]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> IndexState:
    data = tmp_path_factory.mktemp("words")
    build(data, PRODUCTS)
    return state_of(data)


def found(state: IndexState, text: str) -> list[str]:
    return ids(state, state.words(understood(text), (), 10).ranking.ordinals)


def test_plural_and_singular_meet(state: IndexState) -> None:
    assert set(found(state, "kettle")) == set(found(state, "KETTLES")) == {"kettle", "kettles"}


@pytest.mark.parametrize("text", ["wh-1000xm4", "WH1000XM4", "wh 1000xm4"])
def test_a_model_number_is_found_however_it_is_split(state: IndexState, text: str) -> None:
    assert set(found(state, text)) >= {"phones", "case"}


def test_products_with_every_word_come_first(state: IndexState) -> None:
    matches = state.words(understood("red kettle"), (), 10)
    assert ids(state, matches.ranking.ordinals)[0] == "kettle"
    assert set(found(state, "red kettle")) == {"kettle", "kettles", "lamp"}
    assert matches.relaxation == "none"


def test_asking_for_fewer_words_is_said(state: IndexState) -> None:
    matches = state.words(understood("lamp headphones"), (), 10)
    assert set(ids(state, matches.ranking.ordinals)) == {"lamp", "phones"}
    assert matches.relaxation == "fewer_words"


def test_a_misspelled_word_finds_its_neighbor(state: IndexState) -> None:
    assert set(found(state, "ketle")) == {"kettle", "kettles"}
    assert found(state, "lmp") == []  # too short to guess


@given(st.text(st.sampled_from("+-*:()[]{}^~\"\\/!&|<>=?' AND OR NOT TO kettle"), max_size=40))
def test_query_syntax_means_nothing(state: IndexState, text: str) -> None:
    plain = "".join(c if c.isalnum() else " " for c in text)
    assert set(found(state, text)) <= {p.id for p in PRODUCTS}
    assert found(state, "kettle " + " ".join(plain.split()))[:1] != []


@given(st.text(max_size=200))
def test_any_text_gives_a_ranking(state: IndexState, text: str) -> None:
    ranking = state.words(understood(text), (), 3).ranking
    assert len(ranking) <= 3
    assert len(set(ranking.ordinals.tolist())) == len(ranking)
    assert (np.diff(ranking.scores) <= 0).all()


@pytest.mark.parametrize("weights", [{"titel": 1.0}, {"codes": 1.0}, {"all": 0.0}])
def test_weights_the_index_cannot_use_are_refused(
    tmp_path: Path, weights: dict[str, float]
) -> None:
    with pytest.raises(BadInput, match=r"words\.weights"):
        EmbeddedEngine(Settings(data=tmp_path, words=WordsSettings(weights=weights)))
