"""Our metrics and ranx's agree on every query, and a difference is not passed over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eval import Judgments, MetricsDisagree, evaluate, random_run, verify

METRICS = ("ndcg@10", "recall@100", "mrr@10", "map@20", "precision@5", "condensed_ndcg@10")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # ranx warns about its own source
def test_ranx_agrees_and_a_wrong_value_is_named() -> None:
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
