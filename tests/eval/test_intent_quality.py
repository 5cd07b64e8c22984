"""Scoring kinds and categories of queries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval.intent_quality import (
    IntentLabel,
    calibration_error,
    categories_from_judgments,
    is_right,
    load_intents,
    score_intents,
)
from search.errors import BadInput
from search.types import CategoryProbability, Query

LABELS = Path(__file__).parents[2] / "fixtures" / "labels"
PANTS = ("Wear", "Men", "Pants")


def _found(*path: str, probability: float = 0.9) -> CategoryProbability:
    return CategoryProbability(path, probability)


@pytest.mark.parametrize(
    ("path", "right"),
    [
        (PANTS, True),
        (("Wear", "Men"), True),
        ((*PANTS, "Chinos"), True),
        (("Wear",), False),
        (("Wear", "Women"), False),
        ((), False),
    ],
)
def test_a_category_is_right_on_the_line_of_the_labelled_one(
    path: tuple[str, ...], right: bool
) -> None:
    assert is_right(IntentLabel("chinos", "category", (PANTS,)), _found(*path)) is right


def test_a_department_is_right_when_it_is_what_was_labelled() -> None:
    assert is_right(IntentLabel("home", "category", (("Home",),)), _found("Home"))


def test_figures_count_only_what_can_be_counted() -> None:
    labels = [
        IntentLabel("pants", "category", (PANTS,)),
        IntentLabel("shirt", "category", (("Wear", "Shirts"),)),
        IntentLabel("acme", "brand"),
        IntentLabel("socks", "category", (("Wear", "Socks"),)),
    ]
    understood = [
        Query("pants", intent="category", intent_probability=0.8, categories=(_found(*PANTS),)),
        Query("shirt", intent="brand", intent_probability=0.6, categories=(_found(*PANTS),)),
        Query("acme", intent="brand", intent_probability=0.9, categories=(_found(*PANTS),)),
        Query("socks", intent="category", intent_probability=0.9),
    ]
    quality = score_intents(labels, understood)
    assert quality.accuracy is not None
    assert quality.coverage is not None
    assert quality.category is not None
    assert quality.accuracy.mean == pytest.approx(0.75)
    assert quality.category_queries == 3
    assert quality.coverage.mean == pytest.approx(2 / 3)
    assert quality.category.mean == pytest.approx(0.5)
    assert quality.calibration_error == pytest.approx(0.4)
    assert quality.confusion["category as brand"] == 1
    assert len(quality.wrong) == 2


def test_calibration_is_perfect_when_chances_come_true() -> None:
    chances = [0.25] * 4 + [0.75] * 4
    right = np.array([1, 0, 0, 0, 1, 1, 1, 0], float)
    assert calibration_error(chances, right, 2) == pytest.approx(0)
    assert calibration_error(chances, 1 - right, 2) == pytest.approx(0.5)
    assert calibration_error([], np.zeros(0), 2) is None


def test_acceptable_categories_come_from_the_best_rated() -> None:
    paths = {"a": PANTS, "b": PANTS, "c": ("Wear", "Socks"), "d": ("Home", "Beds")}
    labels = categories_from_judgments(
        {"pants": {"a": 3, "b": 3, "c": 3, "d": 1}, "none": {"a": 0}, "lost": {"x": 3}},
        lambda product: paths.get(product, ()),
    )
    assert [label.query for label in labels] == ["pants"]
    assert set(labels[0].categories) == {PANTS, ("Wear", "Socks")}


def test_labels_are_read_by_part(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("query,intent,category,part\na,brand,,one\nb,category,A > B|C,two\n")
    assert len(load_intents(path)) == 2
    (label,) = load_intents(path, "two")
    assert label.categories == (("A", "B"), ("C",))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("query\na\n", "no column intent"),
        ("query,intent\na,shoes\n", "line 2: 'shoes' is no kind of query"),
        ("query,intent\n,brand\n", "line 2: query is empty"),
        ("query,intent\n", "holds no labels"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=problem):
        load_intents(path)


@pytest.mark.parametrize("name", ["esci", "icecat", "shop"])
def test_the_label_sets_have_all_kinds_in_both_parts(name: str) -> None:
    for part in ("development", "final"):
        labels = load_intents(LABELS / f"{name}_intent.csv", part)
        assert len({label.intent for label in labels}) == 6
