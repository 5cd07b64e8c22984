"""What rankers may know of every engine's products: against the products themselves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from query.text import words
from search.engines import ENGINES
from search.seams import Engine, Facts, View
from search.settings import Settings
from search.types import Change, Delete, Filter, Patch, Product, Text, TextRows, Upsert
from tests.contracts.engines import PUBLISH, name
from tests.search.engines import shops
from tests.search.test_pipeline import WordVectors

HOME = ("Home", "Kitchen")
__all__ = ["name"]
PRODUCTS = [
    Product("a", "Red Kettle, red kettles", "A kettle for tea; kettles for tea.", price=30.0,
            color="red", tags=("tea", "boil"), attributes={"metal": "steel", "new": True, "w": 2.0},
            category=HOME, list_price=40.0, image="http://x/a.png", rating=4.0),
    Product("b", "Blue lamp", attributes={"metal": ("steel", "brass"), "sku": "X1"}, rating=2.0),
    Product("c", "Red lamp", "Lamps", price=10.0, category=("Home", "Lights")),
    *(Product(f"k{i}", "Kettle", price=20.0 + i, category=HOME) for i in range(5)),
]  # fmt: skip
DETAILS = {"a": "steel new tea boil red", "b": "steel brass", "c": ""}
LATER = [
    Product("b", "Blue zebra lamps", "Zebras, zebra", price=5.0, category=("Zoo",)),
    Product("z", "Kettle with lamp"),
]


@pytest.fixture
async def engine(name: str, tmp_path: Path) -> AsyncIterator[Engine]:
    PUBLISH[name](tmp_path, PRODUCTS, WordVectors().encode([p.title for p in PRODUCTS]))
    opened = ENGINES[name](Settings(data=tmp_path, threads=2))
    yield opened
    await opened.close()


async def changed(engine: Engine, data: Path) -> View:
    """The view after a batch of changes."""
    batch: list[Change] = [Delete("c"), *map(Upsert, LATER), Patch("a", {"price": 25.0})]
    await asyncio.to_thread(shops.change, data, batch, WordVectors())
    return await engine.refresh()


async def facts_of(view: View) -> Facts:
    return await view.compute(lambda facts: facts)


async def place(view: View, product_id: str) -> int:
    found = await view.find(product_id)
    assert found is not None
    return found


def row(facts: Facts, field: Text, ordinal: int) -> tuple[list[int], list[int]]:
    """A text's codes, and how often each occurs where that is kept; asked for with others."""
    return words_of(facts.texts(np.array([0, ordinal], np.int32))[field], field, 1)


def words_of(rows: TextRows, field: Text, i: int) -> tuple[list[int], list[int]]:
    start, end, counted = rows.spans[:, i].tolist()
    often = 0 if field in ("title", "kind") else end - start
    return rows.codes[start:end].tolist(), rows.counts[counted : counted + often].tolist()


def title_of(facts: Facts) -> TextRows:
    return facts.texts(np.empty(0, np.int32))["title"]


def assert_bag(facts: Facts, field: Text, ordinal: int, text: str) -> None:
    expected = Counter(facts.codes(words(text)).tolist())
    assert -1 not in expected
    codes, counts = row(facts, field, ordinal)
    assert codes == sorted(expected)
    assert dict(zip(codes, counts, strict=True)) == expected


async def test_texts_are_rows_of_stems(engine: Engine) -> None:
    view = await engine.view()
    facts = await facts_of(view)
    assert facts.version == view.version
    red, kettle, kettles, none = facts.codes(["red", "kettle", "kettles", "boat"]).tolist()
    assert (kettles, none) == (kettle, -1)
    assert row(facts, "title", await place(view, "a")) == ([red, kettle, red, kettle], [])
    for product in PRODUCTS[:3]:
        ordinal = await place(view, product.id)
        assert_bag(facts, "description", ordinal, product.description)
        assert_bag(facts, "details", ordinal, DETAILS[product.id])
    title = title_of(facts)
    assert title.documents[kettle] == 6
    assert title.mean_length == (4 + 2 + 2 + 5) / 8
    assert facts.texts(np.empty(0, np.int32))["details"].documents[red] == 1


