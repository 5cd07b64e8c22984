"""Where streams of changes stand is part of the index: it moves with the changes, or not at all."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import indexer.live
from indexer.build import Products, build_index
from indexer.live import LiveWriter
from indexer.merge import fold
from indexer.reading import PositionsMoved, Reading
from search.engines.local.layout import read_current
from search.engines.local.live import UNCHANGED, encode_state, read_state
from search.engines.local.positions import ANY, UNREAD, Position
from search.types import Delete, Patch, Product, Upsert
from tests.indexer.processes import dies
from tests.indexer.shop import (
    WordHashCatalogueEncoder,
    WordHashEncoder,
    assert_shows,
    opened,
    shop_settings,
)

SHOP = {f"p{i}": Product(f"p{i}", f"red kettle {i}") for i in range(4)}
STREAM = "kafka:c/changes/0"


def index(data: Path, changes_since: float | None = None) -> None:
    build_index(
        Products(SHOP.values()),
        shop_settings(data),
        encoder=WordHashCatalogueEncoder(),
        changes_since=changes_since,
    )


def writer(data: Path) -> LiveWriter:
    return LiveWriter(shop_settings(data), WordHashEncoder())


def reading(before: int | None, after: int, time: float = 5.0) -> Reading:
    return Reading({STREAM: before}, {STREAM: Position(after, time, 7)})


def test_positions_come_back_as_written(fast_path: Path) -> None:
    index(fast_path)
    assert writer(fast_path).positions() == {}
    writer(fast_path).apply([Delete("p0")], reading(None, 3))
    other = Reading({"kafka:c/changes/1": None}, {"kafka:c/changes/1": Position(9)})
    writer(fast_path).apply([Delete("p1")], other)
    expected = {STREAM: Position(3, 5.0, 7), "kafka:c/changes/1": Position(9)}
    assert writer(fast_path).positions() == expected
    assert b"positions" not in encode_state(UNCHANGED)  # as earlier versions read it


def test_changes_that_change_nothing_move_the_position(fast_path: Path) -> None:
    index(fast_path)
    keeping = writer(fast_path)
    keeping.positions()
    version = writer(fast_path).apply([Delete("nobody")], reading(None, 1)).version
    assert version == read_current(fast_path)
    writer(fast_path).apply([], reading(1, 2))
    # One that wrote before must not bring the earlier position back.
    keeping.apply([Delete("p0")])
    assert writer(fast_path).positions()[STREAM].offset == 2
    assert_shows(opened(shop_settings(fast_path)), {k: v for k, v in SHOP.items() if k != "p0"})


@pytest.mark.parametrize("before", [None, 1, 4])
def test_what_was_read_from_elsewhere_is_refused(fast_path: Path, before: int | None) -> None:
    index(fast_path)
    writer(fast_path).apply([Delete("p0")], reading(None, 3))
    with pytest.raises(PositionsMoved, match="stands at 3"):
        writer(fast_path).apply([Delete("p1")], reading(before, 5))
    assert writer(fast_path).positions()[STREAM].offset == 3
    assert opened(shop_settings(fast_path)).find("p1") is not None


def test_a_fold_and_a_full_index_keep_positions(fast_path: Path) -> None:
    index(fast_path)
    writer(fast_path).apply([Patch("p0", {"price": 2.0})], reading(None, 3))
    assert fold(shop_settings(fast_path)) is not None
    assert writer(fast_path).positions() == {STREAM: Position(3, 5.0, 7)}
    index(fast_path)
    assert writer(fast_path).positions() == {STREAM: Position(3, 5.0, 7)}
    writer(fast_path).apply([Patch("p0", {"price": 3.0})], reading(3, 4))
    shop = {**SHOP, "p0": replace(SHOP["p0"], price=3.0)}
    assert_shows(opened(shop_settings(fast_path)), shop)


def test_changes_accepted_while_a_fold_runs_bring_their_positions(fast_path: Path) -> None:
    index(fast_path)
    writer(fast_path).apply([Delete("p0")], reading(None, 3))

    def meanwhile(stage: str, done: int, total: int | None) -> None:
        if (stage, done) == ("publish", 2):
            writer(fast_path).apply([Upsert(Product("new", "blue lamp"))], reading(3, 8))
        if (stage, done) == ("publish", 3):
            writer(fast_path).apply([Delete("nobody")], reading(8, 9))

    fold(shop_settings(fast_path), meanwhile)
    assert writer(fast_path).positions()[STREAM].offset == 9
    assert opened(shop_settings(fast_path)).find("new") is not None


def test_a_full_index_of_an_older_file_reads_again(fast_path: Path) -> None:
    index(fast_path)
    writer(fast_path).apply([Delete("p0")], reading(None, 3))
    index(fast_path, changes_since=1_000.0)
    assert writer(fast_path).positions() == {ANY: Position(UNREAD, 1_000.0)}
    writer(fast_path).apply([Delete("p0")], reading(None, 2))
    assert writer(fast_path).positions() == {STREAM: Position(2, 5.0, 7)}


def changed_and_killed(data: Path, step: str) -> None:
    name, moment = step.split(" ")
    real: Callable[..., object] = getattr(indexer.live, name)

    def dying(*args: object, **kwargs: object) -> object:
        if moment == "after":
            real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    setattr(indexer.live, name, dying)
    writer(data).apply([Delete("p0"), Patch("p1", {"price": 1.0})], reading(None, 2))


@pytest.mark.parametrize(
    ("step", "kept"),
    [("_append before", False), ("_append after", True), ("write_words after", True),
     ("replace_file before", True), ("replace_file after", True)],
)  # fmt: skip
def test_after_a_kill_changes_and_position_agree(fast_path: Path, step: str, kept: bool) -> None:
    index(fast_path)
    assert dies(changed_and_killed, fast_path, step)
    assert (writer(fast_path).positions() == {STREAM: Position(2, 5.0, 7)}) is kept
    assert (opened(shop_settings(fast_path)).find("p0") is None) is kept


def test_a_state_that_is_remade_from_the_log_knows_its_positions(fast_path: Path) -> None:
    index(fast_path)
    writer(fast_path).apply([Delete("p0")], reading(None, 3))
    live = fast_path / "live" / read_current(fast_path)
    (live / "state.json").unlink()
    assert writer(fast_path).positions() == {STREAM: Position(3, 5.0, 7)}
    assert read_state(live).sequence == 1
