"""What a shopper sees of spelling: corrected, suggested or left alone."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query import normalize_query
from query.spelling import Corrector, open_spelling
from query.text import normalize
from search.errors import BadInput
from search.types import Product, Query
from tests.query.spelling.conftest import learned

pytestmark = pytest.mark.slow


def asked(corrector: Corrector, text: str, **fields: object) -> Query:
    return corrector(normalize_query(Query(text=text, **fields)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("electrc kettle", "electric kettle"),  # a letter missing
        ("hadn cream", "hand cream"),  # swapped letters
        ("runnning shoes", "running shoes"),  # a letter too many
        ("blanlet wool", "blanket wool"),  # the key beside
        ("fone case", "phone case"),  # by ear
        ("floorlamp wood", "floor lamp wood"),  # run together
        ("back pack leather", "backpack leather"),  # torn apart
        ("yog amat", "yoga mat"),  # a space in the wrong place
        ("zempler keyboard", "zemplar keyboard"),  # a brand
        ("electrc kettel", "electric kettle"),  # two words
        ("mechnical keybord", "mechanical keyboard"),
        ("cat iron skillet", "cast iron skillet"),  # a word, but not here
    ],
)
def test_misspelled_queries_are_searched_or_offered_as_they_were_meant(
    corrector: Corrector, typed: str, meant: str
) -> None:
    query = asked(corrector, typed)
    assert query.spelling.text == meant
    assert query.spelling.outcome != "unchanged"
    assert query.corrected == (meant if query.spelling.outcome == "corrected" else typed)
    assert query.normalized == typed
    assert 0.2 <= query.spelling.confidence <= 1
    assert query.rewrites == (f"spelling: {query.spelling.outcome} {meant}",)


def test_a_sure_correction_is_searched_and_an_unsure_one_offered(corrector: Corrector) -> None:
    sure = asked(corrector, "electrc kettle")
    assert (sure.spelling.outcome, sure.corrected) == ("corrected", "electric kettle")
    model = replace(corrector.confidence, correct=sure.spelling.confidence + 0.001)
    unsure = asked(replace(corrector, confidence=model), "electrc kettle")
    assert (unsure.spelling.outcome, unsure.corrected) == ("suggested", "electrc kettle")
    assert unsure.spelling.text == "electric kettle"


@pytest.mark.parametrize(
    "good",
    [
        "electric kettle",
        "kettles",  # an inflection
        "zemplar",  # a brand
        "ts-316m headphones",  # a model number
        "nf965z",
        "2 l kettle",
        "30 cm pot",
        "kettle without lid",  # a refusal
        "gift for grandma without sugar",  # English that the shop does not use
        "чайник",
        "水筒",
        "xiaomi",  # a brand nobody here has heard of
        "zorbalux",  # learned from the query log
        "ketle",  # protected by the shop
    ],
)
def test_good_queries_are_left_alone(corrector: Corrector, good: str) -> None:
    query = asked(corrector, good)
    assert query.spelling.outcome == "unchanged"
    assert query.corrected == query.normalized
    assert query.rewrites == ()


def test_what_stands_around_the_words_is_kept(corrector: Corrector) -> None:
    assert asked(corrector, 'electrc kettle, 1.5 l "steel"').corrected == (
        'electric kettle, 1.5 l "steel"'
    )


def test_a_verbatim_query_is_not_touched(corrector: Corrector) -> None:
    query = asked(corrector, "electrc kettle", verbatim=True)
    assert query.corrected == "electrc kettle"
    assert query.spelling.outcome == "unchanged"


def test_words_of_products_just_added_are_known(corrector: Corrector) -> None:
    assert asked(corrector, "electrc kettle").corrected == "electric kettle"
    recent = frozenset({"electrc"})
    assert asked(corrector, "electrc kettle", recent=recent).corrected == "electrc kettle"


@given(st.text(max_size=700))
def test_any_text_gets_an_answer(corrector: Corrector, text: str) -> None:
    spelling = corrector.check(normalize(text))
    assert spelling.outcome in ("unchanged", "suggested", "corrected")
    assert 0 <= spelling.confidence <= 1
    assert bool(spelling.text) == (spelling.outcome != "unchanged")


@pytest.mark.parametrize("text", ["", " ", "\x00\xff" * 300, "a" * 5000, "ketle " * 500, "é" * 600])
def test_empty_enormous_and_binary_queries_get_an_answer(corrector: Corrector, text: str) -> None:
    started = time.perf_counter()
    corrector.check(normalize(text))
    assert time.perf_counter() - started < 0.5


def test_opening_reads_next_to_nothing(shop_directory: Path) -> None:
    started = time.perf_counter()
    open_spelling(shop_directory)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "products",
    [
        (),
        (Product("1", ""),),
        (Product("1", "Teapot"), Product("2", "☃ 水筒")),
        tuple(Product(str(i), f"Teapot {i}") for i in range(200)),
    ],
)
def test_a_catalogue_too_small_to_learn_from_corrects_nothing(
    tmp_path: Path, products: tuple[Product, ...]
) -> None:
    corrector = learned(tmp_path / "part", products)
    assert corrector.check("tepot").outcome == "unchanged"


def test_the_same_catalogue_gives_the_same_files(tmp_path: Path) -> None:
    products = [Product(str(i), f"{a} {b}") for i, (a, b) in enumerate(_PAIRS * 20)]
    for name in ("one", "two"):
        learned(tmp_path / name, products)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_a_protected_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "protected.txt").write_bytes(b"caf\xe9")
    with pytest.raises(BadInput, match=r"protected\.txt: not UTF-8 text; save it as UTF-8"):
        learned(tmp_path / "part", [Product("1", "Teapot")], lists=tmp_path)


_PAIRS = [(a, b) for a in ("red", "blue", "glass", "steel") for b in ("kettle", "teapot", "lamp")]
