"""Behavior kept beside the index: written whole, followed, and given to features by ordinal."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from rankers.behavior import (
    DAYS,
    BehaviorFollower,
    BehaviorMap,
    BehaviorStore,
    load_current,
    publish,
)
from rankers.features import compute
from search.errors import IndexCorrupt
from tests.rankers.facts import HandFacts, Item, pool_of


def store(clicks: float = 5.0, ids: tuple[str, ...] = ("p0", "p2", "gone")) -> BehaviorStore:
    counts = np.zeros((len(DAYS), 4, len(ids)), np.float32)
    counts[:, 0], counts[:, 1] = 50.0, clicks
    usual = np.tile([0.1, 0.01, 0.001], (len(DAYS), 1))
    return BehaviorStore(1_700_000_000.0, ids, counts, usual, {"red kettle": 0.25})


def facts(products: int = 3) -> HandFacts:
    return HandFacts([Item(title=f"kettle {i}") for i in range(products)])


def test_what_was_written_is_read(tmp_path: Path) -> None:
    version = publish(store(), tmp_path)
    found = load_current(tmp_path)
    assert found is not None
    assert (found.version, found.ids, found.queries) == (version, store().ids, store().queries)
    assert found.counts.tobytes() == store().counts.tobytes()
    assert found.usual.tolist() == store().usual.tolist()


def test_writing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    assert publish(store(), tmp_path) == publish(store(), tmp_path)
    assert sorted(path.name for path in (tmp_path / "behavior").iterdir())[1:] == ["CURRENT"]


@pytest.mark.parametrize("part", ["counts.npy", "ids.npy", "queries.json", "manifest.json"])
def test_a_damaged_part_is_named(tmp_path: Path, part: str) -> None:
    version = publish(store(), tmp_path)
    path = tmp_path / "behavior" / version / part
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IndexCorrupt, match=version):
        load_current(tmp_path)


def test_counts_reach_the_ordinals_of_their_products() -> None:
    behavior = BehaviorMap(store()).of(facts())
    assert behavior.counts[7].clicks[:3].tolist() == [5.0, 0.0, 5.0]
    assert behavior.queries == {"red kettle": 0.25}


def test_live_changes_are_looked_up_once_they_are_there() -> None:
    mapped = BehaviorMap(store(ids=("p0", "p5")))
    before = mapped.of(facts(3))
    after = mapped.of(facts(6))
    assert after.counts[1].clicks[:6].tolist() == [5.0, 0.0, 0.0, 0.0, 0.0, 5.0]
    assert before.counts[1].clicks[:3].tolist() == [5.0, 0.0, 0.0]


def test_without_behavior_the_features_are_unknown(tmp_path: Path) -> None:
    hand = facts()
    table = compute(
        hand, pool_of("kettle", 3), ("clicks_7_days",), BehaviorFollower(tmp_path).of(hand)
    )
    assert np.isnan(table.values).all()


def test_a_newer_version_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rankers.behavior.following.LOOK_SECONDS", 0.0)
    hand, follower = facts(), BehaviorFollower(tmp_path)
    publish(store(clicks=5.0), tmp_path)
    assert follower.of(hand).counts[30].clicks[0] == 5.0
    version = publish(store(clicks=9.0), tmp_path)
    deadline = time.monotonic() + 20
    while follower.of(hand).counts[30].clicks[0] != 9.0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (follower.version, follower.fault) == (version, None)


def test_a_damaged_version_leaves_the_one_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rankers.behavior.following.LOOK_SECONDS", 0.0)
    hand, follower = facts(), BehaviorFollower(tmp_path)
    first = publish(store(clicks=5.0), tmp_path)
    follower.of(hand)
    second = publish(store(clicks=9.0), tmp_path)
    (tmp_path / "behavior" / second / "counts.npy").write_bytes(b"")
    deadline = time.monotonic() + 20
    while follower.fault is None:
        assert follower.of(hand).counts[30].clicks[0] == 5.0
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert follower.version == first
    assert second in follower.fault


def test_a_large_snapshot_is_looked_up_while_requests_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rankers.behavior.following.AT_ONCE", 2)
    hand, follower = facts(), BehaviorFollower(tmp_path)
    publish(store(), tmp_path)
    deadline = time.monotonic() + 20
    while not follower.of(hand).counts:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert follower.of(hand).counts[1].clicks[0] == 5.0
