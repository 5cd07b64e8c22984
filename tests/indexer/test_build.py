"""A full index: every row accounted for, published whole, and harmless when the disk refuses."""

from __future__ import annotations

import os
import resource
import threading
from pathlib import Path

import numpy as np
import orjson
import pytest

from indexer.build import BuildReport, Products, build_index
from indexer.catalogue import open_catalogue
from indexer.lock import build_lock
from search.engines.local.layout import DataLayout
from search.engines.local.manifest import verify
from search.errors import IndexBusy, StorageFailed, TooManyRejects
from search.types import Product
from tests.indexer.processes import outcome
from tests.indexer.shop import (
    WordHashCatalogueEncoder,
    assert_shows,
    found_by_words,
    opened,
    shop_settings,
)

SHOP = {f"p{i}": Product(f"p{i}", f"red kettle {i}", brand="Norrvik", price=i) for i in range(30)}


def index(data: Path, shop: dict[str, Product]) -> BuildReport:
    encoder = WordHashCatalogueEncoder()
    return build_index(Products(shop.values()), shop_settings(data), encoder=encoder)


def test_a_catalogue_becomes_an_index_that_shows_it(fast_path: Path) -> None:
    report = index(fast_path, SHOP)
    assert (report.read, report.indexed, report.rejected) == (30, 30, 0)
    assert report.recall == 1.0
    assert_shows(opened(shop_settings(fast_path)), SHOP)
    manifest = verify(DataLayout(fast_path).snapshot(report.version).root, full=True)
    assert manifest.encoder == "word-hash"
    assert report.bytes == sum(part.size for part in manifest.parts.values())


@pytest.mark.parametrize("shop", [{}, {"only": Product("only", "red kettle")}], ids=["none", "one"])
def test_the_smallest_catalogues_give_sound_indexes(
    fast_path: Path, shop: dict[str, Product]
) -> None:
    assert index(fast_path, shop).indexed == len(shop)
    assert_shows(opened(shop_settings(fast_path)), shop)


def test_every_row_is_indexed_or_reported(fast_path: Path) -> None:
    rows = [
        {"id": "a", "title": "first kettle"},
        {"id": "b", "title": "lamp", "price": "cheap"},
        {"id": "a", "title": "second kettle"},
        {"title": "nameless"},
        {"id": "a", "title": "third kettle"},
    ]
    source = fast_path / "shop.jsonl"
    source.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    data = fast_path / "data"
    with open_catalogue(
        [source], preset="aisle", mapping_file=None, rejects_path=data / "rejects" / "new.jsonl"
    ) as catalogue:
        report = build_index(catalogue, shop_settings(data))
    assert (report.read, report.indexed, report.rejected, report.duplicates) == (5, 1, 4, 2)
    rejected = [orjson.loads(line) for line in report.rejects.read_bytes().splitlines()]
    assert sorted((row["line"], row["field"]) for row in rejected) == [
        (1, "id"),
        (2, "price"),
        (3, "id"),
        (4, "id"),
    ]
    duplicate = next(row for row in rejected if row["line"] == 3)
    assert "line 3 of" in duplicate["reason"]
    assert "line 5 of" in duplicate["reason"]
    assert report.rejects == DataLayout(data).rejects(report.version)
    assert found_by_words(opened(shop_settings(data)), "third kettle") == ["a"]


def test_a_wrong_mapping_stops_and_leaves_what_was_there(fast_path: Path) -> None:
    data = fast_path / "data"
    index(data, SHOP)
    source = fast_path / "bad.jsonl"
    source.write_bytes(b'{"id":"a","title":"t","price":"x"}\n' * 50)
    with (
        open_catalogue(
            [source],
            preset="aisle",
            mapping_file=None,
            rejects_path=data / "rejects" / "new.jsonl",
            max_rejects=5,
        ) as catalogue,
        pytest.raises(TooManyRejects),
    ):
        build_index(catalogue, shop_settings(data))
    assert_shows(opened(shop_settings(data)), SHOP)
    assert not list((data / "building").iterdir())


def test_the_snapshot_before_is_kept_and_older_ones_removed(fast_path: Path) -> None:
    versions = [index(fast_path, SHOP).version for _ in range(4)]
    assert versions == sorted(versions)
    assert {entry.name for entry in (fast_path / "snapshots").iterdir()} == set(versions[2:])
    assert {entry.stem for entry in (fast_path / "rejects").iterdir()} == set(versions[2:])


def test_a_reader_goes_on_when_its_snapshot_is_removed(fast_path: Path) -> None:
    index(fast_path, SHOP)
    reader = opened(shop_settings(fast_path))
    for _ in range(3):
        index(fast_path, {})
    assert_shows(reader, SHOP)


def test_a_second_builder_is_told_who_builds(fast_path: Path) -> None:
    index(fast_path, SHOP)
    with build_lock(fast_path), pytest.raises(IndexBusy, match=rf"process {os.getpid()}\b"):
        index(fast_path, {})
    index(fast_path, {})


def test_words_are_not_written_on_after_encoding_failed(fast_path: Path) -> None:
    class Failing(WordHashCatalogueEncoder):
        def encode(self, *_: object) -> np.ndarray:
            raise RuntimeError("the encoder broke")

    stages: list[str] = []
    with pytest.raises(RuntimeError, match="the encoder broke"):
        build_index(
            Products(SHOP.values()),
            shop_settings(fast_path),
            encoder=Failing(),
            progress=lambda stage, done, total: stages.append(stage),
        )
    assert "publish" not in stages
    assert not (fast_path / "CURRENT").exists()
    assert threading.active_count() < 20


def _index_with_small_files(data: Path, limit: int) -> object:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return index(data, SHOP)


@pytest.mark.parametrize("limit", [0, 64, 700, 1_500, 3_000])
def test_a_disk_that_takes_no_more_is_reported_and_harms_nothing(
    fast_path: Path, limit: int
) -> None:
    index(fast_path, SHOP)
    failed = outcome(_index_with_small_files, fast_path, limit)
    assert isinstance(failed, StorageFailed), failed
    assert "ulimit -f" in str(failed)
    assert "unchanged" in str(failed)
    assert_shows(opened(shop_settings(fast_path)), SHOP)
    assert not list((fast_path / "building").iterdir())
    index(fast_path, {})


def test_a_data_directory_that_is_a_file_is_named(fast_path: Path) -> None:
    (fast_path / "taken").write_text("")
    with pytest.raises(StorageFailed, match=r"taken.*choose another --data"):
        index(fast_path / "taken" / "data", SHOP)
