"""Which days are compared, and that retraining and the look for drift mean the same ones."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.drift_file import observe_drift, write_drift
from api.drifting import look_for_drift
from api.metrics import Metrics
from api.retraining.window import find_window
from api.simulation.rows import arrow_schema
from api.whole_days import DAY, whole_days
from rankers import save_model
from search.errors import BadInput
from search.types import LoggedSearch
from tests.api.ranked import ordering
from training.drift import Limits
from training.events.rows import search_row

MONDAY = 1_794_787_200.0
"""2026-11-16."""
NOW = MONDAY + 6.5 * DAY
"""Noon of a day that is not over."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty searches a day from Monday to now; on the last two days, for something else."""
    return written(tmp_path_factory.mktemp("log"))


def written(data: Path) -> Path:
    rows = []
    for number in range(50 * 7 - 25):
        moment = MONDAY + number * DAY / 50
        text = "sled" if moment >= MONDAY + 5 * DAY else f"lamp {number % 5}"
        found = LoggedSearch(
            f"s{number}", moment, text, ("a", "b"), normalized=text, client=f"c{number}", total=9
        )
        rows.append(search_row(found))
    (data / "searches").mkdir()
    table = pa.Table.from_pylist(rows, schema=arrow_schema("searches"))
    pq.write_table(table, data / "searches" / "all.parquet")
    return data


def model(place: Path, notes: Mapping[str, object]) -> Path:
    path = place / "model.json"
    save_model(replace(ordering(1.0), training=notes), path)
    return path


def test_what_is_compared_lies_after_the_days_that_the_model_was_made_from(
    log: Path, tmp_path: Path
) -> None:
    limits = Limits(least=40)
    cut, end = MONDAY + 3 * DAY, MONDAY + 5 * DAY
    made = model(tmp_path, {"window": [MONDAY, cut], "held_out": [cut, end]})
    drift = look_for_drift([log], made, 7, limits, NOW)
    assert drift.reference == (MONDAY, cut)
    assert drift.recent == (end, MONDAY + 6 * DAY)
    assert drift.retrain
    assert drift.queries is not None
    assert drift.queries.now == 1


@pytest.mark.parametrize("at", [0, 3600, 11 * 3600])
def test_right_after_retraining_nothing_asks_for_another(
    log: Path, tmp_path: Path, at: float
) -> None:
    now = MONDAY + 6 * DAY + at
    window = find_window([log], 30, 0.2, now)
    notes = {"window": [window.begin, window.cut], "held_out": [window.cut, window.end]}
    drift = look_for_drift([log], model(tmp_path, notes), 7, Limits(least=1), now)
    assert not drift.retrain
    assert "Nothing to compare yet" in drift.sentence


def test_a_model_that_names_no_days_learned_from_all_until_it_was_trained(
    log: Path, tmp_path: Path
) -> None:
    notes = {"clicks": 9, "trained": "2026-11-19T05:00:00+00:00"}
    drift = look_for_drift([log], model(tmp_path, notes), 0, Limits(least=40), NOW)
    assert drift.reference == (MONDAY, MONDAY + 3 * DAY + 5 * 3600)
    assert drift.recent == (MONDAY + 4 * DAY, MONDAY + 6 * DAY)
    judged = look_for_drift([log], model(tmp_path, {}), 2, Limits(least=40), NOW)
    assert judged.reference == (MONDAY, MONDAY + 4 * DAY)
    nothing = look_for_drift([log], model(tmp_path, {}), 0, Limits(), NOW)
    assert "Nothing to compare with" in nothing.sentence


def test_zero_days_are_all_of_them_and_fewer_than_two_make_no_window(log: Path) -> None:
    end = MONDAY + 6 * DAY
    assert whole_days([log], 0, NOW) == (MONDAY, end)
    assert whole_days([log], 2, NOW) == (end - 2 * DAY, end)
    window = find_window([log], 0, 0.2, NOW)
    assert (window.begin, window.end) == (MONDAY, end)
    for days in (1.0, -1.0):
        with pytest.raises(BadInput, match="0 for"):
            find_window([log], days, 0.2, NOW)


def test_the_latest_look_is_a_gauge_of_each_part(log: Path, tmp_path: Path) -> None:
    metrics = Metrics()
    observe_drift(tmp_path, metrics)
    assert b"aisle_drift_index{" not in metrics.exposition()
    look = look_for_drift([log], model(tmp_path, {}), 1, Limits(least=40), NOW)
    write_drift(tmp_path, look)
    observe_drift(tmp_path, metrics)
    assert look.queries is not None
    assert look.queries.index > 0.25
    told = metrics.exposition().decode()
    assert f'aisle_drift_index{{part="queries"}} {look.queries.index}' in told
    assert 'aisle_drift_index{part="features_max"} NaN' in told
    [checked] = [line for line in told.splitlines() if line.startswith("aisle_drift_checked")]
    assert float(checked.split()[1]) == pytest.approx(time.time(), abs=60)
