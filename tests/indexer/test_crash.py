"""`kill -9` at every step of a build, a merge and a batch of changes: what was served goes on
being served, whole, and the next run succeeds."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import indexer.live
from indexer.build import Products, build_index
from indexer.catalogue_encoder import CachedCatalogueEncoder
from indexer.encoding import CHUNK
from indexer.live import LiveWriter
from indexer.merge import fold
from search.types import Delete, Patch, Product, Upsert
from tests.indexer.processes import dies
from tests.indexer.shop import (
    WordHashCatalogueEncoder,
    WordHashEncoder,
    assert_shows,
    opened,
    shop_settings,
)

pytestmark = pytest.mark.slow

OLD = {f"p{i}": Product(f"p{i}", f"red kettle {i}", brand="Norrvik") for i in range(6)}
NEW = {f"p{i}": Product(f"p{i}", f"blue lamp {i}", brand="Tuvala") for i in range(3, 9)}
CHANGES = (Upsert(Product("p1", "green lamp")), Patch("p2", {"price": 20.0}), Delete("p3"))
CHANGED = {
    **{name: product for name, product in OLD.items() if name != "p3"},
    "p1": Product("p1", "green lamp"),
    "p2": Product("p2", "red kettle 2", brand="Norrvik", price=20.0),
}
BUILD_EVENTS = 16
"""Reports of progress in a build of this size; `test_the_number_of_reports` keeps it true."""


class KillAt:
    """Progress that kills its process at the n-th report."""

    def __init__(self, report: int) -> None:
        self.left = report

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


def index(data: Path, shop: dict[str, Product], kill_at: int | None = None) -> None:
    progress = None if kill_at is None else KillAt(kill_at)
    build_index(
        Products(shop.values()),
        shop_settings(data),
        progress=progress,
        encoder=WordHashCatalogueEncoder(),
    )


def merge(data: Path, kill_at: int) -> None:
    fold(shop_settings(data), KillAt(kill_at))


def change(data: Path, step: str) -> None:
    """Applies `CHANGES` and dies just before or after one of the writer's steps."""
    name, moment = step.split(" ")
    real: Callable[..., object] = getattr(indexer.live, name)

    def dying(*args: object, **kwargs: object) -> object:
        if moment == "after":
            real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    setattr(indexer.live, name, dying)
    LiveWriter(shop_settings(data), WordHashEncoder()).apply(CHANGES)


def assert_tidy(data: Path) -> None:
    assert not list((data / "building").iterdir())
    assert len(list((data / "snapshots").iterdir())) <= 2
    kept = {entry.name for entry in (data / "snapshots").iterdir()}
    assert {entry.name for entry in (data / "live").iterdir() if entry.is_dir()} <= kept


def test_the_number_of_reports(fast_path: Path) -> None:
    reports: list[tuple[str, int]] = []
    build_index(
        Products(OLD.values()),
        shop_settings(fast_path),
        progress=lambda stage, done, total: reports.append((stage, done)),
        encoder=WordHashCatalogueEncoder(),
    )
    assert [done for stage, done in reports if stage == "publish"] == [0, 1, 2, 3, 4, 5]
    assert {stage for stage, _ in reports} == {
        "read",
        "words",
        "encode",
        "vectors",
        "manifest",
        "publish",
    }
    assert len(reports) == BUILD_EVENTS


@pytest.mark.parametrize("report", range(BUILD_EVENTS))
def test_a_killed_build_leaves_the_old_snapshot_serving(fast_path: Path, report: int) -> None:
    index(fast_path, OLD)
    assert dies(index, fast_path, NEW, report)
    served = opened(shop_settings(fast_path))
    published = report >= BUILD_EVENTS - 2  # the last two reports follow the replaced CURRENT
    assert_shows(served, NEW if published else OLD)
    index(fast_path, NEW)
    assert_shows(opened(shop_settings(fast_path)), NEW)
    assert_tidy(fast_path)


@pytest.mark.parametrize("report", range(BUILD_EVENTS - 4))
def test_a_killed_merge_loses_no_change(fast_path: Path, report: int) -> None:
    settings = shop_settings(fast_path)
    index(fast_path, OLD)
    LiveWriter(settings, WordHashEncoder()).apply(CHANGES)
    assert dies(merge, fast_path, report)
    assert_shows(opened(settings), CHANGED)
    fold(settings)
    assert_shows(opened(settings), CHANGED)
    assert_tidy(fast_path)


@pytest.mark.parametrize(
    "step",
    [
        "_append before",
        "_append after",
        "write_words after",
        "replace_file after",
        "prune_words after",
    ],
)
def test_a_killed_change_is_applied_whole_or_not_at_all(fast_path: Path, step: str) -> None:
    settings = shop_settings(fast_path)
    index(fast_path, OLD)
    assert dies(change, fast_path, step)
    named = step in ("replace_file after", "prune_words after")
    assert_shows(opened(settings), CHANGED if named else OLD)
    LiveWriter(settings, WordHashEncoder()).apply([Upsert(Product("p9", "late lamp"))])
    logged = step != "_append before"
    expected = CHANGED if logged else OLD
    assert_shows(opened(settings), {**expected, "p9": Product("p9", "late lamp")})


class KillWhileEncoding:
    """Progress that kills its process once some texts are encoded and kept."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage == "encode" and 0 < done < (total or 0):
            os.kill(os.getpid(), signal.SIGKILL)


def encode_many(data: Path, encoder: WordHashEncoder, *, killed: bool) -> None:
    build_index(
        Products(Product(f"p{i}", f"kettle number {i}") for i in range(CHUNK + 300)),
        shop_settings(data),
        progress=KillWhileEncoding() if killed else None,
        encoder=CachedCatalogueEncoder(encoder, data / "cache"),
    )


def encode_and_die(data: Path) -> None:
    encode_many(data, WordHashEncoder(), killed=True)


def test_interrupted_encoding_goes_on_where_it_stopped(fast_path: Path) -> None:
    assert dies(encode_and_die, fast_path)
    encoder = WordHashEncoder()
    encode_many(fast_path, encoder, killed=False)
    assert encoder.encoded == 300
    assert opened(shop_settings(fast_path)).count == CHUNK + 300
    encode_many(fast_path, encoder, killed=False)
    assert encoder.encoded == 300
