"""A log is split by time, and the features logged in it come back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from api.click_training import as_logged, frequent
from api.training import schema
from search.errors import BadInput
from training import JudgedQuery
from training.clicks import Reading
from training.learners.splitting import LoggedRow, ReadLog, read_split
from training.simulation import click_model, make_world
from training.simulation.log import LogPlan, simulate_log

WORLD = make_world(queries=12, candidates=12)
FEATURES = np.arange(12 * 12 * 2, dtype=np.float32).reshape(12, 12, 2)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("log")
    plan = LogPlan(
        days=10.0, features=FEATURES, feature_names=("price", "rating"), feature_version="v1"
    )
    simulate_log(directory, WORLD, click_model("ultra"), 2000, 0, plan)
    return directory


@pytest.fixture(scope="module")
def read(log: Path) -> ReadLog:
    return read_split([log], Reading(), "v1")


def test_the_last_fifth_of_the_searches_is_held_out(read: ReadLog) -> None:
    counts = read.counts
    assert counts.after is not None
    seen = [each.impressions.sum() for each in (counts.everything, counts.before, counts.after)]
    assert seen[1] + seen[2] == seen[0]
    assert seen[2] / seen[0] == pytest.approx(0.2, abs=0.01)


def test_features_are_those_that_were_logged(read: ReadLog) -> None:
    row = read.features[0]["query 3", "p40"]
    assert row.names == ("price", "rating")
    assert row.values.tolist() == FEATURES[3, 4].tolist()


def test_features_of_another_version_are_left_alone(log: Path) -> None:
    assert not any(read_split([log], Reading(), "v2").features)


def test_logged_features_take_the_place_of_those_of_now() -> None:
    names = schema().names
    query = JudgedQuery(
        query="kettle",
        products=("a", "b"),
        values=np.zeros((2, len(names)), np.float32),
        gains=np.full(2, np.nan),
        fused=np.array([2.0, 1.0]),
        named=np.zeros(2, np.bool_),
        judged=np.empty(0),
        absent=np.empty(0),
    )
    # Clicks counted when the page was logged would tell those that are to be learned from.
    logged = LoggedRow(
        ("rating", "gone since", "price", "clicks_30_days"),
        np.array([4.5, 9.0, 20.0, 0.3], np.float32),
    )
    found = as_logged(query, {("kettle", "b"): logged, ("pan", "a"): logged}).values
    assert found[1, names.index("price")] == 20.0
    assert found[1, names.index("rating")] == 4.5
    assert np.count_nonzero(found) == 2


def test_the_most_frequent_queries_are_learned_from(read: ReadLog) -> None:
    # Queries are asked as often as 1 / their rank.
    assert frequent(read.counts.everything, 2) == ["query 0", "query 1"]


def test_sessions_without_times_cannot_be_split(tmp_path: Path) -> None:
    file = tmp_path / "sessions.csv"
    rows = [f"{s},kettle,{r},p{r},{int(r == s % 3)}" for s in range(30) for r in range(4)]
    file.write_text("\n".join(["sess_id,query,rank,clicked_doc_id,clicked", *rows]) + "\n")
    found = read_split([file], Reading(), "v1")
    assert found.counts.after is None
    assert any("no times" in each for each in found.remarks)


def test_a_log_of_one_moment_is_refused(tmp_path: Path) -> None:
    simulate_log(tmp_path, WORLD, click_model("ultra"), 100, 0, LogPlan(days=0.0))
    with pytest.raises(BadInput, match="same time"):
        read_split([tmp_path], Reading(), "v1")
