"""Behavior as of a moment against plain loops, and the same bits in training and in serving."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rankers.behavior import DAYS, BehaviorStore
from search.errors import BadInput
from tests.training.clicks.logs import DAY, START, event, search, write_log
from tests.training.clicks.reference import Seen, impressions
from training.behavior import behavior_as_of, read_history
from training.clicks import Reading
from training.propensity import Propensities

HALVED = Propensities("poisson", np.array([1, 2], np.int32), np.array([1.0, 0.5]))
KINDS = {"click": 1, "add_to_cart": 2, "purchase": 3}
Log = tuple[list[dict[str, Any]], list[dict[str, Any]]]


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """Searches over some weeks, at the turn of days too; events soon after them or much later."""
    searches: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 6))):
        time = START + DAY * draw(st.sampled_from([0, 1, 1.5, 6, 7, 8, 29, 30, 31, 40]))
        text = draw(st.sampled_from(["kettle", "pan"]))
        shown = draw(st.permutations("abc"))
        searches.append(search(number, "".join(shown[:2]), time=time, normalized=text))
        for place in range(draw(st.integers(0, 3))):
            did = draw(st.sampled_from(["click", "add_to_cart", "purchase"]))
            later = draw(st.sampled_from([2.0, 40_000.0, DAY - 1, DAY, 3 * DAY]))
            made = event(len(events), did, number, draw(st.sampled_from(shown[:2])))
            events.append(made | {"time": time + later, "event_id": f"e{number}-{place}"})
    return searches, events


def expected(log: Log, moment: float, days: int) -> dict[str, list[float]]:
    """Looks, clicks, carts and purchases of every product, by plain loops."""
    everything = Reading(window_days=None, now=moment)
    counts: dict[str, list[float]] = {}
    since = moment - days * DAY

    def add(seen: Seen, kind: int, amount: float, time: float) -> None:
        if since <= time < moment:
            counts.setdefault(seen.product, [0.0] * 4)[kind] += amount

    for seen in impressions(*log, everything):
        add(seen, 0, 1.0 if seen.position == 1 else 0.5, seen.time)
        for action, kind in KINDS.items():
            times = [t for did, t, _ in seen.actions if did == action and t < seen.time + DAY]
            if times:
                add(seen, kind, 1.0, min(times))
    return counts


def found(store: BehaviorStore, days: int) -> dict[str, list[float]]:
    counts = store.counts[DAYS.index(days)].T.tolist()
    return {each: row for each, row in zip(store.ids, counts, strict=True) if any(row)}


@pytest.mark.slow
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(logs(), st.sampled_from([1, 7.5, 8, 30, 31, 45]))
def test_counts_are_those_of_the_days_before_the_moment(log: Log, after: float) -> None:
    moment = START + DAY * after
    with tempfile.TemporaryDirectory() as folder:
        path = write_log(Path(folder), *log)
        try:
            store = behavior_as_of([path], HALVED, moment)
        except BadInput:
            assert not any(moment - 31 * DAY < row["time"] <= moment for row in log[0])
            return
    for days in DAYS:
        assert found(store, days) == expected(log, moment, days)
    asked = Counter(
        row["normalized"] for row in log[0] if moment - 30 * DAY <= row["time"] < moment
    )
    assert store.queries == {text: n / asked.total() for text, n in asked.items()}


@pytest.mark.slow
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(logs(), st.sampled_from([0, 0.3]))
def test_history_holds_what_would_have_been_published_then(log: Log, hour: float) -> None:
    moments = [START + DAY * (day + hour) for day in (-1, 2, 31)]
    with tempfile.TemporaryDirectory() as folder:
        path = write_log(Path(folder), *log)
        try:
            history = read_history([path], HALVED, moments)
        except BadInput:  # the log begins after all of them
            for moment in moments:
                with pytest.raises(BadInput):
                    behavior_as_of([path], HALVED, moment)
            return
        for moment, then in zip(moments, history, strict=True):
            assert then.moment == moment
            try:
                published = behavior_as_of([path], HALVED, moment)
            except BadInput:
                assert not then.ids
                continue
            assert then.ids == published.ids
            assert then.counts.tobytes() == published.counts.tobytes()
            assert then.usual.tobytes() == published.usual.tobytes()
            assert then.queries == published.queries


def test_a_click_after_the_moment_is_not_known_then(tmp_path: Path) -> None:
    late = search(0, "ab", time=START + DAY - 5)
    log = ([late, search(1, "ab", time=START + DAY + 60)], [event(0, "click", 0, "a")])
    log[1][0]["time"] = START + DAY + 5
    before, after = read_history(
        [write_log(tmp_path, *log)], HALVED, [START + DAY, START + 2 * DAY]
    )
    assert found(before, 1) == {"a": [1.0, 0.0, 0.0, 0.0], "b": [0.5, 0.0, 0.0, 0.0]}
    assert found(after, 7) == {"a": [2.0, 1.0, 0.0, 0.0], "b": [1.0, 0.0, 0.0, 0.0]}


def test_sessions_without_times_have_no_last_days(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("sess_id,query,rank,clicked_doc_id,clicked\n1,ipad,0,11,True\n")
    with pytest.raises(BadInput, match="no times"):
        behavior_as_of([path], HALVED)
