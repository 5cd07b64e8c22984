"""Any bytes that a topic may hold are a change, or a fault with a remedy; and other small parts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.changes import Fault
from api.following.freshness import freshness_of, lag_of
from api.following.gauges import Gauges
from api.following.patience import Patience
from api.following.records import Taken, taken
from api.following.rejects import Rejects
from search.engines.local.positions import Position
from search.types import Delete, Patch, Upsert


@dataclass(frozen=True, slots=True)
class Record:
    """What a consumer hands out."""

    key: bytes | None
    value: bytes | None
    offset: int = 0
    timestamp: int = 1_000
    topic: str = "t"
    partition: int = 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
near_changes = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["upsert", "delete", "patch"]) | json_values,
        "id": st.text(max_size=4) | json_values,
        "product": st.fixed_dictionaries(
            {"id": json_values, "title": json_values}, optional={"price": json_values}
        ),
        "fields": st.dictionaries(st.sampled_from(["price", "title", "tags"]), json_values),
    },
)


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # such as whole numbers beyond 64 bits
        return repr(value).encode(errors="replace")


@given(
    st.none() | st.binary(max_size=20),
    st.none() | st.binary(max_size=60) | json_values.map(_dumped) | near_changes.map(_dumped),
)
def test_every_record_is_a_change_or_a_fault(key: bytes | None, value: bytes | None) -> None:
    change = taken("n", Record(key, value), 1_000).change
    assert isinstance(change, Upsert | Patch | Delete | Fault)
    if isinstance(change, Fault):
        assert change.reason
        assert change.remedy


def test_waits_grow_and_begin_anew() -> None:
    patience = Patience(1.0, 10.0)
    waits = [patience.next() for _ in range(12)]
    assert all(0.5 * full <= wait <= full for wait, full in zip(waits, (1, 2, 4, 8), strict=False))
    assert all(5 <= wait <= 10 for wait in waits[4:])
    assert len(set(waits)) == len(waits)
    assert patience.restored()
    assert not patience.restored()
    assert patience.next() <= 1.0


def test_lag_is_a_sum_and_freshness_that_of_the_oldest_partition_known() -> None:
    now = time.time()
    positions = {
        "a": Position(1, now - 5, 2), "b": Position(1, now - 50, 3), "new": Position(0, 0.0, 4),
    }  # fmt: skip
    assert lag_of(positions) == 9
    assert 49 < freshness_of(positions) < 52
    assert freshness_of({}) == freshness_of({"new": Position(0)}) == 0.0


def test_a_follower_that_hangs_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    gauges = Gauges()
    assert gauges.health()[0] == 200
    later = time.monotonic() + 1_000
    monkeypatch.setattr("api.following.gauges.time.monotonic", lambda: later)
    status, body = gauges.health()
    assert (status, orjson.loads(body)["status"]) == (503, "stuck")


async def test_what_was_set_aside_before_is_not_set_aside_again(tmp_path: Path) -> None:
    path = tmp_path / "following" / "t.rejects.jsonl"
    fault = Fault(0, "record", "is not JSON", "send JSON")
    records = [Taken("n", number, 1.0, fault, Record(b"k", b"{", number)) for number in range(4)]
    both = [(one, fault) for one in records]
    assert len(await Rejects(path).add(both[:3])) == 3
    with path.open("ab") as torn:
        torn.write(b'{"topic":"t","parti')
    told = await Rejects(path).add(both)  # another process
    assert [line["offset"] for line in told] == [3]
    *kept, _, last = path.read_bytes().splitlines()
    assert [orjson.loads(line)["offset"] for line in (*kept, last)] == [0, 1, 2, 3]
