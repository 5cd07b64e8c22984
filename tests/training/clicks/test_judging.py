"""Judgments from behavior."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval import load_judgments
from search.errors import BadInput
from training.clicks import ClickCounts, judgments_from_clicks, write_judgments
from training.propensity import Propensities


def made(rows: list[tuple[str, str, int, float, float]]) -> ClickCounts:
    """Counts of (query, product, position, impressions, clicks), sorted as they must be."""
    queries = sorted({row[0] for row in rows})
    documents = sorted({row[:2] for row in rows})
    return ClickCounts(
        documents=np.array([documents.index(row[:2]) for row in rows], np.int32),
        positions=np.array([row[2] for row in rows], np.int32),
        impressions=np.array([row[3] for row in rows], np.float64),
        clicks=np.array([row[4] for row in rows], np.float64),
        queries=np.array([queries.index(query) for query, _ in documents], np.int32),
        query_texts=tuple(queries),
        products=tuple(product for _, product in documents),
    )


HALVED = Propensities("poisson", np.array([1, 2], np.int32), np.array([1.0, 0.5]))


def test_what_is_low_on_the_page_is_rated_by_its_looks_not_its_impressions() -> None:
    counts = made([("kettle", "a", 1, 1000, 200), ("kettle", "b", 2, 1000, 200)])
    found = judgments_from_clicks(counts, HALVED)
    rating = dict(zip(found.products, found.ratings.tolist(), strict=True))
    assert rating == {"a": 2, "b": 4}


def test_little_evidence_is_shrunk_and_its_interval_wide() -> None:
    rows = [("kettle", f"p{i}", 1, 1000.0, 10.0 * i) for i in range(10)]
    counts = made([*rows, ("kettle", "rare", 1, 1, 1)])
    found = judgments_from_clicks(counts, HALVED)
    at = {product: i for i, product in enumerate(found.products)}
    assert found.low[at["rare"]] < 1
    width = found.high - found.low
    assert width[at["rare"]] > 2 * width[at["p5"]]
    assert (found.low <= found.ratings + 0.5).all()


def test_a_query_that_nobody_clicks_on_has_no_top_rating() -> None:
    rows = [
        (query, product, 1, 1000.0, clicks)
        for query, product, clicks in (
            ("bad", "a", 4.0),
            ("bad", "b", 1.0),
            ("good", "a", 300.0),
            ("good", "b", 10.0),
            ("fine", "a", 200.0),
            ("fine", "b", 90.0),
        )
    ]
    found = judgments_from_clicks(made(sorted(rows)), HALVED).judgments()
    assert max(found.gains["bad"].values()) < 1
    assert max(found.gains["good"].values()) == max(found.gains["fine"].values()) == 4


def test_eval_reads_the_file(tmp_path: Path) -> None:
    counts = made([("red, kettle", "a", 1, 100, 50), ("red, kettle", "b", 1, 100, 1)])
    found = judgments_from_clicks(counts, HALVED)
    write_judgments(found, tmp_path / "clicks.csv")
    assert load_judgments(tmp_path / "clicks.csv").gains == found.judgments().gains
    header = (tmp_path / "clicks.csv").read_text().splitlines()[0]
    assert header == "query,product_id,rating,impressions,amount,low,high"
    assert [path.name for path in tmp_path.iterdir()] == ["clicks.csv"]


def test_it_refuses_where_nothing_was_looked_at_often_enough() -> None:
    with pytest.raises(BadInput, match="50 times"):
        judgments_from_clicks(made([("kettle", "a", 1, 10, 5)]), HALVED, least=50)
