"""What queries of the demo shop are after, without the encoder: the words-only models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures import make_shop
from query.compose import compose
from query.intent.refine import IntentRefiner
from query.normalize import normalize_query
from search.errors import BadInput
from search.types import Entity, Link, Measure, Product, Query
from tests.query.intent.shop import build, understand

SUPPORT = """
[[page]]
title = "Returns"
url = "/help/returns"
phrases = ["return", "send back"]

[[page]]
title = "Warranty"
url = "/help/warranty"
phrases = ["warranty", "return under warranty"]
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> IntentRefiner:
    lists = tmp_path_factory.mktemp("lists")
    (lists / "support.toml").write_text(SUPPORT)
    directory = tmp_path_factory.mktemp("intent")
    return build(directory, make_shop().products, lists=lists)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("kettles", "category"),
        ("zemplar", "brand"),
        ("red lantern yard", "brand"),
        ("black teapot 1 l", "attribute"),
        ("gift for a runner", "broad"),
        ("where is my order", "support"),
        ("how do i return a kettle", "support"),
        ("nellisound cora rechargeable ergonomic wireless mouse", "product_lookup"),
        ("manual coffee grinder", "attribute"),
    ],
)
def test_the_kind_of_query(shop: IntentRefiner, text: str, intent: str) -> None:
    found = understand(shop, text)
    assert found.intent == intent
    assert 0 < found.intent_probability <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("kettle", "Kitchen > Coffee & Tea > Kettles"),
        ("red running shoes", "Sport & Outdoors > Running > Running Shoes"),
        ("skillet", "Kitchen > Cookware > Pans"),
    ],
)
def test_the_category_asked_for(shop: IntentRefiner, text: str, path: str) -> None:
    first = understand(shop, text).categories[0]
    assert " > ".join(first.path) == path
    assert first.probability > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("text", ["1000 ml kettle", "kettle 1000 ml"])
def test_a_measure_does_not_vote_against_the_kind_it_measures(
    shop: IntentRefiner, text: str
) -> None:
    """Only descalers are written `1000 ml` in the demo shop; its kettles say `1 l`."""
    start, at = text.index("kettle"), text.index("1000 ml")
    asked = Query(
        text,
        entities=(Entity("product_type", "kettle", "kettle", start, start + 6, 0.6, "boost"),),
        measures=(Measure(1000, "ml", "volume", 990, 1010, "1000 ml", at, at + 7),),
    )
    found = shop(compose(normalize_query(asked)), None).categories[0]
    assert found.path[-1] == "Kettles"
    assert found.probability > 0.6


@pytest.mark.slow
def test_categories_come_most_probable_first_and_at_most_five(shop: IntentRefiner) -> None:
    for text in ("coffee", "tea", "lamp", "gray", "zemplar", "kitchen"):
        found = [each.probability for each in understand(shop, text).categories]
        assert found == sorted(found, reverse=True)
        assert len(found) <= 5


@pytest.mark.slow
def test_a_flat_distribution_is_an_abstention(shop: IntentRefiner) -> None:
    assert understand(shop, "qwrtz").categories == ()


@pytest.mark.slow
def test_a_support_query_gets_the_shops_links_those_of_longer_phrases_first(
    shop: IntentRefiner,
) -> None:
    returns, warranty = Link("Returns", "/help/returns"), Link("Warranty", "/help/warranty")
    assert understand(shop, "how to return my kettle").links == (returns,)
    assert understand(shop, "return under warranty").links == (warranty, returns)
    assert understand(shop, "kettle").links == ()


@pytest.mark.slow
@given(text=st.text(max_size=600))
def test_any_query_is_answered(shop: IntentRefiner, text: str) -> None:
    found = understand(shop, text)
    assert all(0 <= each.probability <= 1 for each in found.categories)
    assert found.intent is None or 0 < found.intent_probability <= 1


@pytest.mark.parametrize("text", ["", "  ", "\x00", "🫖", "kettle " * 200, "茶壶 kettle"])
def test_a_catalogue_without_anything_still_answers(tmp_path: Path, text: str) -> None:
    found = understand(build(tmp_path, []), text)
    assert found.categories == ()


def test_a_catalogue_without_categories_abstains_from_them(tmp_path: Path) -> None:
    products = [
        Product(str(i), f"Steel {kind} {i % 7} cm", brand=f"Brand {i % 9}")
        for i, kind in enumerate(("Bolt", "Nut", "Screw", "Washer") * 20)
    ]
    found = understand(build(tmp_path, products), "steel bolt")
    assert found.categories == ()
    assert found.intent is not None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[page]]\ntitle = 'a'\nurl = '/b'", "page 1: phrases must be"),
        ("[[page]]\nurl = '/b'\nphrases = ['c']", "page 1: title is missing"),
        ("[[page]]\ntitle = 'a'\nurl = 'javascript:b'\nphrases = ['c']", "page 1: url must begin"),
        ("[[page]]\ntitle = 'a'\nurl = ''\nphrases = ['c']", "page 1: url is missing"),
        ("[[pages]]\ntitle = 'a'", r"more than \[\[page\]\] tables"),
        ("no toml", "cannot be read as TOML"),
    ],
)
def test_a_bad_support_list_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "support.toml").write_text(text)
    with pytest.raises(BadInput, match=problem):
        build(tmp_path / "part", [], lists=tmp_path)


def test_what_is_learned_is_repeatable(tmp_path: Path) -> None:
    products = make_shop().products[:400]
    build(tmp_path / "one", products)
    build(tmp_path / "two", products)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_weights_are_finite(tmp_path: Path) -> None:
    build(tmp_path, make_shop().products[:300])
    for path in tmp_path.glob("*.npy"):
        array = np.load(path)
        assert np.isfinite(array.astype(np.float64)).all(), path.name
