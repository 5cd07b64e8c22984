"""How much two lists agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.experiments.agreement import overlap, rank_biased_overlap

items = st.lists(st.sampled_from("abcdefghijkl"), unique=True, max_size=10)


@given(items, items)
def test_agreement_is_symmetric_within_bounds_and_whole_for_the_same(
    one: list[str], other: list[str]
) -> None:
    for measure in (overlap, rank_biased_overlap):
        value = measure(one, other)
        assert value == pytest.approx(measure(other, one))
        assert -1e-9 <= value <= 1 + 1e-9
        assert measure(one, one) == pytest.approx(1)
        apart = [each.upper() for each in other]
        assert measure(one, apart) == (1 if not one and not other else 0)


def test_the_first_places_weigh_most() -> None:
    same = list("abcdefghij")
    first, last = list("bacdefghij"), list("abcdefghji")
    assert rank_biased_overlap(same, first) < rank_biased_overlap(same, last) < 1
    assert overlap(same, first) == 1
    # By hand: (1 - p) / p · (0 + p²) + p² with p = .9.
    assert rank_biased_overlap("ab", "ba") == pytest.approx(0.9)
    # Of uneven length: (1 - p) / p · (p + (1 + 1/2) / 2 · p² ...) as in equation 32.
    p = 0.9
    by_hand = (1 - p) / p * (p + p**2 / 2 + 1 * (2 - 1) / (1 * 2) * p**2) + (0 + 1) * p**2
    assert rank_biased_overlap("a", "ab") == pytest.approx(by_hand)
