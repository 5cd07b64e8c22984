"""A gate fails for what was asked, says why, and refuses what it does not understand."""

from __future__ import annotations

import pytest

from eval import Judgments, Run, check_gate, evaluate, parse_condition
from eval.gate import gate_sentence
from eval.results import Gate
from search.errors import BadInput

QUERIES = [f"q{i}" for i in range(20)]
JUDGED = Judgments({q: {"p": 1.0} for q in QUERIES}, {q: "brand" for q in QUERIES[:5]})
BASELINE: Run = {q: ["p"] for q in QUERIES}
WORSE: Run = {q: ["o", "p"] if q in QUERIES[:2] else ["p"] for q in QUERIES}
"""Loses half of the reciprocal rank of two queries out of twenty, both of the brand kind."""


def gate(*conditions: str, candidate: Run = WORSE) -> Gate:
    parsed = [parse_condition(each) for each in conditions]
    metrics = list(dict.fromkeys(each.metric for each in parsed))
    report = evaluate(JUDGED, {"new": candidate, "old": BASELINE}, metrics=metrics)
    found = check_gate(report, "new", "old", parsed, {"kind": JUDGED.kinds}).gate
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("condition", "value", "failed"),
    [
        ("mrr@10 < -0.01", -0.05, True),
        ("RR@10<-0.06", -0.05, False),
        ("mrr@10 <= −0.05", -0.05, True),
        ("mrr@10.mean < -1e-2", -0.05, True),
        ("mrr@10.low < -0.1", -0.1220, True),
        ("mrr@10.high < 0", 0.0220, False),
        ("mrr@10[kind=brand] < -0.1", -0.2, True),
        ("mrr@10[kind=brand].high < 0", 0.14, False),
        ("mrr@10.high[ kind = brand ] < 0", 0.14, False),
        ("P(rel=1)@1 < -0.05", -0.1, True),
        ("success@1 >= 0", -0.1, False),
    ],
)
def test_conditions_are_held_against_candidate_less_baseline(
    condition: str, value: float, failed: bool
) -> None:
    [found] = gate(condition).checks
    assert found.value == pytest.approx(value, abs=0.001)
    assert found.failed == failed


def test_any_condition_that_holds_fails_the_candidate_and_is_named() -> None:
    failing = gate("mrr@10 < -0.5", "mrr@10 < -0.01")
    assert not failing.passed
    assert gate_sentence(failing) == (
        "Gate: new against old fails: mrr@10 < -0.01 (it is -0.0500)."
    )
    passing = gate("mrr@10 < -0.01", candidate=BASELINE)
    assert passing.passed
    assert gate_sentence(passing).endswith("passes: not mrr@10 < -0.01 (it is +0.0000).")


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("ndcg@10", "is no condition; write it like ndcg@10 < -0.01"),
        ("ndcg@10 = 0", "is no condition"),
        ("ndcg@10.low.high < 0", "is no condition"),
        ("ndcg@10.low[kind=a].low < 0", "is no condition"),
        ("ndcg@10 < 1.2.3", "1.2.3 is no number"),
        ("best@10 < 0", "unknown metric 'best@10'"),
        ("mrr@10[color=red] < 0", "no dimension 'color'; known are kind"),
        ("mrr@10[kind=type] < 0", "no query of kind 'type'; known are brand"),
    ],
)
def test_conditions_that_mean_nothing_are_refused(condition: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        gate(condition)
