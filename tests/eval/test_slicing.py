"""Queries are divided by what the shop knows of them; each part says how many it holds."""

from __future__ import annotations

import pytest

from eval import Judgments, by_category, by_frequency, by_length, evaluate, report_json


def test_length_counts_words() -> None:
    assert by_length(["tv", "red  shoe", "a b c d e f"]) == {
        "tv": "1 word",
        "red  shoe": "2 words",
        "a b c d e f": "5 words or more",
    }


def test_frequency_is_the_share_of_searches_before_a_query() -> None:
    counts = {"shoe": 60.0, "TV": 30.0, "lamp": 6.0, "kettle": 4.0, "nothing": 0.0}
    asked = ["Shoe", "tv", "lamp", "kettle", "nothing", "new"]
    assert by_frequency(asked, counts) == {
        "Shoe": "head",
        "tv": "torso",
        "lamp": "tail",
        "kettle": "tail",
        "nothing": "never searched",
        "new": "never searched",
    }
    assert by_frequency(["a"], {}) == {"a": "never searched"}


def test_a_query_belongs_where_most_of_its_gain_is_and_small_categories_go_together() -> None:
    categories = {"a": "Shoes", "b": "Shoes", "c": "Lamps"}
    gains = {"q": {"a": 0.4, "b": 0.4, "c": 0.5}, "r": {"c": 1.0, "a": 0.0}, "s": {"z": 1.0}}
    assert by_category(gains, categories) == {"q": "Shoes", "r": "Lamps"}
    many = {f"q{i:02}": {f"p{i}": 1.0} for i in range(12)}
    found = by_category(many, {f"p{i}": f"c{i:02}" for i in range(12)})
    assert [found["q09"], found["q10"], found["q11"]] == ["c09", "other", "other"]


def test_parts_have_their_queries_means_and_differences() -> None:
    gains = {"one": {"p": 1.0}, "two words": {"p": 1.0}, "two more": {"p": 1.0}, "bad": {"p": 0.0}}
    runs = {
        "a": {"one": ["p"], "two words": ["p"], "two more": ["p"]},
        "b": {"one": ["o", "p"], "two words": ["p"], "two more": ["p"]},
    }
    labels = {"length": by_length(list(gains))}
    report = evaluate(Judgments(gains, {"one": "brand"}), runs, metrics=["rr"], labels=labels)
    parts = report.by["length"]
    assert {part: each.queries for part, each in parts.items()} == {"1 word": 1, "2 words": 2}
    [difference] = parts["1 word"].differences
    assert (difference.delta, difference.low, difference.high) == (0.5, -1.0, 1.0)
    assert parts["2 words"].systems["b"]["mrr"].mean == 1.0
    assert report.slices == report.by["kind"]
    values = report_json(report)
    assert values["by"]["length"]["2 words"]["queries"] == 2
    assert values["slices"]["brand"]["systems"]["a"]["mrr"]["mean"] == pytest.approx(1.0)


def test_coverage_counts_answers_and_relevant_products_found() -> None:
    gains = {"q": {"a": 1.0, "b": 0.2, "c": 0.0}, "r": {"a": 1.0}, "none": {"a": 0.0}}
    report = evaluate(Judgments(gains), {"s": {"q": ["x", "b", "c"], "none": ["a"]}})
    assert report_json(report)["coverage"]["s"] == {
        "queries": 2,
        "answered": 1,
        "relevant": 3,
        "retrieved": 1,
        "answered_share": 0.5,
        "retrieved_share": pytest.approx(1 / 3),
    }
