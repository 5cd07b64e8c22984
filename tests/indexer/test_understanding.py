"""Understanding as the index job builds it: with the snapshot, whole, or not at all."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.build import Products, build_index
from indexer.live import LiveWriter
from indexer.merge import fold
from query.registry import builders
from query.understanding import Understanding
from search.build import open_search
from search.engines.local.layout import DataLayout, SnapshotLayout, read_current
from search.engines.local.manifest import verify
from search.errors import BadInput
from search.types import Product, Query, SearchRequest, Upsert
from tests.indexer.processes import dies
from tests.indexer.shop import WordHashCatalogueEncoder, WordHashEncoder, shop_settings

SHOP = [
    Product(
        f"p{i}",
        f"{brand} {color} {noun} {i} cm",
        brand=brand,
        color=color,
        category=("Home", f"{noun}s"),
        price=10.0 + i,
        attributes={"lid": i % 2 == 0},
    )
    for i in range(60)
    for brand in [("Norrvik", "Tuvala", "Korvita")[i % 3]]
    for color in [("red", "blue")[i % 2]]
    for noun in [("kettle", "teapot", "lamp", "vase")[i % 4]]
]
ODD = (
    "",
    " ",
    "\0\x01",
    "🫖",
    "чайник 水壶 kettle",
    "x" * 3000,
    "kettle " * 600,
    "\"$-/\\'",
    "under",
)


def index(data: Path, shop: list[Product]) -> SnapshotLayout:
    settings = shop_settings(data, understanding=True)
    report = build_index(Products(shop), settings, encoder=WordHashCatalogueEncoder())
    return DataLayout(data).snapshot(report.version)


class KillAt:
    """Progress that kills its process when understanding has got so far."""

    def __init__(self, parts: int) -> None:
        self.parts = parts

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage == "understanding" and done == self.parts:
            os.kill(os.getpid(), signal.SIGKILL)


def killed(data: Path, parts: int) -> None:
    settings = shop_settings(data, understanding=True)
    build_index(
        Products(SHOP), settings, progress=KillAt(parts), encoder=WordHashCatalogueEncoder()
    )


@pytest.mark.slow
def test_every_part_is_in_the_snapshot_and_checked_with_it(tmp_path: Path) -> None:
    layout = index(tmp_path, SHOP)
    assert {p.name for p in layout.understanding.iterdir() if p.is_dir()} == set(builders())
    parts = verify(layout.root, full=True).parts
    assert any(name.startswith("understanding/spelling/") for name in parts)


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_the_smallest_catalogues_can_be_understood(tmp_path: Path, count: int) -> None:
    bare = [Product(f"p{i}", "kettle") for i in range(count)]
    understanding = Understanding.open(index(tmp_path, bare).understanding)
    for text in (*ODD, "red kettle under $20 without lid"):
        query = understanding.refine(understanding.understand(Query(text)), None)
        assert not [note for note in query.rewrites if "failed" in note], text


@pytest.mark.slow
def test_odd_queries_are_understood_without_a_failure(tmp_path: Path) -> None:
    understanding = Understanding.open(index(tmp_path, SHOP).understanding)
    for text in ODD:
        query = understanding.refine(understanding.understand(Query(text)), None)
        assert not [note for note in query.rewrites if "failed" in note], text


@pytest.mark.slow
@pytest.mark.parametrize("parts", [0, 3, 6])
def test_a_kill_while_learning_leaves_the_old_snapshot(tmp_path: Path, parts: int) -> None:
    index(tmp_path, SHOP[:8])
    served = read_current(tmp_path)
    assert dies(killed, tmp_path, parts)
    assert read_current(tmp_path) == served
    assert index(tmp_path, SHOP).root.name == read_current(tmp_path)


@pytest.mark.slow
def test_a_list_that_cannot_be_used_is_named_and_the_old_snapshot_stays(tmp_path: Path) -> None:
    index(tmp_path, SHOP)
    served = read_current(tmp_path)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "synonyms.txt").write_text("sofa, couch\na => b => c\n")
    with pytest.raises(BadInput, match=r"synonyms\.txt.*2"):
        index(tmp_path, SHOP)
    assert read_current(tmp_path) == served


@pytest.mark.slow
async def test_words_of_products_added_since_are_known(tmp_path: Path) -> None:
    index(tmp_path, SHOP)
    settings = shop_settings(tmp_path, understanding=True)
    added = replace(SHOP[0], id="new", title="Kettel Original", brand="Kettel")
    LiveWriter(settings, WordHashEncoder()).apply([Upsert(added)])
    search = await open_search(settings)
    try:
        found = await search.search(SearchRequest("kettel original"))
        assert found.query.terms == ("kettel", "original")
        assert found.hits[0].product.id == "new"
    finally:
        await search.close()
    version = fold(settings)
    assert version is not None
    assert DataLayout(tmp_path).snapshot(version).understanding.is_dir()
