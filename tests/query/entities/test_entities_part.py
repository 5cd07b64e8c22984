from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.entities_quality import LabeledQuery, evaluate_entities, load_entity_labels
from query.entities.rewriter import Entities
from query.normalize import normalize_query
from search.types import Entity, Filter, Measure, Negation, PriceBounds, Product, Query
from tests.query.entities.conftest import Learn

LABELS = Path("fixtures/labels/shop_entities.jsonl")


def named(entities: Entities, text: str) -> list[tuple[str, str]]:
    return [(e.type, e.value) for e in found(entities, text)]


def found(entities: Entities, text: str) -> tuple[Entity, ...]:
    return entities(normalize_query(Query(text))).entities


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red backpack", [("color", "red"), ("product_type", "backpack")]),
        ("grey vase", [("color", "gray"), ("product_type", "vase")]),
        ("onyx vase", [("color", "black"), ("product_type", "vase")]),
        ("blue kettle", [("brand", "Blue Kettle")]),
        ("desk and dune desk lamp", [("brand", "Desk & Dune"), ("product_type", "desk lamp")]),
        ("electric kettle blue", [("product_type", "electric kettle"), ("color", "blue")]),
        (
            "copper sparrow copper kettle",
            [("brand", "Copper Sparrow"), ("color", "copper"), ("product_type", "kettle")],
        ),
        ("merino wool socks", [("material", "merino wool"), ("product_type", "socks")]),
        (
            "cotton t-shirt xl",
            [("material", "cotton"), ("product_type", "t-shirt"), ("size", "XL")],
        ),
        ("water bottles", [("product_type", "water bottles")]),
        ("make my couch softer", []),
    ],
)
def test_a_query_names_values_as_the_shop_writes_them(
    shop_entities: Entities, text: str, expected: list[tuple[str, str]]
) -> None:
    assert [(kind, value.lower()) for kind, value in named(shop_entities, text)] == [
        (kind, value.lower()) for kind, value in expected
    ]


def test_the_labeled_queries_of_the_demo_shop_are_recognized(shop_entities: Entities) -> None:
    kinds = {"brand", "color", "product_type"}
    labels = [
        LabeledQuery(
            label.text, label.judged & kinds, frozenset(i for i in label.items if i[0] in kinds)
        )
        for label in load_entity_labels(LABELS)
    ]
    quality = evaluate_entities(labels, lambda query: shop_entities(normalize_query(query)))
    assert quality.overall.f1.value >= 0.9, quality.mistakes


def test_a_sure_color_filters_what_really_has_it(shop_entities: Entities) -> None:
    color, kind = found(shop_entities, "red backpack")
    assert color.use == "filter"
    assert color.filter == Filter("color", ("red",))
    assert kind.use == "boost"
    assert kind.filter == Filter("category", ("Sport & Outdoors > Bags > Backpacks",))


def test_nothing_filters_in_a_query_with_words_of_unknown_meaning(shop_entities: Entities) -> None:
    assert {e.use for e in found(shop_entities, "serve earl grey to guests")} <= {"boost", "none"}


def test_words_of_a_price_a_measure_or_a_refusal_name_nothing(shop_entities: Entities) -> None:
    query = normalize_query(Query("mug 5 l not red under blue"))
    conditions = replace(
        query,
        measures=(Measure(5, "l", "volume", 4850, 5150, "5 l", 4, 7),),
        negations=(Negation("red", 8, 15),),
        price=PriceBounds(text="under blue", start=16, end=26),
    )
    assert [e.text for e in shop_entities(conditions).entities] == ["mug"]


@pytest.mark.parametrize(
    "text", ["", " ", "\x00\x01\x02", "a" * 5000, "красный red 红色 " * 200, "🙂🙂", "'", "- - -"]
)
def test_odd_queries_get_an_answer(shop_entities: Entities, text: str) -> None:
    assert shop_entities(normalize_query(Query(text))).text == text


TEXT = """red blue kettle electric copper sparrow desk lamp dune mat office chair xl m size 10
cotton water bottle & and glass orchard vase for with unheard , - gray mitten"""
WORDS = st.sampled_from(TEXT.split())


@given(st.lists(WORDS, max_size=9).map(" ".join))
def test_entities_are_spans_of_the_query_and_never_overlap(
    shop_entities: Entities, text: str
) -> None:
    query = shop_entities(normalize_query(Query(text)))
    end = 0
    for entity in query.entities:
        assert entity.start >= end
        assert query.corrected[entity.start : entity.end] == entity.text != ""
        assert 0.5 <= entity.probability <= 1
        end = entity.end


def test_queries_leave_nothing_behind_in_memory(shop_entities: Entities) -> None:
    strings = shop_entities.matcher._vocab.strings
    found(shop_entities, "red mug size 10")
    before = len(strings)
    found(shop_entities, "wholly unheard zzyzx words 123456")
    assert len(strings) == before


def notebook(i: int) -> Product:
    return Product(f"n{i}", f"Apple MacBook {i} Laptop", brand="Apple", category=("PC", "Laptops"))


def juice(i: int) -> Product:
    maker = ("Orchard Hill", "Pressery", "Valley")[i % 3]
    return Product(
        f"j{i}", f"{maker} Apple Juice, {i} ml", brand=maker, category=("Food", "Juices")
    )


def test_a_word_means_what_the_catalogue_means_by_it_in_context(learn: Learn) -> None:
    entities = learn([each(i) for i in range(60) for each in (notebook, juice)])
    assert ("brand", "Apple") in named(entities, "apple laptop")
    assert ("brand", "Apple") not in named(entities, "apple juice")


def test_a_color_is_found_in_combined_and_finer_ones(learn: Learn) -> None:
    raws = ["Red", "red", "RED/White", "Dark Red", "Black,Red", "Infrared", "Blue"] * 10
    entities = learn([Product(str(i), f"Mug {raw}", color=raw) for i, raw in enumerate(raws)])
    color = next(e for e in found(entities, "red mug") if e.type == "color")
    assert color.filter is not None
    assert set(color.filter.values) == {"Red", "red", "RED/White", "Dark Red", "Black,Red"}


def test_a_color_that_products_often_lack_does_not_filter(learn: Learn) -> None:
    products = [
        Product(str(i), f"Red Mug {i}, Ceramic", brand="Ito", color="Red" if i % 3 else None)
        for i in range(300)
    ]
    assert all(e.use != "filter" for e in found(learn(products), "red") if e.type == "color")


def test_a_line_of_a_brand_is_the_brand(learn: Learn) -> None:
    brands = ["UGG", "Koolaburra by UGG", "Acme"] * 20
    entities = learn([Product(str(i), f"{b} Slipper {i}", brand=b) for i, b in enumerate(brands)])
    brand = next(e for e in found(entities, "ugg slipper") if e.type == "brand")
    assert brand.filter == Filter("brand", ("UGG", "Koolaburra by UGG"))


@pytest.mark.parametrize(
    "products",
    [
        [],
        [Product("1", "")],
        [Product(str(i), f"Lamp {i}") for i in range(30)],
        [Product(str(i), "Lamp", attributes={"size": "M", "on": True, "n": 3.0}) for i in range(9)],
    ],
)
def test_any_catalogue_will_do(learn: Learn, products: list[Product]) -> None:
    entities = learn(products)
    assert entities(normalize_query(Query("red lamp size 10"))).corrected == "red lamp size 10"
