"""What is served while the index changes: one version each time, and the old one when the new is
damaged."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from indexer.analysis import encoder_text
from indexer.live import LiveWriter
from search import fallbacks
from search.build import open_search
from search.engines.embedded.engine import EmbeddedEngine
from search.engines.embedded.view import EmbeddedView
from search.engines.local import following as following_engine
from search.engines.local.layout import DataLayout
from search.errors import CursorExpired, IndexCorrupt
from search.settings import Settings
from search.types import (
    Change,
    Delete,
    Filter,
    Patch,
    Product,
    Query,
    SearchRequest,
    Upsert,
    Vector,
)
from tests.indexer.shop import WordHashEncoder
from tests.search.engines.shops import build, change, understood

SEARCHERS = 6
NONE = np.empty(0, np.int32)
KETTLES = understood("kettle")


def edition(number: int, size: int = 30) -> list[Product]:
    """A catalogue in which every product tells which edition it belongs to, and of which no other
    edition has as many products."""
    return [
        Product(f"p{i}", "Steel kettle", brand=f"edition {number}", price=float(number))
        for i in range(size + number)
    ]


async def seen(view: EmbeddedView) -> tuple[set[str], ...]:
    """The editions that each kind of search finds in a view."""
    found = await view.words(KETTLES, (), 100)
    dearest = await view.sorted_words(KETTLES, (), "price_desc", 100)
    products = await view.products(found.ranking.ordinals)
    prices = view.columns.numbers("price")[dearest.ranking.ordinals]
    total, (brands,) = await view.facets(KETTLES, (), NONE, ("brand",))
    browsed, (all_brands,) = await view.facets(Query(""), (), NONE, ("brand",))
    sizes = {view.count, total, browsed, len(products), len(prices)}
    assert len(sizes) == 1, (view.version, sizes)
    counted = [f"{v.value}: {v.count}" for f in (brands, all_brands) for v in f.values]
    return (
        {product.brand or "" for product in products},
        {f"edition {price:.0f}" for price in prices},
        {text.partition(":")[0] for text in counted if text.endswith(f": {view.count}")},
        {text.partition(":")[0] for text in counted},
    )


async def search_until(done: asyncio.Event, engine: EmbeddedEngine) -> dict[str, set[str]]:
    """Searches again and again; the editions found, by version."""
    found: dict[str, set[str]] = {}
    while not done.is_set():
        view = await engine.view()
        for editions in await seen(view):
            found.setdefault(view.version, set()).update(editions)
    return found


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EmbeddedEngine]:
    build(tmp_path, edition(0))
    opened = EmbeddedEngine(Settings(data=tmp_path, threads=4))
    yield opened
    await opened.close()


async def test_searches_during_swaps_and_changes_see_one_version_each(
    engine: EmbeddedEngine, tmp_path: Path
) -> None:
    done = asyncio.Event()
    views = [await engine.view()]
    searchers = [asyncio.create_task(search_until(done, engine)) for _ in range(SEARCHERS)]
    writer = LiveWriter(Settings(data=tmp_path))
    for number in range(1, 7):
        if number % 3 == 0:
            await asyncio.to_thread(build, tmp_path, edition(number))
        else:
            changes = [Upsert(product) for product in edition(number)]
            await asyncio.to_thread(writer.apply, changes)
        views.append(await engine.refresh())
    done.set()
    found = await asyncio.gather(*searchers)
    expected = {view.version: {f"edition {n}"} for n, view in enumerate(views)}
    assert len(expected) == len(views)
    for one in found:
        assert one == {version: expected[version] for version in one}
    assert len({version for one in found for version in one}) > len(views) // 2
    again = await asyncio.gather(*map(seen, views))
    assert [set.union(*editions) for editions in again] == list(expected.values())


async def test_a_cursor_goes_on_in_its_own_version_or_the_next_when_newer_ones_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following_engine, "KEPT_VIEWS", 2)
    build(tmp_path, edition(0))
    search = await open_search(Settings(data=tmp_path))
    first = await search.search(SearchRequest("kettle", size=1))
    following = SearchRequest("kettle", size=1, cursor=first.cursor)
    writer = LiveWriter(Settings(data=tmp_path))
    for number in range(2):
        writer.apply([Delete(f"p{number}")])
        await search.engine.refresh()
        second = await search.search(following)
        assert (second.version, second.hits[0].position) == (first.version, 2)
        assert fallbacks.CHANGED not in second.fallbacks
    for sequence in (1, 2):
        writer.apply([Delete(f"p{sequence + 2}")])
        await search.engine.refresh()
        third = await search.search(following)
        assert (third.version, third.hits[0].position) == (f"{first.version}.{sequence}", 2)
        assert fallbacks.CHANGED in third.fallbacks
    for number in range(3):
        build(tmp_path, edition(number))
        await search.engine.refresh()
    with pytest.raises(CursorExpired, match="first page"):
        await search.search(following)
    await search.close()


async def test_a_process_that_is_behind_answers_with_what_it_has(engine: EmbeddedEngine) -> None:
    here = await engine.view()
    assert await engine.view(f"{here.version}.7") is here
    with pytest.raises(CursorExpired, match="first page"):
        await engine.view("another.7")


async def test_a_replaced_version_is_let_go_after_its_time_though_nothing_changes(
    engine: EmbeddedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following_engine, "KEPT_SECONDS", 0.3)
    old = await engine.view()
    change(tmp_path, [Delete("p0")])
    new = await engine.refresh()
    assert await engine.view(old.version) is old
    await asyncio.sleep(0.31)
    await engine.refresh()
    assert await engine.view(old.version) is new
    assert await engine.view() is new
    assert len((await old.words(KETTLES, (), 100)).ranking) == 30


class Encoder(WordHashEncoder):
    """The encoder that `build` names in an index with vectors."""

    name = "test"

    def one(self, text: str) -> Vector:
        """The vector of a text."""
        vector: Vector = self.encode([text])[0]
        return vector


async def best(view: EmbeddedView, vector: Vector, *filters: Filter) -> list[tuple[str, float]]:
    near = await view.meaning(vector, filters, 10)
    products = await view.products(near.ordinals)
    return [
        (product.id, round(score, 2))
        for product, score in zip(products, near.scores.tolist(), strict=True)
    ]


async def test_meaning_follows_live_changes(tmp_path: Path) -> None:
    encoder = Encoder()
    kettle, lamp, desk = (Product(i, i) for i in ("kettle", "lamp", "desk"))
    texts = [encoder_text(product) for product in (kettle, lamp, desk)]
    build(tmp_path, [kettle, lamp, desk], encoder.encode(texts))
    engine = EmbeddedEngine(Settings(data=tmp_path))
    old = await engine.view()
    changes: list[Change] = [
        Upsert(Product("kettle", "teapot", brand="Acme")),
        Upsert(Product("new", "mirror")),
        Patch("lamp", {"price": 3.0}),
        Delete("desk"),
    ]
    change(tmp_path, changes, encoder)
    new = await engine.refresh()
    teapot = encoder.one(encoder_text(Product("kettle", "teapot", brand="Acme")))
    assert (await best(new, teapot))[0] == ("kettle", 1.0)
    assert (await best(new, encoder.one("mirror")))[0] == ("new", 1.0)
    assert (await best(new, encoder.one("lamp")))[0] == ("lamp", 1.0)
    assert sorted(name for name, _ in await best(new, encoder.one("desk"))) == [
        "kettle",
        "lamp",
        "new",
    ]
    assert (await best(new, encoder.one("kettle")))[0][1] < 0.99
    within = await best(new, encoder.one("mirror"), Filter("price", (), 0, 5))
    assert [name for name, _ in within] == ["lamp"]
    assert (await best(old, encoder.one("kettle")))[0] == ("kettle", 1.0)
    assert (await best(old, encoder.one("desk")))[0] == ("desk", 1.0)
    change(tmp_path, [Delete("new")], encoder)
    last = await engine.refresh()
    assert "new" not in dict(await best(last, encoder.one("mirror")))
    await engine.close()


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("manifest.json", "manifest"),
        ("columns/price.npy", "price"),
        ("words/meta.json", "meta"),
        ("documents/products.bin", "products"),
    ],
)
async def test_a_damaged_new_snapshot_leaves_the_old_one_serving(
    engine: EmbeddedEngine,
    tmp_path: Path,
    file: str,
    named: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    old = await engine.view()
    layout, elsewhere = DataLayout(tmp_path), DataLayout(tmp_path / "elsewhere")
    new = build(elsewhere.root, edition(1))
    target = layout.snapshot(new).root
    shutil.copytree(elsewhere.snapshot(new).root, target)
    content = (target / file).read_bytes()
    (target / file).write_bytes(content[:-1])
    layout.current.write_text(new)
    with pytest.raises(IndexCorrupt, match=named):
        await engine.refresh()
    await asyncio.sleep(2.5 * following_engine.POLL_SECONDS)
    assert await engine.view() is old
    assert [record for record in caplog.messages if named in record and "older goes on" in record]
    assert await seen(old) == ({"edition 0"},) * 4
    (target / file).write_bytes(content)
    assert (await engine.refresh()).version == new
    assert await seen(await engine.view()) == ({"edition 1"},) * 4
