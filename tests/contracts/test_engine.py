"""What every engine must do, run over the registry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from search.engines import ENGINES
from search.errors import BadInput, CursorExpired, IndexMissing
from search.seams import Engine, View
from search.settings import Settings
from search.types import Delete, Filter, Patch, Product, Query, Ranking, Upsert
from tests.contracts.engines import PUBLISH, name
from tests.search.engines import shops

__all__ = ["name"]
PRODUCTS = [
    Product("a", "Red kettle", brand="Acme", price=30.0, category=("Home", "Kitchen")),
    Product("b", "Blue kettle", brand="Bo", price=20.0, stock=0),
    Product("c", "Red lamp", brand="Acme", category=("Home",)),
]
VECTORS = np.eye(3, 8, dtype=np.float32)
KETTLE = Query("kettle", "kettle", ("kettle",))


@pytest.fixture
async def engine(name: str, tmp_path: Path) -> AsyncIterator[Engine]:
    PUBLISH[name](tmp_path, PRODUCTS, VECTORS)
    opened = ENGINES[name](Settings(data=tmp_path, threads=2))
    yield opened
    await opened.close()


async def test_nothing_indexed_says_what_to_do(name: str, tmp_path: Path) -> None:
    engine = ENGINES[name](Settings(data=tmp_path / "none"))
    with pytest.raises(IndexMissing, match="aisle index"):
        await engine.view()
    await engine.close()


async def test_words_meaning_and_filters_agree(engine: Engine) -> None:
    view = await engine.view()
    assert view.count == 3
    red = (Filter("brand", ("Acme",)),)
    words = await view.words(KETTLE, red, 10)
    assert [p.id for p in await view.products(words.ranking.ordinals)] == ["a"]
    near = await view.meaning(VECTORS[2], red, 10)
    assert [p.id for p in await view.products(near.ordinals)] == ["c", "a"]
    assert near.scores[0] == pytest.approx(1.0, abs=0.01)
    assert near.ordinals.dtype == np.int32
    assert near.scores.dtype == np.float32


async def test_products_come_back_as_they_went_in(engine: Engine) -> None:
    view = await engine.view()
    ordinals = [await view.find(product.id) for product in PRODUCTS]
    assert await view.products(np.array(ordinals, np.int32)[::-1]) == PRODUCTS[::-1]
    assert await view.find("nothing") is None
    vector = await view.vector(ordinals[1] or 0)
    assert vector == pytest.approx(VECTORS[1], abs=0.01)


async def test_columns_stand_by_ordinal(engine: Engine) -> None:
    view = await engine.view()
    place = await view.find("a")
    assert view.columns.numbers("price")[place] == 30
    code = int(view.columns.codes("category")[place or 0])
    assert view.columns.values("category")[code] == "Home > Kitchen"
    assert np.isnan(view.columns.numbers("price")).sum() == 1


async def test_sorting_puts_unknown_prices_last(engine: Engine) -> None:
    view = await engine.view()
    found = await view.sorted_words(Query(""), (), "price_asc", 10)
    assert [p.id for p in await view.products(found.ranking.ordinals)] == ["b", "a", "c"]


async def test_facets_count_words_and_what_else_was_found(engine: Engine) -> None:
    view = await engine.view()
    also = np.array([await view.find("c")], np.int32)
    total, (brand, stock) = await view.facets(KETTLE, (), also, ("brand", "in_stock"))
    assert total == 3
    assert [(v.value, v.count) for v in brand.values] == [("Acme", 2), ("Bo", 1)]
    assert [(v.value, v.count) for v in stock.values] == [("true", 2), ("false", 1)]


async def test_an_unknown_filter_is_refused(engine: Engine) -> None:
    view = await engine.view()
    with pytest.raises(BadInput, match="unknown filter"):
        await view.words(KETTLE, (Filter("colour", ("red",)),), 10)


async def test_a_new_catalogue_is_served_and_the_old_view_stays(
    engine: Engine, name: str, tmp_path: Path
) -> None:
    old = await engine.view()
    PUBLISH[name](tmp_path, PRODUCTS[:1], None)
    for _ in range(100):
        if (await engine.view()).version != old.version:
            break
        await asyncio.sleep(0.05)
    new = await engine.view()
    assert (new.count, old.count) == (1, 3)
    assert await engine.view(old.version) is old
    assert len((await old.words(KETTLE, (), 10)).ranking) == 2
    assert len(await new.meaning(VECTORS[0], (), 10)) == 0
    with pytest.raises(CursorExpired, match="first page"):
        await engine.view("20200101T000000-0000")


async def _shown(view: View) -> tuple[object, ...]:
    """What a shopper sees of kettles: the best, the cheapest, brands with their counts."""
    best = (await view.words(KETTLE, (), 10)).ranking.ordinals
    cheapest = (await view.sorted_words(KETTLE, (), "price_asc", 10)).ranking.ordinals
    nobody = Ranking.empty().ordinals
    facets = await view.facets(KETTLE, (), nobody, ("brand", "price"))
    return await view.products(best), await view.products(cheapest), facets


async def test_changes_are_seen_by_the_next_view_alone(name: str, tmp_path: Path) -> None:
    PUBLISH[name](tmp_path, PRODUCTS, None)
    engine = ENGINES[name](Settings(data=tmp_path))
    old = await engine.view()
    before = await _shown(old)
    await asyncio.to_thread(
        shops.change, tmp_path, [Delete("a"), Upsert(Product("d", "Green kettle", price=5.0))]
    )
    await asyncio.to_thread(shops.change, tmp_path, [Patch("b", {"price": 1.0, "brand": "Cy"})])
    new = await engine.refresh()
    assert new.version.startswith(old.version)
    found = await new.sorted_words(KETTLE, (), "price_asc", 10)
    assert [p.id for p in await new.products(found.ranking.ordinals)] == ["b", "d"]
    assert await new.find("a") is None
    # Pages that were begun go on in the state that they began in.
    assert await _shown(old) == before
    assert await engine.view(old.version) is old
    assert await old.find("a") is not None
    assert (new.count, old.count) == (3, 3)
    await engine.close()
