"""Metrics equal trec_eval's (through pytrec_eval) to 1e-6, and the definitions worked by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from eval.alignment import place_ideal, place_judged
from eval.judgments import load_judgments
from eval.metric_names import parse_metric, split_names
from eval.runs import Run, random_run, rank_by_score
from search.errors import BadInput

Gains = Mapping[str, Mapping[str, float]]


def values(name: str, gains: Gains, run: Run) -> list[float]:
    found, ideal = place_judged(gains, run, "system"), place_ideal(gains)
    return [float(value) for value in parse_metric(name)(found, ideal)]


def trec_eval(measure: str, gains: Gains, run: Run, scale: int = 100) -> list[float]:
    """trec_eval's values; it takes whole gains only, and drops queries without results."""
    qrels = {q: {p: round(g * scale) for p, g in known.items()} for q, known in gains.items()}
    scored = {q: {p: float(-i) for i, p in enumerate(run[q])} for q in gains if run.get(q)}
    found = pytrec_eval.RelevanceEvaluator(qrels, {measure}).evaluate(scored)
    column = measure.replace(".", "_")
    return [found[q][column] if q in found else 0.0 for q in gains]


@st.composite
def evaluations(draw: st.DrawFn) -> tuple[dict[str, dict[str, float]], dict[str, list[str]]]:
    """A few judged queries and a run over more products than were judged."""
    products = [f"p{i}" for i in range(draw(st.integers(1, 40)))]
    gain = st.sampled_from([0.0, 0.01, 0.1, 1.0, 2.0, 3.0])
    gains, run = {}, {}
    for i in range(draw(st.integers(1, 4))):
        known = draw(st.dictionaries(st.sampled_from(products), gain, min_size=1))
        ranked = draw(st.lists(st.sampled_from(products), unique=True))
        gains[f"q{i}"], run[f"q{i}"] = known, ranked
    return gains, run


PAIRS = [
    ("ndcg@10", "ndcg_cut.10"),
    ("ndcg@3", "ndcg_cut.3"),
    ("ndcg", "ndcg"),
    ("recall@5", "recall.5"),
    ("recall@100", "recall.100"),
    ("mrr", "recip_rank"),
    ("map", "map"),
    ("map@5", "map_cut.5"),
    ("precision@10", "P.10"),
    ("success@5", "success.5"),
    ("rprec", "Rprec"),
    ("bpref", "bpref"),
]


@given(evaluations())
def test_metrics_equal_trec_eval(
    case: tuple[dict[str, dict[str, float]], dict[str, list[str]]],
) -> None:
    gains, run = case
    for ours, theirs in PAIRS:
        expected = pytest.approx(trec_eval(theirs, gains, run), abs=1e-6)
        assert values(ours, gains, run) == expected, ours


@given(evaluations())
def test_metrics_that_trec_eval_lacks_equal_its_own_on_changed_input(
    case: tuple[dict[str, dict[str, float]], dict[str, list[str]]],
) -> None:
    gains, run = case
    first10 = {q: ranked[:10] for q, ranked in run.items()}
    assert values("mrr@10", gains, run) == pytest.approx(trec_eval("recip_rank", gains, first10))
    condensed = {q: [p for p in ranked if p in gains[q]] for q, ranked in run.items()}
    assert values("condensed_ndcg@10", gains, run) == pytest.approx(
        trec_eval("ndcg_cut.10", gains, condensed), abs=1e-6
    )
    known = {q: dict.fromkeys(judged, 1.0) for q, judged in gains.items()}
    assert values("judged@10", gains, run) == pytest.approx(trec_eval("P.10", known, run))
    whole = {q: {p: float(math.ceil(g)) for p, g in judged.items()} for q, judged in gains.items()}
    powers = {q: {p: 2**g - 1 for p, g in judged.items()} for q, judged in whole.items()}
    assert values("ndcg_exp@10", whole, run) == pytest.approx(
        trec_eval("ndcg_cut.10", powers, run), abs=1e-6
    )


@pytest.mark.real
@pytest.mark.parametrize(
    "name",
    ["esci", "icecat", "crowdflower", pytest.param("homedepot", marks=pytest.mark.slow)],
)
def test_metrics_equal_trec_eval_on_public_judgments(real_data: Path, name: str) -> None:
    gains = load_judgments(real_data / name / "judgments.csv").gains
    drawn = random_run(gains, seed=1)
    run = {
        q: [x for i, p in enumerate(ranked) for x in (p, f"?{i}")] for q, ranked in drawn.items()
    }
    for ours, theirs in PAIRS:
        expected = trec_eval(theirs, gains, run)
        np.testing.assert_allclose(values(ours, gains, run), expected, atol=1e-6)


def test_metrics_worked_by_hand() -> None:
    gains = {"q": {"a": 1.0, "b": 0.1, "c": 0.0, "z": 1.0}}
    run = {"q": ["c", "unjudged", "b", "a"]}
    ideal = 1 + 1 / math.log2(3) + 0.1 / 2
    assert values("ndcg@10", gains, run) == [pytest.approx((0.1 / 2 + 1 / math.log2(5)) / ideal)]
    assert values("condensed_ndcg@10", gains, run) == [
        pytest.approx((0.1 / math.log2(3) + 1 / 2) / ideal)
    ]
    assert values("judged@10", gains, run) == [0.3]
    assert values("recall@100", gains, run) == [pytest.approx(2 / 3)]
    assert values("mrr@10", gains, run) == [pytest.approx(1 / 3)]
    assert values("mrr@2", gains, run) == [0.0]
    assert values("map", gains, run) == [pytest.approx((1 / 3 + 2 / 4) / 3)]


