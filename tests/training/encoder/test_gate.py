"""An encoder is adopted only where held-out queries gain, and the reason says so."""

from __future__ import annotations

import numpy as np
import pytest

from eval import Judgments, Report, Run, evaluate
from training.encoder.gate import ADAPTED, BASE, METRIC, SYSTEMS, judge, run_name

QUERIES = [f"query {i}" for i in range(40)]
JUDGED = Judgments({query: {"right": 1.0, "wrong": 0.0} for query in QUERIES})


def run(right_first: np.ndarray) -> Run:
    order = {True: ("right", "wrong"), False: ("wrong", "right")}
    return {query: order[bool(first)] for query, first in zip(QUERIES, right_first, strict=True)}


def report(base: np.ndarray, adapted: np.ndarray, dense: np.ndarray) -> Report:
    runs = {
        run_name(SYSTEMS[0], BASE): run(base),
        run_name(SYSTEMS[1], BASE): run(base),
        run_name(SYSTEMS[0], ADAPTED): run(dense),
        run_name(SYSTEMS[1], ADAPTED): run(adapted),
    }
    return evaluate(JUDGED, runs, metrics=[METRIC])


NONE, ALL = np.zeros(40, np.bool_), np.ones(40, np.bool_)
HALF, FEW = np.arange(40) % 2 == 0, np.arange(40) < 2


def test_a_clear_gain_of_hybrid_search_is_adopted_whatever_dense_does() -> None:
    verdict = judge(report(NONE, ALL, NONE))
    assert verdict.adopted
    hybrid = verdict.gains["hybrid"]
    assert (hybrid.adapted, verdict.queries) == (1.0, 40)
    assert hybrid.delta == pytest.approx(1 - hybrid.base)
    assert hybrid.low <= hybrid.delta <= hybrid.high
    assert verdict.gains["dense"].delta == 0


def test_a_gain_of_dense_search_alone_is_not_adopted() -> None:
    verdict = judge(report(HALF, HALF, ALL))
    assert not verdict.adopted
    assert verdict.reason.endswith("it does not help")
    assert verdict.gains["dense"].delta > 0


def test_a_gain_that_may_be_chance_is_not_adopted() -> None:
    verdict = judge(report(NONE, FEW, FEW))
    assert not verdict.adopted
    assert verdict.reason.endswith("that may be chance")


def test_a_loss_is_told_with_its_sign() -> None:
    verdict = judge(report(ALL, NONE, NONE))
    assert not verdict.adopted
    assert verdict.gains["hybrid"].delta < 0
    assert verdict.gains["hybrid"].low <= verdict.gains["hybrid"].high < 0
    assert "-0.36" in verdict.reason
