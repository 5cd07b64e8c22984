"""A report counts every judged query, gives every mean its interval, and compares every pair."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from eval import (
    Judgments,
    Run,
    evaluate,
    format_report,
    load_judgments,
    random_run,
    rank_by_score,
    report_json,
)
from eval.report import summary
from search.errors import BadInput


def shop(queries: int = 60, seed: int = 0) -> tuple[Judgments, dict[str, Run]]:
    """Judged queries and three systems: good, poor (the good one spoilt) and random."""
    rng = np.random.default_rng(seed)
    gains = {
        f"query {i:02}": {f"p{j}": float(rng.integers(0, 4)) for j in range(12)}
        for i in range(queries)
    }

    def noisy(noise: float) -> Run:
        return {
            q: rank_by_score({p: g + rng.normal(0, noise) for p, g in known.items()})
            for q, known in gains.items()
        }

    runs = {"good": noisy(0.5), "poor": noisy(2.0), "random": random_run(gains, 1)}
    kinds = {q: ("brand" if i % 3 else "type") for i, q in enumerate(gains)}
    return Judgments(gains, kinds), runs


def test_the_json_has_the_agreed_shape_and_is_plain() -> None:
    judgments, runs = shop()
    report = json.loads(json.dumps(report_json(evaluate(judgments, runs)), allow_nan=False))
    assert report["queries"] == 60
    assert list(report["systems"]) == ["good", "poor", "random"]
    for scores in report["systems"].values():
        assert list(scores) == ["ndcg@10", "condensed_ndcg@10", "judged@10", "recall@100", "mrr@10"]
        for interval in scores.values():
            assert set(interval) == {"mean", "low", "high"}
            assert 0 <= interval["low"] <= interval["mean"] <= interval["high"] <= 1
    for comparison in report["comparisons"]:
        assert {"a", "b", "metric", "delta", "low", "high", "p"} <= set(comparison)
    pairs = [(c["a"], c["b"]) for c in report["comparisons"] if c["metric"] == "mrr@10"]
    assert pairs == [("good", "poor"), ("good", "random"), ("poor", "random")]


def test_delta_is_a_minus_b_and_a_true_difference_is_found() -> None:
    judgments, runs = shop()
    report = evaluate(judgments, runs)
    first = report.comparisons[0]
    means = {name: system.scores["ndcg@10"].mean for name, system in report.systems.items()}
    assert (first.a, first.b, first.metric) == ("good", "poor", "ndcg@10")
    assert first.delta == pytest.approx(means["good"] - means["poor"])
    assert first.low > 0
    assert max(first.p, first.p_t, first.p_holm) < 0.01
    assert first.effect_size is not None
    assert first.effect_size > 0.5
    assert first.a_wins > first.b_wins


def test_the_queries_that_moved_most_are_named_both_ways_with_their_values() -> None:
    judgments, runs = shop()
    report = evaluate(judgments, runs)
    first = report.comparisons[0]
    good, poor = (report.systems[name].values["ndcg@10"] for name in ("good", "poor"))
    gap = dict(zip(report.queries, (good - poor).tolist(), strict=True))
    assert [m.query for m in first.a_better] == sorted(gap, key=lambda q: -gap[q])[:5]
    assert [m.query for m in first.b_better] == [
        q for q in sorted(gap, key=gap.__getitem__) if gap[q] < 0
    ][:5]
    assert first.b_better
    assert all(m.a - m.b == pytest.approx(gap[m.query]) for m in first.a_better)


def test_the_same_input_gives_the_same_report_and_order_of_systems_only_turns_signs() -> None:
    judgments, runs = shop()
    once = report_json(evaluate(judgments, runs))
    assert once == report_json(evaluate(judgments, runs))
    turned = evaluate(judgments, {"poor": runs["poor"], "good": runs["good"]}).comparisons[0]
    first = once["comparisons"][0]
    assert turned.delta == pytest.approx(-first["delta"])
    assert turned.p == first["p"]


def test_a_query_without_a_relevant_product_is_left_out_and_counted() -> None:
    gains = {"a": {"p": 1.0, "o": 0.0}, "b": {"p": 0.0}, "c": {"p": 1.0}}
    report = evaluate(Judgments(gains), {"s": {"a": ["p"], "b": ["p"], "c": ["p"]}})
    assert (report.queries, report.excluded_queries) == (("a", "c"), 1)
    assert report.systems["s"].scores["ndcg@10"].mean == 1.0


def test_unanswered_and_unjudged_queries_are_counted_and_the_first_score_0() -> None:
    gains = {"a": {"p": 1.0}, "b": {"p": 1.0}, "c": {"p": 1.0}}
    report = evaluate(Judgments(gains), {"s": {"a": ["p"], "b": [], "z": ["p"]}})
    assert report.systems["s"].scores["ndcg@10"].mean == pytest.approx(1 / 3)
    assert any("s returned nothing for 2 of 3 queries" in note for note in report.notes)
    assert any(
        "s answered 1 of its 3 queries without any judgment" in note for note in report.notes
    )


def test_slices_by_kind_add_up_to_the_whole() -> None:
    judgments, runs = shop()
    report = evaluate(judgments, runs)
    parts = report.slices
    assert {kind: part.queries for kind, part in parts.items()} == {"brand": 40, "type": 20}
    weighted = sum(p.queries * p.systems["good"]["ndcg@10"].mean for p in parts.values()) / 60
    assert weighted == pytest.approx(report.systems["good"].scores["ndcg@10"].mean)


def test_one_query_says_only_what_one_query_can() -> None:
    report = evaluate(Judgments({"q": {"p": 1.0}}), {"a": {"q": ["p"]}, "b": {"q": ["o", "p"]}})
    values = json.loads(json.dumps(report_json(report), allow_nan=False))
    assert values["systems"]["a"]["ndcg@10"] == {"mean": 1.0, "low": 0.0, "high": 1.0}
    assert values["comparisons"][0]["p"] == 1.0
    assert values["comparisons"][0]["effect_size"] is None


def test_identical_systems_tie_everywhere() -> None:
    judgments, runs = shop(10)
    for c in evaluate(judgments, {"a": runs["good"], "b": dict(runs["good"])}).comparisons:
        assert (c.delta, c.low, c.high, c.p, c.p_t) == (0, 0, 0, 1, 1)
        assert (c.a_wins, c.b_wins, c.a_better, c.b_better) == (0, 0, (), ())


def test_judgments_of_another_catalogue_are_noticed() -> None:
    report = evaluate(Judgments({"q": {"p": 1.0}}), {"s": {"q": ["x", "y"]}})
    assert any("check that the judgments are for this catalogue" in note for note in report.notes)


def test_what_was_odd_about_the_judgments_is_noted() -> None:
    odd = Judgments({"q": {"p": 1.0}}, duplicates=3, conflicts=2, unrated=1)
    told = " | ".join(evaluate(odd, {"s": {"q": ["p"]}}).notes)
    assert "given more than once: 3; each counts once" in told
    assert "disagree on the same query and product: 2; the mean of their gains is used" in told
    assert "listed without a grade: 1; they count as unjudged" in told


@pytest.mark.parametrize(
    ("gains", "runs", "options", "message"),
    [
        ({"q": {"p": 1.0}}, {}, {}, "name at least one system"),
        ({"q": {"p": 0.0}}, {"s": {}}, {}, "none of the 1 judged queries has a relevant"),
        ({"q": {"p": 1.0}}, {"s": {"q": ["p", "p"]}}, {}, "s, query 'q': product 'p' is ranked"),
        ({"q": {"p": 1.0}}, {"s": {}}, {"metrics": ["accuracy"]}, "unknown metric 'accuracy'"),
        ({"q": {"p": 1.0}}, {"s": {}}, {"metrics": []}, "no metric given"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    gains: Any, runs: Any, options: Any, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        evaluate(Judgments(gains), runs, **options)


def test_ties_are_broken_by_id_and_nan_is_refused() -> None:
    assert rank_by_score({"b": 1.0, "a": 1.0, "c": 2.0}) == ("c", "a", "b")
    with pytest.raises(BadInput, match="'x' is NaN"):
        rank_by_score({"a": 1.0, "x": float("nan")})


def test_the_random_floor_depends_on_seed_query_and_products_alone() -> None:
    products = [f"p{i}" for i in range(30)]
    first = random_run({"q": products, "r": products}, seed=1)
    assert first["q"] == random_run({"q": products[::-1]}, seed=1)["q"]
    assert sorted(first["q"]) == sorted(products)
    assert first["q"] != first["r"]
    assert first["q"] != random_run({"q": products}, seed=2)["q"]


def test_the_random_floor_favors_no_product() -> None:
    firsts = [random_run({f"q{i}": "abcd"}, seed=5)[f"q{i}"][0] for i in range(2000)]
    assert all(430 < firsts.count(product) < 570 for product in "abcd")


def text_of(report: Any) -> str:
    console = Console(file=StringIO(), width=160)
    console.print(format_report(report))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_text_says_who_won_by_how_much_and_where() -> None:
    judgments, runs = shop()
    report = evaluate(judgments, runs, notes=["the index is a week old"])
    text = text_of(report)
    assert text.startswith("good: ndcg@10 0.9")
    assert "over 60 queries, better than poor (+0." in " ".join(text.split())
    assert "Better with good than with poor:" in text
    assert report.comparisons[0].a_better[0].query in text
    assert "Note: the index is a week old." in text


def test_the_floor_is_never_called_the_best_and_chance_is_called_chance() -> None:
    judgments, runs = shop(8)
    report = evaluate(judgments, {"random": runs["good"], "worse": runs["poor"]})
    assert summary(report).startswith("worse: ")
    again = evaluate(judgments, {"a": random_run(judgments.gains, 1), "b": runs["random"]})
    assert ", not surely better than " in summary(again)


def test_the_sentence_names_everyone_whom_the_best_may_not_beat() -> None:
    judgments, runs = shop(8)
    twin = {**runs["good"], "query 00": []}
    report = evaluate(judgments, {"a": runs["good"], "b": twin, "c": twin, "poor": runs["poor"]})
    said = summary(report)
    assert ", not surely better than b (+" in said
    assert " and c." in said or ", c and poor." in said


def test_few_queries_in_common_with_the_judgments_are_said_first() -> None:
    judgments, runs = shop(20)
    few = dict(list(runs["good"].items())[:3])
    alone = evaluate(judgments, {"mine": few, "good": runs["good"]})
    assert summary(alone).startswith("mine answers only 3 of the 20 judged queries")
    strangers = {f"x{i}": ["p"] for i in range(100)}
    most = evaluate(judgments, {"mine": {**runs["good"], **strangers}})
    assert summary(most).startswith("Only 20 of the 120 queries of mine are judged: mine: ndcg@10")


def test_tables_keep_names_and_intervals_whole_at_80_columns() -> None:
    judgments, runs = shop()
    names = ("baseline main/hybrid", "hybrid", "dense", "bm25", "ltr:models/second.json")
    kinds = dict.fromkeys(judgments.gains, "brand") | {next(iter(judgments.gains)): "type"}
    both = {name: runs["poor" if i else "good"] for i, name in enumerate(names)}
    console = Console(file=StringIO(), width=80)
    console.print(format_report(evaluate(replace(judgments, kinds=kinds), both)))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "ndcg@10 by kind" in text
    for word in ("hybrid", "dense", "bm25", "second.json", "baseline", "brand"):
        assert re.search(rf"\b{re.escape(word)}\b", text), word
    bounds = re.findall(r"[\d.]+–[\d.]*", text)
    assert len(bounds) == 5 * 5
    whole = re.compile(r"(\.\d{3}|1\.00)–(\.\d{3}|1\.00)")
    assert [each for each in bounds if not whole.fullmatch(each)] == []
    assert "…" not in text


def test_the_text_of_a_single_system_and_of_markup_in_queries() -> None:
    judgments = Judgments({"[red]shoe": {"p": 1.0}, "b": {"p": 1.0}})
    runs: dict[str, Run] = {"s": {"[red]shoe": ["p"]}, "t": {"[red]shoe": ["o", "p"]}}
    assert "[red]shoe" in text_of(evaluate(judgments, runs))
    assert "Better with" not in text_of(evaluate(judgments, {"s": runs["s"]}))


@pytest.mark.real
def test_a_random_order_of_the_home_depot_judgments_scores_what_was_measured(
    real_data: Path,
) -> None:
    judgments = load_judgments(real_data / "homedepot" / "judgments.csv")
    report = evaluate(judgments, {"random": random_run(judgments.candidates(), 0)})
    assert report.systems["random"].scores["ndcg@10"].mean == pytest.approx(0.902, abs=0.004)
