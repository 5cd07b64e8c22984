"""Live changes: whole batches, seen by every process within a second, and none ever lost."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from indexer.build import Products, build_index
from indexer.live import LiveWriter
from indexer.merge import fold
from search.engines.embedded.engine import EmbeddedEngine
from search.engines.embedded.snapshot import OpenSnapshot
from search.engines.local.layout import read_current
from search.errors import BadInput, IndexCorrupt, IndexMissing, StorageFailed
from search.types import Change, Delete, Patch, Product, Upsert
from tests.indexer.processes import outcome, start
from tests.indexer.shop import (
    WordHashCatalogueEncoder,
    WordHashEncoder,
    assert_shows,
    found_by_words,
    opened,
    shop_settings,
)

SHOP = {f"p{i}": Product(f"p{i}", f"red kettle {i}", brand="Norrvik", price=20.0) for i in range(6)}


def index(data: Path, shop: dict[str, Product] = SHOP) -> str:
    encoder = WordHashCatalogueEncoder()
    return build_index(Products(shop.values()), shop_settings(data), encoder=encoder).version


def writer(data: Path, encoder: WordHashEncoder | None = None) -> LiveWriter:
    return LiveWriter(shop_settings(data), encoder or WordHashEncoder())


def log_of(data: Path) -> Path:
    return data / "live" / read_current(data) / "changes.log"


def test_a_batch_is_counted_and_named(fast_path: Path) -> None:
    version = index(fast_path)
    lamp = Product("new", "blue lamp", attributes={"size": "s"}, tags=("light",))
    applied = writer(fast_path).apply(
        [
            Upsert(lamp),
            Patch("p1", {"price": 5.0, "created": date(2026, 1, 2)}),
            Delete("p2"),
            Delete("nobody"),
            Patch("no one", {"price": 1.0}),
        ]
    )
    assert applied.version == f"{version}.1"
    assert (applied.upserted, applied.patched, applied.deleted) == (1, 1, 1)
    assert applied.missing == ("nobody", "no one")
    shop = {name: product for name, product in SHOP.items() if name != "p2"}
    patched = Product("p1", "red kettle 1", brand="Norrvik", price=5.0, created=date(2026, 1, 2))
    assert_shows(opened(shop_settings(fast_path)), {**shop, "p1": patched, "new": lamp})


def test_changes_of_one_id_in_a_batch_count_in_order(fast_path: Path) -> None:
    index(fast_path)
    first, last = Product("x", "first lamp"), Product("x", "last lamp")
    applied = writer(fast_path).apply(
        [
            Upsert(first),
            Delete("x"),
            Upsert(last),
            Patch("x", {"price": 3.0}),
            Patch("p1", {"price": 1.0}),
            Patch("p1", {"brand": None}),
            Upsert(Product("p0", "short-lived")),
            Delete("p0"),
        ]
    )
    assert (applied.upserted, applied.patched, applied.deleted) == (1, 1, 1)
    state = opened(shop_settings(fast_path))
    assert found_by_words(state, "last lamp") == ["x"]
    assert found_by_words(state, "first") == found_by_words(state, "lived") == []
    (p1,) = state.documents.products([state.find("p1") or 0])
    assert (p1.price, p1.brand) == (1.0, None)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"colour": "red"}, "colour"),
        ({"id": "q"}, "id"),
        ({"price": "cheap"}, "price"),
        ({"title": None}, "title"),
    ],
)
def test_an_impossible_patch_is_refused_and_nothing_of_its_batch_applied(
    fast_path: Path, fields: dict[str, object], name: str
) -> None:
    index(fast_path)
    with pytest.raises(BadInput, match=rf"product 'p1'.*{name}") as error:
        writer(fast_path).apply([Delete("p0"), Patch("p1", fields)])
    assert error.value.field == name
    assert_shows(opened(shop_settings(fast_path)), SHOP)


def test_a_batch_that_changes_nothing_writes_nothing(fast_path: Path) -> None:
    version = index(fast_path)
    assert writer(fast_path).apply([Delete("nobody")]).version == version
    assert not log_of(fast_path).exists()


def test_without_an_index_there_is_nothing_to_change(fast_path: Path) -> None:
    with pytest.raises(IndexMissing, match="aisle index"):
        writer(fast_path).apply([Delete("a")])
    assert not list(fast_path.iterdir())


def test_an_index_of_nothing_grows_by_changes(fast_path: Path) -> None:
    index(fast_path, {})
    writer(fast_path).apply([Upsert(product) for product in SHOP.values()])
    assert_shows(opened(shop_settings(fast_path)), SHOP)
    assert fold(shop_settings(fast_path)) is not None
    assert_shows(opened(shop_settings(fast_path)), SHOP)


def test_only_new_text_is_encoded_and_a_merge_encodes_nothing(fast_path: Path) -> None:
    index(fast_path)
    encoder = WordHashEncoder()
    live = writer(fast_path, encoder)
    live.apply([Patch(f"p{i}", {"price": 1.0, "stock": 0}) for i in range(6)])
    live.apply([Upsert(Product("p1", "red kettle 1", price=2.0))])
    assert encoder.encoded == 0
    live.apply([Patch("p1", {"title": "green lamp"})])
    assert encoder.encoded == 1
    fold(shop_settings(fast_path))
    live.apply([Patch("p1", {"price": 3.0})])
    assert encoder.encoded == 1


def _when_seen(data: Path) -> float:
    """In another process: when its searches first use the changed index, by the common clock."""

    async def follow() -> float:
        engine = EmbeddedEngine(shop_settings(data))
        try:
            await engine.view()
            (data / "following").touch()
            while not (await engine.view()).version.endswith(".1"):  # noqa: ASYNC110 - as searches do
                await asyncio.sleep(0.005)
            return time.monotonic()
        finally:
            await engine.close()

    return asyncio.run(follow())


def test_another_process_sees_a_batch_within_a_second(fast_path: Path) -> None:
    index(fast_path)
    reader = start(_when_seen, fast_path)
    while not (fast_path / "following").exists():
        time.sleep(0.01)
    writer(fast_path).apply([Upsert(Product(f"n{i}", f"blue lamp {i}")) for i in range(100)])
    applied = time.monotonic()
    assert reader.result() - applied < 1.0


def _apply_batches(data: Path, name: str) -> list[str]:
    live = writer(data)
    return [
        live.apply(
            [Upsert(Product(f"{name}-{i}", f"lamp {name}")), Patch("p1", {"stock": i})]
        ).version
        for i in range(5)
    ]


def test_batches_of_several_processes_take_turns(fast_path: Path) -> None:
    index(fast_path)
    running = [start(_apply_batches, fast_path, name) for name in ("a", "b", "c")]
    versions = [version for process in running for version in process.result()]
    assert len(set(versions)) == 15
    state = opened(shop_settings(fast_path))
    assert state.version.endswith(".15")
    expected = sorted(f"{name}-{i}" for name in "abc" for i in range(5))
    assert sorted(found_by_words(state, "lamp")) == expected


def test_changes_made_during_a_full_index_are_kept(fast_path: Path) -> None:
    index(fast_path)
    live = writer(fast_path)
    live.apply([Patch("p0", {"price": 99.0})])  # before: the new catalogue knows better
    moments: dict[tuple[str, int], list[Change]] = {
        ("words", 0): [Upsert(Product("new", "blue lamp")), Delete("p2")],
        ("encode", 0): [Patch("p3", {"price": 7.0}), Patch("gone", {"price": 1.0})],
        ("publish", 2): [Upsert(Product("late", "late lamp"))],
        ("publish", 3): [Patch("late", {"price": 8.0})],
    }

    def change(stage: str, done: int, total: int | None) -> None:
        if batch := moments.pop((stage, done), None):
            live.apply(batch)

    again = {name: Product(name, f"copper pot {name}", price=30.0) for name in ("p0", "p2", "p3")}
    build_index(
        Products(again.values()),
        shop_settings(fast_path),
        progress=change,
        encoder=WordHashCatalogueEncoder(),
    )
    assert not moments
    shop = {
        "p0": again["p0"],
        "p3": Product("p3", "copper pot p3", price=7.0),
        "new": Product("new", "blue lamp"),
        "late": Product("late", "late lamp", price=8.0),
    }
    assert_shows(opened(shop_settings(fast_path)), shop)


def test_changes_made_during_a_merge_are_kept(fast_path: Path) -> None:
    index(fast_path)
    live = writer(fast_path)
    live.apply([Upsert(Product("a", "blue lamp"))])
    moments: dict[tuple[str, int], list[Change]] = {
        ("words", 0): [Delete("a")],
        ("publish", 3): [Upsert(Product("b", "green lamp"))],
    }

    def change(stage: str, done: int, total: int | None) -> None:
        if batch := moments.pop((stage, done), None):
            live.apply(batch)

    version = fold(shop_settings(fast_path), change)
    assert not moments
    assert version == read_current(fast_path)
    assert_shows(opened(shop_settings(fast_path)), {**SHOP, "b": Product("b", "green lamp")})
    assert live.changed() == 2  # one ended, one added


def test_a_build_that_cannot_bring_changes_along_leaves_nothing_behind(fast_path: Path) -> None:
    version = index(fast_path)

    def stop(stage: str, done: int, total: int | None) -> None:
        if (stage, done) == ("publish", 3):
            raise KeyboardInterrupt

    writer(fast_path).apply([Delete("p0")])
    with pytest.raises(KeyboardInterrupt):
        fold(shop_settings(fast_path), stop)
    assert [entry.name for entry in (fast_path / "snapshots").iterdir()] == [version]
    expected = {name: product for name, product in SHOP.items() if name != "p0"}
    assert_shows(opened(shop_settings(fast_path)), expected)


def test_there_is_nothing_to_merge_without_changes(fast_path: Path) -> None:
    version = index(fast_path)
    assert fold(shop_settings(fast_path)) is None
    assert read_current(fast_path) == version


def test_a_damaged_log_is_refused_by_name_and_readers_keep_what_they_have(
    fast_path: Path,
) -> None:
    version = index(fast_path)
    live = writer(fast_path)
    live.apply([Delete("p0")])
    follower = OpenSnapshot(shop_settings(fast_path), version)
    state = follower.open_state()
    live.apply([Delete("p1")])
    content = bytearray(log_of(fast_path).read_bytes())
    content[-3] ^= 0xFF
    log_of(fast_path).write_bytes(content)
    with pytest.raises(IndexCorrupt, match=r"changes\.log is damaged at byte"):
        follower.advance()
    assert_shows(state, {name: product for name, product in SHOP.items() if name != "p0"})
    with pytest.raises(IndexCorrupt, match=r"changes\.log is damaged at byte"):
        writer(fast_path).apply([Delete("p2")])
    log_of(fast_path).write_bytes(b"")
    with pytest.raises(IndexCorrupt, match=r"changes\.log is"):
        writer(fast_path).apply([Delete("p2")])


def _apply_with_small_files(data: Path, limit: int) -> object:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return writer(data).apply([Upsert(Product("p1", "green lamp " * 50)), Delete("p2")])


@pytest.mark.parametrize("limit", [0, 200, 1_000, 3_000])
def test_a_disk_that_takes_no_more_applies_nothing_of_the_batch(
    fast_path: Path, limit: int
) -> None:
    index(fast_path)
    writer(fast_path).apply([Delete("p0")])
    failed = outcome(_apply_with_small_files, fast_path, limit)
    assert isinstance(failed, StorageFailed), failed
    shop = {name: product for name, product in SHOP.items() if name != "p0"}
    assert_shows(opened(shop_settings(fast_path)), shop)
    writer(fast_path).apply([Delete("p3")])
    del shop["p3"]
    assert_shows(opened(shop_settings(fast_path)), shop)


@pytest.mark.slow
def test_changing_and_merging_never_import_torch() -> None:
    code = "import sys, indexer.live, indexer.merge; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
