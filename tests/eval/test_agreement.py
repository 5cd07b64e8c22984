"""Krippendorff's α: published values, a plain reference, and what is not defined."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from eval.agreement import LEVELS, Level, coincidences, krippendorff_alpha
from search.errors import BadInput

NAN = float("nan")


def table(*rows: str) -> NDArray[np.float64]:
    """One row of digits a rater; a dot is a missing rating."""
    return np.array([[NAN if each == "." else float(each) for each in row] for row in rows])


# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers,
# twelve units; sections C and D compute its coefficients.
FOUR = table("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
# The example of Wikipedia's article on it: three coders, fifteen units.
THREE = table(".....34121133.3", "1.213343.......", "..21344.21133.4")


def reference(ratings: NDArray[np.float64], level: Level) -> Fraction | None:
    """Straight from the definition: every ordered pair of ratings, in fractions."""
    units = [[Fraction(each) for each in column if not math.isnan(each)] for column in ratings.T]
    units = [unit for unit in units if len(unit) > 1]
    every = [each for unit in units for each in unit]

    def difference(c: Fraction, k: Fraction) -> Fraction:
        if level == "nominal":
            return Fraction(c != k)
        if level == "interval":
            return (c - k) ** 2
        low, high = min(c, k), max(c, k)
        between = sum(low <= each <= high for each in every)
        return (
            (between - Fraction(every.count(c) + every.count(k), 2)) ** 2 if c != k else Fraction(0)
        )

    expected = sum((difference(a, b) for a, b in permutations(every, 2)), Fraction(0))
    if not expected:
        return None
    observed = Fraction(0)
    for unit in units:
        for a, b in permutations(unit, 2):
            observed += difference(a, b) / (len(unit) - 1)
    return 1 - (len(every) - 1) * observed / expected


@pytest.mark.parametrize(
    ("ratings", "level", "published"),
    [
        (FOUR, "nominal", 0.743),
        (FOUR, "ordinal", 0.815),
        (FOUR, "interval", 0.849),
        (THREE, "nominal", 0.691),
        (THREE, "interval", 0.811),
    ],
)
def test_published_examples_come_out(
    ratings: NDArray[np.float64], level: Level, published: float
) -> None:
    found = krippendorff_alpha(ratings, level)
    assert found.alpha is not None
    assert found.alpha == pytest.approx(published, abs=5e-4)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.alpha <= found.high


@given(
    st.integers(2, 4).flatmap(
        lambda raters: st.lists(
            st.lists(st.sampled_from([0, 1, 2, 3, NAN]), min_size=raters, max_size=raters),
            min_size=1,
            max_size=7,
        )
    ),
    st.sampled_from(LEVELS),
)
def test_alpha_is_that_of_the_definition(columns: list[list[float]], level: Level) -> None:
    ratings = np.array(columns, float).T
    found = krippendorff_alpha(ratings, level, repeats=20)
    expected = reference(ratings, level)
    if expected is None:
        assert found.alpha is None
        assert found.reason
    else:
        assert found.alpha == pytest.approx(float(expected), abs=1e-12)


def test_who_rated_and_in_which_order_does_not_matter() -> None:
    turned = FOUR[::-1, ::-1]
    again, whole = krippendorff_alpha(turned), krippendorff_alpha(FOUR)
    assert again.alpha == pytest.approx(whole.alpha, abs=1e-12)
    assert (whole.raters, whole.units, whole.ratings) == (4, 11, 40)


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        (table("0123"), "agreement needs two raters"),
        (table("0123", "...."), "agreement needs two raters"),
        (table("01..", "..23"), "no two raters rated the same unit"),
        (
            table("2222", "2222"),
            "every rating is the same, so agreement cannot be told from chance",
        ),
        (np.empty((0, 3)), "agreement needs two raters"),
        (np.empty((2, 0)), "agreement needs two raters"),
    ],
)
def test_what_tells_nothing_of_agreement_has_no_alpha(
    ratings: NDArray[np.float64], reason: str
) -> None:
    found = krippendorff_alpha(ratings)
    assert (found.alpha, found.low, found.high, found.reason) == (None, None, None, reason)


def test_a_single_unit_has_an_alpha_but_no_interval() -> None:
    found = krippendorff_alpha(table("1.", "2."))
    assert (found.alpha, found.low, found.units) == (0, None, 1)
    assert "no interval" in found.reason


def test_perfect_agreement_is_one_and_dealt_grades_are_near_zero() -> None:
    rng = np.random.default_rng(3)
    grades = rng.integers(0, 4, 400).astype(float)
    assert krippendorff_alpha(np.stack([grades, grades])).alpha == 1
    dealt = krippendorff_alpha(rng.integers(0, 4, (3, 400)).astype(float))
    assert dealt.low is not None
    assert dealt.high is not None
    assert dealt.low < 0 < dealt.high


def test_the_interval_covers_what_many_units_show() -> None:
    rng = np.random.default_rng(11)

    def world(units: int) -> NDArray[np.float64]:
        truth = rng.integers(0, 4, units)
        seen = [np.where(rng.random(units) < 0.7, truth, rng.integers(0, 4, units)) for _ in "ab"]
        return np.array(seen, float)

    true = krippendorff_alpha(world(60_000), repeats=1).alpha
    found = [krippendorff_alpha(world(120), repeats=300, seed=n) for n in range(200)]
    covered = sum(each.low <= true <= each.high for each in found)  # type: ignore[operator]
    assert 180 <= covered <= 199


def test_units_that_belong_together_are_drawn_together() -> None:
    rng = np.random.default_rng(5)
    # A query that raters understand differently is graded differently throughout.
    understood = np.repeat(rng.random(20) < 0.5, 10)
    first = rng.integers(0, 4, 200)
    ratings = np.stack([first, np.where(understood, first, 3 - first)]).astype(float)
    alone = krippendorff_alpha(ratings)
    together = krippendorff_alpha(ratings, groups=[str(n // 10) for n in range(200)])
    assert alone.alpha == together.alpha
    assert (alone.groups, together.groups) == (200, 20)
    assert None not in (alone.low, alone.high, together.low, together.high)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)  # type: ignore[operator]


def test_coincidences_count_pairs_of_grades() -> None:
    found = coincidences(table("01.", "02.", "013"), (0, 1, 2, 3))
    assert found.tolist() == [[3, 0, 0, 0], [0, 1, 2, 0], [0, 2, 0, 0], [0, 0, 0, 0]]


def test_tables_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(BadInput, match="raters by units"):
        krippendorff_alpha(np.zeros(3))
    with pytest.raises(BadInput, match="infinite"):
        krippendorff_alpha(np.array([[1, math.inf], [1, 2]]))
    with pytest.raises(BadInput, match="2 groups for 3 units"):
        krippendorff_alpha(np.zeros((2, 3)), groups=["a", "b"])
