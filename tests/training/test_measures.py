"""nDCG of score arrays is the evaluation's own, to the last bit that matters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eval import Judgments, evaluate
from tests.training.made import made
from training import Tables, stack
from training.measures import CUTOFFS, yardstick
from training.tables import Values


def evaluated(tables: Tables, scores: Values, k: int) -> Values:
    """The evaluation's values of the run that these scores make."""
    gains, run = {}, {}
    for i, query in enumerate(tables.queries):
        rows = slice(tables.offsets[i], tables.offsets[i + 1])
        order = np.lexsort((-scores[rows], ~query.named))
        known = {p: g for p, g in zip(query.products, query.gains, strict=True) if g == g}
        others = query.judged[len(known) :].tolist()
        gains[query.query] = known | {f"other {n}": gain for n, gain in enumerate(others)}
        run[query.query] = [query.products[j] for j in order]
    report = evaluate(Judgments(gains), {"run": run}, metrics=[f"ndcg@{k}"])
    return report.systems["run"].values[f"ndcg@{k}"]


@pytest.mark.parametrize("k", CUTOFFS)
def test_it_is_the_evaluations_value(k: int) -> None:
    tables = made(12)
    scores = np.random.default_rng(1).normal(size=len(tables.query))
    assert yardstick(tables).ndcg(scores, k) == pytest.approx(evaluated(tables, scores, k))


def test_what_the_query_names_stays_first() -> None:
    tables = made(6)
    last = [replace(each, named=np.arange(len(each.products)) == 29) for each in tables.queries]
    named = stack(last, tables.schema)
    scores = named.fused
    assert yardstick(named).ndcg(scores) == pytest.approx(evaluated(named, scores, 10))
    assert (yardstick(named).ndcg(scores) != yardstick(tables).ndcg(scores)).any()


def test_products_that_were_not_found_stand_behind_the_others() -> None:
    [query] = made(1, candidates=3).queries
    absent = np.array([1.0])
    judged = np.append(query.gains[~np.isnan(query.gains)], absent)
    [found] = yardstick(stack([replace(query, judged=judged, absent=absent)], made(1).schema)).ndcg(
        query.fused
    )
    gains = np.append(np.nan_to_num(query.gains), 1.0)
    ideal = np.sort(judged)[::-1]
    dcg = [float(g @ (1 / np.log2(np.arange(len(g)) + 2))) for g in (gains, ideal)]
    assert found == pytest.approx(dcg[0] / dcg[1])


def test_equal_scores_keep_the_order_they_had() -> None:
    tables = made(5)
    measured = yardstick(tables)
    nothing = np.zeros(len(tables.query))
    assert measured.ndcg(nothing).tolist() == measured.ndcg(tables.fused).tolist()
