"""What every engine must do with an understood query: against a loop over the products."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from query.normalize import normalize_query
from search.engines import ENGINES
from search.errors import BadInput
from search.seams import Engine, Facts, View
from search.settings import Settings
from search.types import Alternative, Change, Delete, Filter, Product, Query, Upsert, shape_of
from tests.contracts.engines import PUBLISH, name
from tests.search.engines import shops
from tests.search.engines.brute import satisfies

__all__ = ["name"]
PRODUCTS = [
    Product("a", "Red bottle 500 ml with lid", brand="Acme", price=30.0, color="red"),
    Product("b", "Blue bottle 0.5 l without lid", brand="Bo", price=20.0, stock=0),
    Product("c", "Lid-free glass bottle, 16 oz", brand="Acme", category=("Home",), rating=4.5),
    Product("d", "Sugar-free gum", attributes={"flavor": "mint", "pieces": 50.0}),
    Product("e", "Lidless bottle", price=5.0, category=("Home", "Bottles"), attributes={"lid": ""}),
    Product("f", "Bottle WH-1000XM4", brand="Bo", attributes={"vegan": True}),
]
LATER = [
    Product("g", "Green flask with bottle lid 50 cl", brand="Dun"),
    Product("b", "Blue bottle 0.5 l with lids", brand="Bo"),
]
CONDITIONS = [
    Filter("brand", ("Acme", "Dun")),
    Filter("color", ("red",)),
    Filter("category", ("Home",)),
    Filter("price", high=20.0),
    Filter("rating", low=4.0),
    Filter("in_stock", ("true",)),
    Filter("id", ("a", "g")),
    Filter("attributes.flavor", ("mint",)),
    Filter("attributes.pieces", low=10.0),
    Filter("attributes.vegan", ("true",)),
    Filter("words", ("lid",)),
    Filter("words", ("bottle lid", "gum")),
    Filter("words", ("sugar free gum",)),
    Filter("measures.volume", low=495.0, high=505.0),
    Filter("measures.length", low=0.0),
]
BOTTLE, GUM = normalize_query(Query("bottle")), normalize_query(Query("gum"))
EACH = [replace(each, exclude=exclude) for each in CONDITIONS for exclude in (False, True)]


@pytest.fixture
async def engine(name: str, tmp_path: Path) -> AsyncIterator[Engine]:
    """An index that was changed since it was built."""
    PUBLISH[name](tmp_path, PRODUCTS, None)
    changes: list[Change] = [Delete("f"), *map(Upsert, LATER)]
    await asyncio.to_thread(shops.change, tmp_path, changes)
    opened = ENGINES[name](Settings(data=tmp_path, threads=2))
    yield opened
    await opened.close()


def present() -> list[Product]:
    return [product for product in PRODUCTS if product.id not in ("b", "f")] + LATER


async def ids(view: View, ordinals: np.ndarray) -> list[str]:
    return [product.id for product in await view.products(ordinals)]


async def test_every_filter_holds_or_is_excluded_as_a_loop_says(engine: Engine) -> None:
    view = await engine.view()
    for each in EACH:
        expected = {p.id for p in present() if satisfies(p, (each,))}
        rankings = [(await view.words(query, (each,), 50)).ranking for query in (BOTTLE, GUM)]
        found = np.concatenate([ranking.ordinals for ranking in rankings])
        assert set(await ids(view, found)) == expected, each
        browsed = await view.sorted_words(Query(""), (each,), "relevance", 50)
        assert set(await ids(view, browsed.ranking.ordinals)) == expected, each
        total, _ = await view.facets(Query(""), (each,), browsed.ranking.ordinals[:0], ())
        assert total == len(expected), each


async def test_products_that_satisfy_are_told_one_by_one(engine: Engine) -> None:
    view = await engine.view()
    products = present()[::-1]
    ordinals = np.array([await view.find(product.id) for product in products], np.int32)
    unknown = Filter("attributes.nothing", ("x",))
    found = await view.satisfy(ordinals, [*EACH, unknown])
    assert found.shape == (len(EACH) + 1, len(products))
    for row, each in zip(found, EACH, strict=False):
        assert row.tolist() == [satisfies(product, (each,)) for product in products], each
    assert not found[-1].any()
    assert (await view.satisfy(ordinals, [])).shape == (0, len(products))
    assert (await view.satisfy(ordinals[:0], EACH)).shape == (len(EACH), 0)


async def test_who_states_a_field_is_told_whatever_the_value(engine: Engine) -> None:
    view = await engine.view()
    products = present()
    ordinals = np.array([await view.find(product.id) for product in products], np.int32)
    names = ["brand", "color", "category", "attributes.flavor", "attributes.lid", "price", "x"]
    found = await view.compute(lambda facts: facts.states(ordinals, names))
    for asked, row in zip(names, found, strict=True):
        field = asked.removeprefix("attributes.")
        expected = [
            bool(product.attributes.keys() & {field})
            if field != asked
            else asked in ("brand", "color", "category") and bool(getattr(product, asked))
            for product in products
        ]
        assert row.tolist() == expected, asked


async def test_words_one_letter_away_and_how_words_are_made(engine: Engine) -> None:
    view = await engine.view()

    def look(facts: Facts) -> None:
        (bottle, flask, litres) = facts.codes(["bottle", "flask", "0.5"]).tolist()
        assert bottle in facts.near("botle")
        assert bottle not in facts.near("bottle")
        assert flask in facts.near("flassk")
        assert not len(facts.near("zzzzzz"))
        shapes = facts.shapes
        assert shapes is not None
        assert shapes[[bottle, flask, litres]].tolist() == [shape_of("bottle")] * 2 + [1]

    await view.compute(look)


async def test_an_excluding_filter_that_makes_no_sense_is_refused(engine: Engine) -> None:
    view = await engine.view()
    for wrong in (Filter("colour", ("red",)), Filter("words"), Filter("measures.length")):
        with pytest.raises(BadInput):
            await view.words(BOTTLE, (replace(wrong, exclude=True),), 10)


async def test_other_words_stand_for_words(engine: Engine) -> None:
    view = await engine.view()
    asked = normalize_query(Query("flask"))
    other = Alternative(("flask",), ("glass", "bottle"), 0.5)
    found = await view.words(replace(asked, alternatives=(other,)), (), 10)
    assert await ids(view, found.ranking.ordinals) == ["g", "c"]
    assert found.relaxation == "none"
    total, _ = await view.facets(
        replace(asked, alternatives=(other,)), (), found.ranking.ordinals[:0], ()
    )
    assert total == 2


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("lidless bottle", ["e"]),
        ("Sugar Free Gum", ["d"]),
        ("bottle", []),
        ("blue bottle 0.5 l without lid", []),
        ("blue bottle 0.5l with lids", []),
        ("green flask with bottle lid 50 cl", ["g"]),
    ],
)
async def test_a_product_is_named_by_its_whole_title(
    engine: Engine, text: str, named: list[str]
) -> None:
    view = await engine.view()
    found = await view.named(normalize_query(Query(text)))
    assert await ids(view, found.outright) == named
    assert not len(found.by_code)


async def test_a_product_is_named_by_its_code_and_no_other_word(name: str, tmp_path: Path) -> None:
    PUBLISH[name](tmp_path, PRODUCTS, None)
    engine = ENGINES[name](Settings(data=tmp_path))
    view = await engine.view()
    for text, named in (("wh-1000xm4", ["f"]), ("WH 1000XM4 bottle", ["f"]), ("xm4 gum", [])):
        found = await view.named(normalize_query(Query(text)))
        assert await ids(view, found.by_code) == named
        assert not len(found.outright)
    await engine.close()


async def test_an_identifier_names_outright_unless_the_title_says_it(
    name: str, tmp_path: Path
) -> None:
    code = {"ean": "4006381333931"}
    made = [
        Product("a", "Bottle", attributes=code),
        Product("b", "Lid for bottle 4006381-333931", attributes=code),
        Product("B07X", "Flask"),
    ]
    PUBLISH[name](tmp_path, made, None)
    engine = ENGINES[name](Settings(data=tmp_path))
    view = await engine.view()
    for text, outright, by_code in (
        ("4006381333931", ["a"], ["a", "b"]),
        ("bottle 4006381333931", ["a"], ["a", "b"]),
        ("b07x", ["B07X"], ["B07X"]),
    ):
        found = await view.named(normalize_query(Query(text)))
        assert await ids(view, found.outright) == outright
        assert sorted(await ids(view, found.by_code)) == sorted(by_code)
    await engine.close()