@given(evaluations())
def test_every_value_lies_between_0_and_1_and_the_ideal_reaches_1(
    case: tuple[dict[str, dict[str, float]], dict[str, list[str]]],
) -> None:
    gains, run = case
    best = {q: rank_by_score(known) for q, known in gains.items()}
    relevant = [max(known.values()) > 0 for known in gains.values()]
    for name in ("ndcg@10", "condensed_ndcg@10", "ndcg_exp@5", "recall", "mrr@10", "map"):
        assert all(0 <= value <= 1 + 1e-9 for value in values(name, gains, run))
        assert values(name, gains, best) == pytest.approx([float(r) for r in relevant])


def test_a_query_missing_from_the_run_scores_0_and_stays() -> None:
    gains = {"a": {"p": 1.0}, "b": {"p": 1.0}}
    for name in ("ndcg@10", "condensed_ndcg@10", "judged@10", "recall@100", "mrr@10"):
        assert values(name, gains, {"b": ["p"]})[0] == 0.0
        assert values(name, gains, {"b": ["p"]})[1] > 0


def test_a_product_ranked_twice_is_an_error_that_names_it() -> None:
    with pytest.raises(BadInput, match="bm25, query 'q': product 'p' is ranked twice"):
        place_judged({"q": {}}, {"q": ["o", "p", "p"]}, "bm25")
    with pytest.raises(BadInput, match="list of product ids"):
        place_judged({"q": {}}, {"q": "ab"}, "bm25")


@pytest.mark.parametrize(
    ("name", "same_as"),
    [
        ("nDCG@10", "ndcg@10"),
        ("RR@10", "mrr@10"),
        ("R@100", "recall@100"),
        ("AP@50", "map@50"),
        ("P@5", "precision@5"),
        ("Judged@10", "judged@10"),
        (" condensed_nDCG@10 ", "condensed_ndcg@10"),
    ],
)
def test_names_of_ir_measures_are_understood(name: str, same_as: str) -> None:
    assert parse_metric(name) == parse_metric(same_as)
    assert str(parse_metric(name)) == same_as


@pytest.mark.parametrize("name", ["", "dcg@", "ndcg@0", "ndcg@-1", "judged", "P", "best@10", "@10"])
def test_unknown_metrics_and_cutoffs_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match=r"unknown metric|needs a cutoff"):
        parse_metric(name)


def test_condensed_judged_is_refused_because_it_says_nothing() -> None:
    with pytest.raises(BadInput, match="use judged@k"):
        parse_metric("condensed_judged@10")


@given(evaluations(), st.sampled_from([1.0, 2.0, 3.0]))
def test_a_least_gain_changes_what_is_relevant(
    case: tuple[dict[str, dict[str, float]], dict[str, list[str]]], least: float
) -> None:
    gains, run = case
    relevant = {q: {p: float(g >= least) for p, g in known.items()} for q, known in gains.items()}
    for name, plain in [
        (f"P(rel={least:g})@5", "precision@5"),
        (f"AP(rel={least:g})", "map"),
        (f"condensed_mrr(rel={least:g})@3", "condensed_mrr@3"),
        (f"bpref(rel={least:g})", "bpref"),
    ]:
        assert values(name, gains, run) == values(plain, relevant, run)


@pytest.mark.parametrize(
    ("name", "same_as"),
    [
        ("nDCG(dcg='exp-log2')@10", "ndcg_exp@10"),
        ("nDCG(dcg='log2',judged_only=True)@5", "condensed_ndcg@5"),
        ('NDCG(dcg="exp-log2")', "ndcg_exp"),
        ("P(rel=2)@5", "precision(rel=2)@5"),
        ("AP(rel=1.5, judged_only=True)@100", "condensed_map(rel=1.5)@100"),
        ("Judged@10", "judged@10"),
        ("Success@1", "success@1"),
        ("Rprec", "rprec"),
        ("Bpref", "bpref"),
        ("ndcg_cut_10", "ndcg@10"),
        ("P.5", "precision@5"),
        ("map_cut_100", "map@100"),
        ("recip_rank", "mrr"),
    ],
)
def test_names_of_ir_measures_and_trec_eval_are_understood(name: str, same_as: str) -> None:
    assert str(parse_metric(name)) == same_as
    assert parse_metric(same_as) == parse_metric(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nDCG(gains={1:2})@10", "'gains={1:2}' is not understood"),
        ("nDCG(rel=2)@10", "'rel=2' is not understood"),
        ("P(rel=0)@5", "'rel=0' is not understood"),
        ("P(rel=2)", "needs a cutoff"),
        ("Judged(judged_only=True)@3", "use judged@k"),
        ("rprec@10", "rprec has no cutoff"),
        ("RBP(p=0.8)@10", "unknown metric 'RBP"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(name: str, message: str) -> None:
    with pytest.raises(BadInput, match=re.escape(message)):
        parse_metric(name)


def test_names_are_separated_by_commas_outside_parentheses() -> None:
    assert split_names("ndcg@10, nDCG(dcg='log2',judged_only=True)@5,RR,") == [
        "ndcg@10",
        "nDCG(dcg='log2',judged_only=True)@5",
        "RR",
    ]
