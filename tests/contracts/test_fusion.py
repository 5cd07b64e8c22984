"""What every fusion must do, run over the registry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.fusion import FUSIONS
from search.settings import FusionSettings
from search.types import Ranking

LIMIT = 50


@st.composite
def rankings(draw: st.DrawFn) -> Ranking:
    ordinals = draw(st.lists(st.integers(0, 40), unique=True, max_size=30))
    scores = draw(
        st.lists(st.floats(0.125, 32, width=32), min_size=len(ordinals), max_size=len(ordinals))
    )
    falling = np.sort(np.array(scores, np.float32))[::-1].copy()
    return Ranking(np.array(ordinals, np.int32), falling)


@pytest.mark.parametrize("name", FUSIONS)
@given(words=rankings(), meaning=rankings())
def test_merges_each_document_once_best_first(name: str, words: Ranking, meaning: Ranking) -> None:
    fuse = FUSIONS[name](FusionSettings())
    fused = fuse({"words": words, "meaning": meaning}, LIMIT)
    everything = set(words.ordinals.tolist()) | set(meaning.ordinals.tolist())
    assert set(fused.ordinals.tolist()) == everything
    assert len(fused) == len(everything)
    order = list(zip((-fused.scores).tolist(), fused.ordinals.tolist(), strict=True))
    assert order == sorted(order)
    assert fused.ordinals.dtype == np.int32
    assert fused.scores.dtype == np.float32


@pytest.mark.parametrize("name", FUSIONS)
@given(words=rankings())
def test_one_retriever_alone_keeps_its_order(name: str, words: Ranking) -> None:
    fused = FUSIONS[name](FusionSettings())({"words": words}, LIMIT)
    ranks = {int(o): i for i, o in enumerate(words.ordinals)}
    scores = words.scores[[ranks[int(o)] for o in fused.ordinals]]
    assert (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("name", FUSIONS)
def test_keeps_the_best_when_limited(name: str) -> None:
    both = Ranking(np.arange(20, dtype=np.int32), np.linspace(9, 1, 20, dtype=np.float32))
    fused = FUSIONS[name](FusionSettings())({"words": both, "meaning": both}, 3)
    assert fused.ordinals.tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", FUSIONS)
def test_agreement_of_both_retrievers_wins(name: str) -> None:
    words = Ranking(np.array([1, 2], np.int32), np.array([10, 9.9], np.float32))
    meaning = Ranking(np.array([2, 3], np.int32), np.array([0.9, 0.8], np.float32))
    fused = FUSIONS[name](FusionSettings())({"words": words, "meaning": meaning}, LIMIT)
    assert fused.ordinals[0] == 2


@pytest.mark.parametrize("name", FUSIONS)
def test_nothing_in_nothing_out(name: str) -> None:
    empty = {"words": Ranking.empty(), "meaning": Ranking.empty()}
    assert len(FUSIONS[name](FusionSettings())(empty, LIMIT)) == 0
