"""The understanding of each snapshot: opened once, in the background, and never in the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from query.normalize import normalize_query
from query.text import words
from query.understanding import Understanding
from search.build import open_search
from search.engines.local.layout import DataLayout, stamp
from search.engines.local.manifest import encode_manifest, measure_parts, read_manifest
from search.seams import View
from search.settings import Settings
from search.types import Product, Query, SearchRequest
from search.understandings import Understandings
from tests.search.engines import shops
from tests.search.test_pipeline import pipeline


@dataclass(frozen=True)
class Snapshot:
    """As much of a view as its understanding depends on."""

    understanding: Path | None
    version: str = "v"
    recent: tuple[str, ...] = ()


def view(place: str | None, version: str = "v", recent: tuple[str, ...] = ()) -> View:
    return cast(View, Snapshot(None if place is None else Path(place), version, recent))


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Opener:
    """Opens a new understanding for each directory but those named broken, when allowed to."""

    def __init__(self, *broken: str) -> None:
        self.broken, self.opened = set(map(Path, broken)), list[Path | None]()
        self.allowed = threading.Event()
        self.allowed.set()

    def __call__(self, directory: Path | None) -> Understanding:
        self.allowed.wait(10)
        self.opened.append(directory)
        if directory in self.broken:
            raise ValueError("a file of it is not what it was")
        return Understanding()


def test_a_new_snapshots_understanding_is_never_waited_for() -> None:
    opener = Opener()
    known = Understandings(opener, words)
    first = known.of(view("a"))
    opener.allowed.clear()
    started = time.perf_counter()
    assert all(known.of(view("b")) is first for _ in range(5))
    assert time.perf_counter() - started < 0.5
    opener.allowed.set()
    eventually(lambda: known.of(view("b")) is not first)
    assert known.of(view("a")) is first
    assert opener.opened == [Path("a"), Path("b")]


def test_a_snapshot_without_understanding_takes_over_too() -> None:
    opener = Opener()
    known = Understandings(opener, words)
    first = known.of(view("a"))
    eventually(lambda: known.of(view(None)) is not first)


def test_what_cannot_be_opened_leaves_the_one_before(caplog: pytest.LogCaptureFixture) -> None:
    opener = Opener("b")
    known = Understandings(opener, words)
    first = known.of(view("a"))
    known.of(view("b"))
    eventually(lambda: "b cannot be opened" in caplog.text)
    assert known.of(view("b")) is first
    assert not known.unavailable(view("b"))
    assert opener.opened == [Path("a"), Path("b")]
    eventually(lambda: known.of(view("c")) is not first)


def test_words_are_searched_as_typed_until_something_can_be_opened() -> None:
    known = Understandings(Opener("a"), words)
    fallback = known.of(view("a"))
    assert fallback.understand(Query("Red Kettle")) == normalize_query(Query("Red Kettle"))
    assert known.unavailable(view("a"))
    eventually(lambda: known.of(view("b")) is not fallback)
    assert not known.unavailable(view("b"))


def test_words_of_live_changes_are_known_from_then_on() -> None:
    known = Understandings(Opener(), words)
    assert known.recent(view("a", "s")) == frozenset()
    assert known.recent(view("a", "s.1", ("Zorbex Kettle",))) == {"zorbex", "kettle"}
    further = view("a", "s.2", ("Zorbex Kettle", "Blue Qwil"))
    assert known.recent(further) == {"zorbex", "kettle", "blue", "qwil"}
    assert known.recent(view("a", "t")) == frozenset()


def damage_understanding(data: Path, version: str) -> None:
    """Gives a snapshot an understanding whose parts hold nothing they should."""
    layout = DataLayout(data).snapshot(version)
    for part in ("spelling", "phrases", "entities", "expansion", "intent"):
        (layout.understanding / part).mkdir(parents=True)
        (layout.understanding / part / "junk.bin").write_bytes(b"\x00junk")
    stamp(layout.understanding, version)
    manifest = read_manifest(layout.root)
    parts = measure_parts(layout.root)
    layout.manifest.write_bytes(encode_manifest(replace(manifest, parts=parts)))


async def test_a_broken_understanding_does_not_stop_serving(tmp_path: Path) -> None:
    version = shops.build(tmp_path, [Product("a", "Red kettle")])
    damage_understanding(tmp_path, version)
    search = await open_search(Settings(data=tmp_path))
    answer = await search.search(SearchRequest("red kettle", system="bm25"))
    assert [hit.product.id for hit in answer.hits] == ["a"]
    raw = await search.search(SearchRequest("red kettle", system="bm25-raw"))
    assert raw.fallbacks == ()
    await search.close()


async def test_the_answer_says_that_words_were_searched_as_typed(tmp_path: Path) -> None:
    shops.build(tmp_path, [Product("a", "Red kettle")])
    search = pipeline(tmp_path, frozenset({"words"}), None)
    opened: list[int] = []
    broken = Understandings(lambda directory: _failing_once(opened), words)
    answer = await replace(search, understandings=broken).search(SearchRequest("red kettle"))
    assert answer.fallbacks == ("understanding unavailable: words as typed",)
    assert [hit.product.id for hit in answer.hits] == ["a"]
    await search.engine.close()


def _failing_once(opened: list[int]) -> Understanding:
    opened.append(1)
    if len(opened) == 1:
        raise OSError("cannot be read")
    return Understanding()
