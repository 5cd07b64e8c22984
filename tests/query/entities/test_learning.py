from __future__ import annotations

import numpy as np
import pytest

from query.entities.calibration import NEVER, SHARE_ALONE, calibrate, filter_threshold
from query.entities.candidates import FEATURES
from query.entities.keys import key
from query.entities.product_types import AUDIENCES
from query.entities.rewriter import Entities
from query.entities.sizes import learn_sizes
from query.entities.titles import analyze


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Wine Glasses", "wine glass"),
        ("Knives", "knife"),
        ("Levi's", "levis"),
        ("Grey", "gray"),
        ("Desk & Dune", "desk and dune"),
        ("TP-Link", "tp link"),
        ("women's shoes", "womens shoe"),
    ],
)
def test_ways_to_write_one_value_meet(one: str, other: str) -> None:
    assert key(one) == key(other)


def test_a_title_ends_its_phrases_at_punctuation_prepositions_and_numbers() -> None:
    title = analyze("Floor Lamp with Shade, 135 cm")
    assert title.words == ("floor", "lamp", "with", "shade", "135", "cm")
    assert title.ends == (False, True, False, True, True, True)
    assert title.tail == (False, False, True, True, False, False)


def test_a_hyphen_holds_words_together_and_a_dash_parts_them() -> None:
    assert analyze("USB-C Cable - Black").ends == (False, False, True, True)


def test_kinds_of_thing_are_learned_from_titles_and_series_are_not(shop_entities: Entities) -> None:
    kinds = {form for v in shop_entities.values if v.type == "product_type" for form in v.forms}
    assert {"floor lamp", "rucksack", "beanie", "water bottle", "office chair mat"} <= kinds
    assert kinds.isdisjoint({"fjell", "juno", "crimson", "onyx", "size", *AUDIENCES})


def test_sizes_are_those_the_titles_set_apart() -> None:
    titles = [analyze(f"Shirt {i}, XL, blue") for i in range(9)]
    titles += [analyze("Full grain leather belt")] * 9
    assert learn_sizes(titles) == {"xl": 1.0}


def test_probabilities_are_calibrated_on_what_was_not_learned_from() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 8000)
    right = rng.random(8000) < 1 / (1 + np.exp(-2 * logits))
    rows = [(x, *(0.0 for _ in FEATURES[1:])) for x in logits]
    learned = calibrate(rows[:6000], list(right[:6000]), seed=1)
    sure = np.array([learned.probability(row) for row in rows[6000:]])
    bins = (sure * 10).astype(int)
    gaps = [abs((sure - right[6000:])[bins == b].sum()) for b in range(10)]
    assert sum(gaps) / len(sure) < 0.03
    assert abs(learned.probability(rows[0]) - 1 / (1 + np.exp(-2 * logits[0]))) < 0.1


def test_too_few_examples_leave_the_share_itself() -> None:
    assert calibrate([(0.0,) * len(FEATURES)] * 5, [True] * 5, seed=0) is SHARE_ALONE


def test_a_type_filters_only_where_that_keeps_nearly_everything() -> None:
    sure = [0.99] * 1000
    assert filter_threshold(sure, [True] * 1000, filled=1.0) == pytest.approx(0.9)
    assert filter_threshold(sure, [True] * 960 + [False] * 40, filled=1.0) == NEVER
    assert filter_threshold(sure, [True] * 1000, filled=0.8) == NEVER
    assert filter_threshold([0.99] * 20, [True] * 20, filled=1.0) == NEVER
