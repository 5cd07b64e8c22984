"""Rankings are put in order exactly as sorting by two keys would."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from search.ordering import best_first, summed
from search.types import Ordinals, Scores

Found = tuple[Ordinals, Scores]


@st.composite
def found(draw: st.DrawFn, *, repeated: bool = False) -> Found:
    few_values = st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.5, np.inf, -np.inf])
    score = few_values | st.floats(width=32, allow_nan=False)
    ordinals = draw(st.lists(st.integers(0, 2**31 - 1) | st.integers(0, 9), unique=not repeated))
    scores = draw(arrays(np.float32, len(ordinals), elements=score))
    return np.array(ordinals, np.int32), scores


def sorted_by_two(ordinals: Ordinals, scores: Scores, limit: int) -> list[tuple[int, float]]:
    order = np.lexsort((ordinals, -scores))[:limit]
    return list(zip(ordinals[order].tolist(), scores[order].tolist(), strict=True))


@given(found(), st.integers(0, 30))
def test_the_best_come_first_and_of_equals_the_lower_ordinal(given: Found, limit: int) -> None:
    ranking = best_first(*given, limit)
    shown = list(zip(ranking.ordinals.tolist(), ranking.scores.tolist(), strict=True))
    assert shown == sorted_by_two(*given, limit)
    assert ranking.ordinals.dtype == np.int32
    assert ranking.scores.dtype == np.float32


def test_what_is_no_number_comes_last() -> None:
    scores = np.array([np.nan, -np.inf, -np.nan, 3], np.float32)
    assert best_first(np.array([4, 3, 2, 1], np.int32), scores, 4).ordinals.tolist() == [1, 3, 2, 4]


@given(found(repeated=True).filter(lambda each: bool(np.isfinite(each[1]).all())))
def test_scores_of_one_product_add_up(given: Found) -> None:
    ordinals, scores = given
    distinct, inverse = np.unique(ordinals, return_inverse=True)
    with np.errstate(over="ignore"):
        sums = np.bincount(inverse, scores, len(distinct)).astype(np.float32)
    ranking = summed(ordinals, scores, len(ordinals))
    shown = list(zip(ranking.ordinals.tolist(), ranking.scores.tolist(), strict=True))
    assert shown == sorted_by_two(distinct, sums, len(distinct))


def test_scores_are_added_exactly_and_rounded_once() -> None:
    thrice = np.full(3, 7, np.int32)
    scores = np.array([1.0, 2.0**-24, 2.0**-24], np.float32)
    assert summed(thrice, scores, 1).scores.tolist() == [float(np.float32(1 + 2.0**-23))]