async def test_changed_texts_follow_and_earlier_views_stay(engine: Engine, tmp_path: Path) -> None:
    old = await facts_of(await engine.view())
    every = np.arange(len(PRODUCTS), dtype=np.int32)
    before = old.texts(every)
    view = await changed(engine, tmp_path)
    facts = await facts_of(view)
    for product in LATER:
        ordinal = await place(view, product.id)
        assert ordinal >= title_of(facts).base
        assert row(facts, "title", ordinal)[0] == facts.codes(words(product.title)).tolist()
        assert_bag(facts, "description", ordinal, product.description)
    assert_bag(facts, "details", await place(view, "a"), DETAILS["a"])
    assert old.codes(["zebra"]).tolist() == [-1]
    assert facts.codes(["zebra"])[0] >= len(title_of(facts).documents)
    for field, rows in old.texts(every).items():
        for i in range(len(every)):
            assert words_of(rows, field, i) == words_of(before[field], field, i)
    assert len(old.columns.numbers("price")) == len(PRODUCTS)


async def test_vectors_are_those_of_the_encoder(engine: Engine, tmp_path: Path) -> None:
    view = await changed(engine, tmp_path)
    facts = await facts_of(view)
    present = [p for p in PRODUCTS if p.id not in ("b", "c")]
    ordinals = np.array([await place(view, p.id) for p in (*present, *LATER)], np.int32)[::-1]
    found = facts.vectors(ordinals)
    assert found is not None
    titles = [p.title for p in present]
    # A patch of the price alone keeps the vector; whole products are encoded as they are.
    later = [f"{p.title}. {p.description}" if p.description else p.title for p in LATER]
    expected = WordVectors().encode([*titles, *later])[::-1]
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, abs=1e-3)
    assert found[0] == pytest.approx(await view.vector(int(ordinals[0])), abs=1e-6)
    none = facts.vectors(ordinals[:0])
    assert none is not None
    assert none.shape == (0, 16)


async def test_an_index_without_vectors_gives_none(name: str, tmp_path: Path) -> None:
    PUBLISH[name](tmp_path, PRODUCTS, None)
    engine = ENGINES[name](Settings(data=tmp_path))
    facts = await facts_of(await engine.view())
    assert facts.vectors(np.zeros(1, np.int32)) is None
    await engine.close()


async def test_what_is_usual_is_known_by_category(engine: Engine, tmp_path: Path) -> None:
    facts = await facts_of(await engine.view())
    usual = dict(
        zip(facts.columns.values("category"), facts.statistics.category_price, strict=True)
    )
    # Kitchen has six prices of its own; Lights has one, and is judged by what Home has.
    assert usual == {"Home > Kitchen": 22.5, "Home > Lights": 22.0}
    assert (facts.statistics.price, facts.statistics.rating) == (22.0, 3.0)
    view = await changed(engine, tmp_path)
    later = await facts_of(view)
    zoo = later.columns.codes("category")[await place(view, "b")]
    assert np.isnan(later.statistics.category_price[zoo])
    assert len(facts.statistics.category_price) == 2


async def test_discounts_pictures_and_lengths_are_columns(engine: Engine) -> None:
    view = await engine.view()
    columns = (await facts_of(view)).columns
    a, b = await place(view, "a"), await place(view, "b")
    assert columns.numbers("list_price")[a] == 40
    assert np.isnan(columns.numbers("list_price")[b])
    assert columns.numbers("image")[[a, b]].tolist() == [1, 0]
    assert columns.numbers("description_length")[a] == len(PRODUCTS[0].description)


async def test_facts_tell_who_satisfies_as_the_view_does(engine: Engine, tmp_path: Path) -> None:
    view = await changed(engine, tmp_path)
    facts = await facts_of(view)
    ordinals = np.array([await place(view, i) for i in ("z", "a", "b", "k0")], np.int32)
    filters = [
        Filter("words", ("zebra lamp", "red kettle")),
        Filter("attributes.metal", ("steel",)),
        Filter("price", high=20.0),
        Filter("attributes.nothing", ("x",)),
    ]
    found = facts.satisfy(ordinals, filters)
    assert found.tolist() == [
        [False, True, True, False],
        [False, True, False, False],
        [False, False, True, True],
        [False] * 4,
    ]
    assert np.array_equal(found, await view.satisfy(ordinals, filters))
