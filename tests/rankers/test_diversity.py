"""Maximal marginal relevance and caps, against the definition written out plainly."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rankers import diversity
from rankers.diversity import diversify
from search.types import Ranking


def unit(seed: int, rows: int, kinds: int = 6) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed)
    centers = drawn.normal(size=(kinds, 16))
    vectors = centers[drawn.integers(0, kinds, rows)] + 0.4 * drawn.normal(size=(rows, 16))
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths, np.float32)


def ranked(seed: int, rows: int) -> Ranking:
    scores = -np.sort(-np.random.default_rng(seed).exponential(size=rows)).astype(np.float32)
    return Ranking(np.arange(100, 100 + rows, dtype=np.int32), scores)


def columns(rows: int, count: int = 0) -> NDArray[np.int32]:
    return np.zeros((rows, count), np.int32)


def plainly(
    ranking: Ranking, vectors: NDArray[np.float32], strength: float, first: int
) -> list[int]:
    """Carbonell and Goldstein's definition, comparing all with all."""
    low, high = ranking.scores.min(), ranking.scores.max()
    relevance = (ranking.scores - low) / (high - low)
    similar = vectors @ vectors.T
    left, chosen = list(range(len(ranking))), [0]
    left.remove(0)
    while left and len(chosen) < first:
        best = max(
            left,
            key=lambda row: (1 - strength) * relevance[row] - strength * similar[row, chosen].max(),
        )
        chosen.append(best)
        left.remove(best)
    return [100 + row for row in chosen + left]


@pytest.mark.parametrize("strength", [0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("rows", [2, 30, 120])
def test_the_order_is_that_of_the_definition(strength: float, rows: int) -> None:
    for seed in range(5):
        ranking, vectors = ranked(seed, rows), unit(seed, rows)
        found = diversify(ranking, vectors, columns(rows), (), strength, first=50)
        assert found.ordinals.tolist() == plainly(ranking, vectors, strength, 50)


def test_no_strength_and_no_caps_change_nothing() -> None:
    ranking = ranked(1, 20)
    assert diversify(ranking, unit(1, 20), columns(20), (), 0.0) is ranking


def test_near_copies_give_way_to_others() -> None:
    same, other = [1.0, 0.0], [0.0, 1.0]
    vectors = np.array([same, same, same, other], np.float32)
    ranking = Ranking(np.arange(4, dtype=np.int32), np.array([1, 0.95, 0.9, 0.8], np.float32))
    found = diversify(ranking, vectors, columns(4), (), 0.5)
    assert found.ordinals.tolist() == [0, 3, 1, 2]
    assert found.scores.tolist() == ranking.scores.tolist()


def test_a_cap_holds_among_the_first_and_unknown_values_do_not_count() -> None:
    ranking = ranked(1, 8)
    groups = np.array([[1], [1], [1], [-1], [-1], [1], [2], [1]], np.int32)
    found = diversify(ranking, None, groups, (2,), 0.0, within=5)
    assert found.ordinals.tolist() == [100, 101, 103, 104, 106, 102, 105, 107]


def test_a_cap_gives_way_when_there_is_nothing_else() -> None:
    ranking = ranked(1, 4)
    found = diversify(ranking, None, columns(4, 1), (1,), 0.0)
    assert found.ordinals.tolist() == [100, 101, 102, 103]


@given(
    st.integers(0, 1000),
    st.integers(0, 60),
    st.floats(0, 1),
    st.lists(st.integers(1, 4), max_size=2),
    st.integers(1, 30),
)
def test_nothing_is_lost_or_doubled(
    seed: int, rows: int, strength: float, caps: list[int], within: int
) -> None:
    groups = np.random.default_rng(seed).integers(-1, 4, (rows, len(caps))).astype(np.int32)
    ranking = ranked(seed, rows)
    found = diversify(ranking, unit(seed, rows), groups, caps, strength, within=within)
    assert sorted(found.ordinals) == sorted(ranking.ordinals)
    assert found.scores.tolist() == ranking.scores.tolist()


def test_it_is_compiled_before_it_is_called_and_never_again() -> None:
    """What `search.build` has loaded is ready: compiling takes seconds, which no shopper waits."""
    code = (
        "import sys, search.build; kernel = sys.modules['rankers.diversity']._choose;"
        "assert len(kernel.signatures) == 1, kernel.signatures"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    before = list(diversity._choose.signatures)  # type: ignore[attr-defined]
    ranking, vectors = ranked(1, 30), unit(1, 30)
    vectors.setflags(write=False)
    groups = np.arange(60, dtype=np.int64).reshape(2, 30).T
    for rows, columns_, caps in (
        (vectors, columns(30), ()),
        (np.asfortranarray(vectors), groups, (1, 2)),
        (vectors.astype(np.float16), groups[:, :1], (1,)),
        (None, groups, (2, 1)),
    ):
        diversify(ranking, rows, columns_, caps, 0.3)  # type: ignore[arg-type]
    assert list(diversity._choose.signatures) == before  # type: ignore[attr-defined]
    assert len(before) == 1
