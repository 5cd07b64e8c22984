"""Our metrics and ranx's agree on every query, and a difference is not passed over."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval import Judgments, MetricsDisagree, evaluate, random_run, verify

METRICS = ("ndcg@10", "recall@100", "mrr@10", "map@20", "precision@5", "condensed_ndcg@10")


@pytest.mark.slow
def test_ranx_agrees_and_a_wrong_value_is_named() -> None:
    """In a process where ranx's functions run as they are written: compiled, they compute the
    same, after half a minute of compiling."""
    program = "from tests.eval.test_verify import compare; compare()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def compare() -> None:
    random = np.random.default_rng(3)
    gains = {
        f"q{q}": {f"p{p}": float(random.choice([0, 0.01, 0.1, 1])) for p in range(12)}
        for q in range(30)
    }
    judgments = Judgments(gains)
    runs = {"shuffled": {**random_run(gains, 1), "q3": ()}}
    report = evaluate(judgments, runs, metrics=METRICS)
    found = verify(report, judgments, runs)
    assert set(found) == set(METRICS) - {"condensed_ndcg@10"}
    assert max(found.values()) < 1e-6

    system = report.systems["shuffled"]
    wrong = replace(system, values={**system.values, "mrr@10": system.values["mrr@10"] + 0.001})
    with pytest.raises(MetricsDisagree, match=r"mrr@10 of shuffled"):
        verify(replace(report, systems={"shuffled": wrong}), judgments, runs)
