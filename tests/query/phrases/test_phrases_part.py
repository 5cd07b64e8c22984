"""The part as a whole: strange queries, strange catalogues, damaged files, speed."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.normalize import normalize_query
from query.phrases.grammar import Grammar
from query.phrases.knowledge import FACTS
from query.phrases.lexer import lex
from query.phrases.rewriter import may_state_condition, open_phrases
from query.text import normalize
from search.errors import IndexCorrupt
from search.types import Product, Query
from tests.query.phrases.conftest import Understand, catalogue, learn

CONDITIONS = [
    "glass kettle under $50 without lid",
    "15.6 in laptop 16gb 512gb not leather",
    "desk 50-100 with wheels 120 cm x 60 cm",
    "12 pack socks no show size 10 cheap",
]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00\x01\x7f",
        "🙂 without 🙂",
        "без крышки 1,5 л",
        "鍋 蓋 なし 24cm",
        "１２３ ' \" -",
        "9" * 600,
        "without " * 100,
        "4x" * 300,
        '"' * 512,
        "-" * 512,
        "$" * 512,
    ],
)
def test_any_query_is_answered(understand: Understand, text: str) -> None:
    query = understand(text)
    assert query.text == text
    assert all(0 <= m.start < m.end <= len(query.corrected) for m in query.measures)


@given(st.text(alphabet="abinx 0125.,/'\"-$<%½×withoutnder", max_size=40))
def test_lexemes_lie_in_the_text_in_order_and_leave_out_only_spaces(text: str) -> None:
    text = normalize(text)
    lexemes = lex(text)
    assert [text[each.start : each.end] for each in lexemes] == [each.text for each in lexemes]
    assert "".join(each.text for each in lexemes).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    "products",
    [[], [Product("1", "")], [Product("1", "???", price=float("nan"))], [Product("1", "Mug")]],
    ids=["empty", "untitled", "unpriced", "bare"],
)
def test_a_poor_catalogue_still_serves(tmp_path: Path, products: list[Product]) -> None:
    understand = learn(products, tmp_path)
    query = understand("mug under $50 without handle 250 ml")
    assert query.price is not None
    assert query.price.high == 50
    assert [measure.unit for measure in query.measures] == ["ml"]


def test_the_same_catalogue_gives_the_same_files(tmp_path: Path) -> None:
    learn(catalogue(), tmp_path / "a")
    learn(catalogue(), tmp_path / "b")
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


@pytest.mark.parametrize("damage", ["remove", "empty", "garble"])
def test_damaged_files_are_named(tmp_path: Path, damage: str) -> None:
    learn(catalogue(), tmp_path)
    if damage == "remove":
        (tmp_path / FACTS).unlink()
    else:
        (tmp_path / FACTS).write_bytes(b"" if damage == "empty" else b'{"low": 1}')
    with pytest.raises(IndexCorrupt, match=r"index the catalogue again"):
        open_phrases(tmp_path)


def test_a_query_without_digits_and_cues_is_let_through_at_once(understand: Understand) -> None:
    assert not may_state_condition("stainless steel electric kettle")
    assert all(may_state_condition(normalize(text)) for text in CONDITIONS)
    query = normalize_query(Query("stainless steel electric kettle"))
    assert understand(query.text) == query


@pytest.mark.slow
def test_conditions_are_recognized_within_a_millisecond(understand: Understand) -> None:
    taken = []
    for _ in range(200):
        for text in CONDITIONS:
            begun = time.perf_counter()
            understand(text)
            taken.append(time.perf_counter() - begun)
    assert np.quantile(taken, 0.5) < 0.001


def test_shoppers_words_are_not_kept() -> None:
    grammar = Grammar()
    grammar.spans(lex("model2 without thing under $50 1.5 l"))
    before = len(grammar.known_strings)
    for number in range(50):
        grammar.spans(lex(f"word{number} without thing{number} under ${number} {number}.5 l"))
    assert len(grammar.known_strings) == before
