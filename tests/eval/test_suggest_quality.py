"""Scoring suggestions: ranks, floors, keystrokes, and the labels' file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from eval.suggest_quality import (
    SuggestLabel,
    evaluate_suggestions,
    figure,
    load_suggest_labels,
    rank_of,
    saved_share,
)
from search.errors import BadInput

ENTRIES = ("kettle", "kettle bell", "Men's Shoes", "mug")


def by_prefix(prefix: str) -> Sequence[str]:
    return [text for text in ENTRIES if text.lower().startswith(prefix.lower())]


@pytest.mark.parametrize(
    ("expected", "rank"),
    [
        (("kettle",), 1),
        (("KETTLES",), 1),
        (("kettle-bells",), 2),
        (("nothing", "kettle bell"), 2),
        (("mug",), None),
    ],
)
def test_a_rank_is_that_of_any_accepted_text(expected: tuple[str, ...], rank: int | None) -> None:
    assert rank_of(SuggestLabel("ket", expected), by_prefix("ket")) == rank


def test_only_the_first_ten_count() -> None:
    suggested = [f"other {i}" for i in range(10)] + ["kettle"]
    assert rank_of(SuggestLabel("k", ("kettle",)), suggested) is None


def test_figures_of_a_system_and_a_floor() -> None:
    labels = (
        SuggestLabel("ket", ("kettle",)),
        SuggestLabel("kettle", ("kettle bell",)),
        SuggestLabel("zzz", ("zebra",)),
    )
    report = evaluate_suggestions(
        labels,
        {"prefix": by_prefix, "nothing": lambda prefix: ()},
        suggestions=3,
        without_results=["mug"],
    )
    quality = report.systems["prefix"]
    assert quality.hit_1.mean == pytest.approx(1 / 3)
    assert quality.hit_5.mean == pytest.approx(2 / 3)
    assert quality.mrr_10.mean == pytest.approx(0.5)
    assert quality.answered.mean == pytest.approx(2 / 3)
    assert quality.hit_1.low <= quality.hit_1.mean <= quality.hit_1.high
    assert report.systems["nothing"].hit_10.mean == 0
    assert [label.prefix for label in report.missed] == ["zzz"]
    assert report.without_results == ("mug",)


def test_keystrokes_saved_are_those_after_it_is_suggested() -> None:
    assert saved_share(SuggestLabel("?", ("mug",)), by_prefix) == pytest.approx(2 / 3)
    assert saved_share(SuggestLabel("?", ("zebra",)), by_prefix) == 0


def test_a_figure_without_spread_has_no_interval() -> None:
    assert (figure([1.0] * 9).low, figure([1.0] * 9).high) == (1.0, 1.0)
    wide = figure([0.0, 1.0] * 20)
    assert wide.low < 0.5 < wide.high


def test_labels_are_read_with_their_choices(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text('prefix,expected\nket,kettle| kettles \n"a, b",c\n', "utf-8")
    assert load_suggest_labels(path) == (
        SuggestLabel("ket", ("kettle", "kettles")),
        SuggestLabel("a, b", ("c",)),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query,expected\na,b\n", "no column prefix"),
        ("prefix,expected\n", "holds no labels"),
        ("prefix,expected\nket,\n", "line 2: prefix or expected is empty"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_says_how_to_mend_it(
    tmp_path: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "labels.csv"
    if text is not None:
        path.write_text(text, "utf-8")
    with pytest.raises(BadInput, match=message):
        load_suggest_labels(path)


@pytest.mark.parametrize("name", ["shop", "esci"])
def test_the_bundled_labels_can_be_read(name: str) -> None:
    labels = load_suggest_labels(Path("fixtures/labels") / f"{name}_suggest.csv")
    assert len(labels) >= 60
