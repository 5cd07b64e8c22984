"""What is learned to suggest from a catalogue and a query log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from query.parts import LoggedQuery
from query.suggest import Suggester
from query.suggest.catalogue import shortened
from query.suggest.entries import index_words, singular
from search.errors import BadInput, IndexCorrupt
from search.types import Product
from tests.query.suggest.conftest import Learn


def kettles(count: int = 12) -> list[Product]:
    materials = ("steel", "glass")
    return [
        Product(
            id=f"k{i}",
            title=f"Brumhalt Electric Kettle with Lid, {materials[i % 2].title()}, 1.{i} l",
            brand="Brumhalt",
            category=("Kitchen", "Kettles") if i % 3 else ("Garden", "Fire"),
            color="red" if i % 2 else "blue",
            attributes={"material": materials[i % 2]},
        )
        for i in range(count)
    ]


def texts(suggester: Suggester, typed: str, size: int = 20) -> list[str]:
    return [each.text for each in suggester.complete(typed, size)]


def test_a_catalogue_alone_gives_types_brands_categories_and_what_goes_together(
    learn: Learn,
) -> None:
    suggester = learn(kettles())
    assert texts(suggester, "elec")[0] == "electric kettle"
    assert texts(suggester, "brum")[0] == "Brumhalt"
    assert "Brumhalt electric kettle" in texts(suggester, "brumhalt el")
    assert "red electric kettle" in texts(suggester, "red")
    assert "steel electric kettle" in texts(suggester, "steel")
    kinds = {(s.text, s.kind, s.category) for s in suggester.complete("kettles", 20)}
    assert ("Kettles", "category", ("Kitchen", "Kettles")) in kinds
    scoped = {s.category for s in suggester.complete("electric kettle", 20) if s.category}
    assert {("Kitchen",), ("Garden",)} <= scoped


def test_every_suggestion_has_its_words_in_one_product(
    shop_suggester: Suggester, shop_products: Sequence[Product]
) -> None:
    index = shop_suggester.index
    held = [
        {
            singular(word)
            for text in (
                p.title,
                p.brand or "",
                p.color or "",
                *p.category,
                *map(str, p.attributes.values()),
            )
            for word in index_words(text)
        }
        for p in shop_products
    ]
    places: dict[str, set[int]] = {}
    for number, words in enumerate(held):
        for word in words:
            places.setdefault(word, set()).add(number)
    for entry in range(len(index)):
        if index.kind(entry) == "category":
            continue
        wanted = [places[singular(word)] for word in index_words(index.text(entry))]
        assert set.intersection(*wanted), index.text(entry)


def test_a_query_log_ranks_by_use_and_success(learn: Learn) -> None:
    log = [
        LoggedQuery("kettle with lid", count=300, clicks=200, results=9),
        LoggedQuery("Kettle glass", count=300, clicks=3, results=9),
        LoggedQuery("kettle  glass", count=100, clicks=1, results=9),
    ]
    found = texts(learn(kettles(), log), "kettle")
    assert found.index("kettle with lid") < found.index("kettle glass")
    assert found[0] == "kettle with lid"


def test_a_logged_query_that_finds_nothing_is_not_suggested(learn: Learn) -> None:
    log = [
        LoggedQuery("kettle whistle", count=900, results=0),
        LoggedQuery("kettle porcelain", count=900),
        LoggedQuery("ketttle", count=900, results=12),
        LoggedQuery("steel blue kettle", count=900),
        LoggedQuery("steel red kettle", count=900),
    ]
    suggester = learn(kettles(), log)
    found = [each for typed in ("k", "s") for each in texts(suggester, typed, 50)]
    assert "kettle whistle" not in found
    assert "kettle porcelain" not in found
    assert "ketttle" not in found
    assert "steel blue kettle" in found
    assert "steel red kettle" not in found, "no product has these words together"


def test_nothing_offensive_is_suggested_from_logs_or_titles(learn: Learn, tmp_path: Path) -> None:
    (tmp_path / "blocked.txt").write_text("# ours\nglass kettle\n!bitch\n", "utf-8")
    products = [
        Product(id="1", title="Fucking Steel Kettle"),
        Product(id="2", title="Glass Kettle Glasses"),
        Product(id="3", title="Stitch Bitch Club Mug"),
        Product(id="4", title="Shiitake Kettle Pass"),
    ]
    log = [LoggedQuery("shit kettle", 500, results=5), LoggedQuery("fucking kettle", 50)]
    suggester = learn(products, log, tmp_path)
    every = {suggester.index.text(entry) for entry in range(len(suggester.index))}
    assert not any("fuck" in text.lower() or "shit " in text for text in every)
    assert "Glass Kettle Glasses" not in every
    assert "Stitch Bitch Club Mug" in every
    assert "Shiitake Kettle Pass" in every


def test_an_unreadable_list_is_named_with_its_line(learn: Learn, tmp_path: Path) -> None:
    (tmp_path / "blocked.txt").write_text("fine\n***\n", "utf-8")
    with pytest.raises(BadInput, match=r"blocked\.txt, line 2: .* holds no word; remove the line"):
        learn(kettles(), (), tmp_path)
    (tmp_path / "blocked.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match=r"blocked\.txt cannot be read .* UTF-8"):
        learn(kettles(), (), tmp_path)


@pytest.mark.parametrize(
    "products",
    [
        [],
        [Product(id="1", title="")],
        [Product(id="1", title="!!! ---")],
        [Product(id="1", title="漢字 茶壺", brand="日本")],
        [Product(id="1", title="x " * 500, brand="y" * 500, category=("z" * 300,))],
    ],
)
def test_a_catalogue_with_little_or_odd_text_can_be_learned(
    learn: Learn, products: list[Product]
) -> None:
    suggester = learn(products, [LoggedQuery("\x00"), LoggedQuery("", 5), LoggedQuery("a", 0)])
    suggester.complete("x")
    assert isinstance(suggester.complete("漢"), tuple)


def test_a_damaged_file_is_named(learn: Learn, tmp_path: Path) -> None:
    learn(kettles())
    (tmp_path / "suggest" / "postings.npy").unlink()
    with pytest.raises(IndexCorrupt, match=r"postings\.npy.*index the catalogue again"):
        Suggester.open(tmp_path / "suggest")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Steel Kettle", "Steel Kettle"),
        ("Steel Kettle (1.7 l, Black) with a Gooseneck Spout", "Steel Kettle (1.7 l, Black)"),
        ("Steel Kettle (with Lid and Whistle and Handle and More)", "Steel Kettle"),
        ("Pot - ", "Pot"),
    ],
)
def test_titles_are_shortened_where_they_can_be(title: str, expected: str) -> None:
    assert shortened(title, 7, 40) == expected
