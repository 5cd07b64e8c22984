"""What a cross-encoder read is remembered, and asked of it once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from search.reader import CachedScorer, Reader
from search.settings import Settings
from tests.search.test_reading import Scorer


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.lists(st.sampled_from(["", "x", "yy", "zzz"]))),
        max_size=8,
    ),
    st.integers(1, 5),
)
def test_remembered_scores_are_those_given(asked: list[tuple[str, list[str]]], size: int) -> None:
    scorer = Scorer(lambda query, text: ord(query) + len(text))
    remembering = CachedScorer(scorer, size)
    for query, texts in asked:
        found = remembering.scores(query, texts)
        assert found.dtype == np.float32
        assert found.tolist() == [ord(query) + len(text) for text in texts]


def test_pairs_that_were_read_lately_are_not_read_again() -> None:
    scorer = Scorer()
    remembering = CachedScorer(scorer, 3)
    for texts in (["x", "yy"], ["yy", "zzz", "x"], ["four"], ["zzz", "yy"]):
        remembering.scores("kettle", texts)
    assert [list(texts) for _, texts in scorer.asked] == [["x", "yy"], ["zzz"], ["four"], ["yy"]]


async def test_one_that_counts_nothing_is_not_asked() -> None:
    scorer = Scorer()
    scorer.weight = 0.0
    reader = Reader("mini-cross-1", lambda name: scorer, Settings())
    found = await reader.read("kettle", ["x", "yy"], 1.0)
    await reader.close()
    assert (found.scores.tolist(), found.worth) == ([0.0, 0.0], 0.0)
    assert list(scorer.asked) == []
