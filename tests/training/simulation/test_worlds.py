from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search.errors import BadInput
from training.clicks import Reading, read_counts, read_log
from training.simulation import (
    LogPlan,
    click_model,
    expected_counts,
    make_world,
    simulate_counts,
    simulate_log,
)

WORLD = make_world(3, queries=20, candidates=12, depth=6)


def test_a_better_ranker_shows_better_documents() -> None:
    world = make_world(0, queries=200, noises=(0.0, 1.0, 50.0))
    shown = [
        np.take_along_axis(world.grades, order.astype(np.int64), 1).mean() for order in world.orders
    ]
    assert shown[0] > shown[1] > shown[2]


def test_positions_need_candidates() -> None:
    with pytest.raises(BadInput, match="5 candidates cannot fill 10 positions"):
        make_world(candidates=5, depth=10)


@pytest.mark.parametrize("model", ["joachims", "cascade"])
def test_counts_are_sorted_and_every_session_counts(model: str) -> None:
    counts = simulate_counts(WORLD, click_model(model), 1000, 1)
    keys = list(zip(counts.documents.tolist(), counts.positions.tolist(), strict=True))
    assert keys == sorted(set(keys))
    assert counts.impressions.sum() == 6000
    assert (counts.clicks <= counts.impressions).all()
    assert (np.diff(counts.queries) >= 0).all()


def test_simulated_counts_come_near_what_is_expected() -> None:
    model = click_model("ultra")
    drawn = simulate_counts(WORLD, model, 200_000, 1)
    expected = expected_counts(WORLD, model, 200_000)
    assert drawn.products == expected.products
    surplus = (drawn.clicks - expected.clicks) / np.sqrt(expected.clicks + 1)
    assert np.abs(surplus).max() < 5
    assert abs(surplus.mean()) < 0.2


def test_a_written_log_reads_back_as_what_happened(tmp_path: Path) -> None:
    written = simulate_log(tmp_path, WORLD, click_model("joachims"), 2000, 4)
    log = read_log([tmp_path])
    assert log.counts.impressions.sum() == written.impressions == 12_000
    assert log.counts.clicks.sum() == written.clicks > 1000
    assert written.clicks > written.carts > written.purchases > 0
    assert log.joined.flagged == 0
    graded = read_counts([tmp_path], grades={"purchase": 1.0})
    assert graded.clicks.sum() == written.purchases


def test_a_log_carries_the_shops_names_features_and_no_impressions_if_asked(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    features = np.arange(WORLD.grades.size * 2, dtype=np.float32).reshape(20, 12, 2)
    names = tuple(f"sku{number}" for number in range(WORLD.grades.size))
    plan = LogPlan(products=names, features=features, feature_names=("a", "b"), impressions=False)
    simulate_log(tmp_path, WORLD, click_model("joachims"), 50, 4, plan)
    row = pq.read_table(tmp_path / "searches").to_pylist()[0]
    numbers = [int(product.removeprefix("sku")) for product in row["products"]]
    shown = features.reshape(-1, 2)[numbers]
    assert row["features"] == shown.ravel().tolist()
    assert row["feature_names"] == ["a", "b"]
    counts = read_counts([tmp_path], window_days=None)
    assert counts.impressions.sum() == 300
    assert read_log([tmp_path], Reading()).joined.by_page == ("",)
