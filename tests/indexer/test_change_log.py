"""The log of live changes: what was written comes back, and damage is told from a torn end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.engines.local.changes import (
    Batch,
    Entry,
    encode_batch,
    read_batches,
    read_tail,
)
from search.errors import IndexCorrupt


def batch(sequence: int, size: int = 2) -> Batch:
    entries = tuple(Entry("upsert", f"p{i}", None) for i in range(size))
    products = tuple(b'{"id":"p%d","n":%d}' % (i, sequence) for i in range(size))
    vectors = np.full((size, 4), sequence, np.float32)
    dropped = (Entry("delete", "gone"), Entry("patch", "x\n", {"price": 3}))
    texts = tuple("kettle\né\n".encode() * i for i in range(size))
    return Batch(sequence, entries + dropped, products, vectors, (7, sequence), texts)


def same(a: Batch, b: Batch) -> bool:
    return repr(a) == repr(b)


def test_batches_come_back_as_written(tmp_path: Path) -> None:
    log = tmp_path / "changes.log"
    written = [batch(1), batch(2, 0), batch(3, 5)]
    log.write_bytes(b"".join(encode_batch(b) for b in written))
    read = list(read_batches(log, 0, log.stat().st_size))
    assert len(read) == 3
    assert all(same(a, b) for a, b in zip(read, written, strict=True))
    middle = len(encode_batch(written[0]))
    assert [b.sequence for b in read_batches(log, middle, log.stat().st_size)] == [2, 3]


def test_an_index_without_vectors_logs_none(tmp_path: Path) -> None:
    log = tmp_path / "changes.log"
    log.write_bytes(encode_batch(Batch(1, (Entry("delete", "a"),), (), None, ())))
    ((found, end),) = read_tail(log, 0)
    assert found.vectors is None
    assert end == log.stat().st_size


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(1, 400))
def test_a_torn_end_is_left_out_and_what_precedes_it_kept(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    log = tmp_path_factory.mktemp("log") / "changes.log"
    first, second = encode_batch(batch(1)), encode_batch(batch(2))
    log.write_bytes(first + second[: max(0, len(second) - cut)])
    assert [(b.sequence, end) for b, end in read_tail(log, 0)] == [(1, len(first))]


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_altered_bit_of_an_accepted_batch_is_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, place: float, bit: int
) -> None:
    log = tmp_path_factory.mktemp("log") / "changes.log"
    content = bytearray(encode_batch(batch(1)) + encode_batch(batch(2)))
    content[int(place * len(content))] ^= 1 << bit
    log.write_bytes(content)
    with pytest.raises(IndexCorrupt, match=r"changes\.log is damaged at byte"):
        list(read_batches(log, 0, len(content)))
