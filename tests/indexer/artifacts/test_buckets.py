"""Buckets that are not there or let nobody in: what is said, and that what served goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from obstore.exceptions import GenericError

from indexer.artifacts.store import open_store
from search.errors import StorageFailed
from tests.engines.s3 import S3Server
from tests.indexer.artifacts.machines import (
    KETTLES,
    LAMPS,
    Place,
    assert_serves,
    index,
    machine,
    pull,
    push,
    replica,
)


def test_a_bucket_that_there_is_not_is_said_to_reader_and_writer(
    fast_path: Path, bucket: Place
) -> None:
    missing = Place(bucket.location.replace("s3://shop-", "s3://none-"), bucket.key)
    store = open_store(missing.settings())
    for asked in (lambda: store.read("CURRENT"), lambda: store.write("CURRENT", b"1")):
        with pytest.raises(StorageFailed, match=r"no bucket for s3://none-\w+/a/b; make it"):
            asked()


def test_a_bucket_that_lets_nobody_in_any_more_says_what_to_allow(
    fast_path: Path, bucket: Place, s3: S3Server
) -> None:
    writer, other = machine(fast_path / "w", bucket), replica(fast_path / "r", bucket)
    index(writer, KETTLES)
    push(writer)
    pull(other)
    index(writer, LAMPS)
    told = []
    s3.lock()
    try:
        new = replica(fast_path / "new", bucket)  # at its start, and others while they run
        asked: list[Callable[[], object]] = [
            lambda: pull(new),
            lambda: pull(other),
            lambda: push(writer),
            lambda: open_store(bucket.settings()).list("snapshots"),
        ]
        for work in asked:
            with pytest.raises(StorageFailed, match="s3:ListBucket, s3:GetObject") as raised:
                work()
            told.append(str(raised.value))
    finally:
        s3.unlock()
    assert told[0].startswith(f"s3://{bucket.location.split('?')[0][5:]} refuses these credentials")
    assert " at a/b/CURRENT (InvalidAccessKeyId): see that [artifacts]" in told[0]
    assert told[0] == told[1] == told[2]  # so that a log has it once
    assert_serves(other, KETTLES)
    push(writer)
    pull(other)
    assert_serves(other, LAMPS)


def test_keys_of_buckets_that_are_nowhere_are_asked_for(
    bucket: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a machine that reaches its cloud's own address can be asked in earnest."""

    def no_role(*_: object, **__: object) -> None:
        raise GenericError("Error performing PUT http://169.254.169.254/latest/api/token: 403")

    monkeypatch.setattr("obstore.get", no_role)
    with pytest.raises(StorageFailed, match="AWS_ACCESS_KEY_ID") as raised:
        open_store(bucket.settings()).read("CURRENT")
    assert "169.254" not in str(raised.value)
