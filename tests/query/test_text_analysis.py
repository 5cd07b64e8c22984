"""Normalizing: the same words from the same meaning, however it was typed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.text import codes, identifiers, normalize, tokens, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Blue\tKettle\n", "blue kettle"),
        ("Café Crème", "cafe creme"),
        ("ＫＥＴＴＬＥ　１５", "kettle 15"),
        ("ket\u200btle", "kettle"),
        ("ket\u00adtle", "kettle"),
        ("ket\x00tle", "kettle"),
        ("15.6″ laptop", '15.6" laptop'),
        ("15.6” laptop", '15.6" laptop'),
        ("6′ cable", "6' cable"),
        ("women’s", "women's"),
        ("1½ inch", "1 1/2 inch"),
        ("½ pint", "1/2 pint"),
        ("¼″ bolt", '1/4" bolt'),
        ("4 × 6", "4 x 6"),
        ("4×6", "4x6"),
        ("50–100", "50-100"),
        ("10,000mAh", "10000mah"),
        ("1,234,567 pages", "1234567 pages"),
        ("1,5 l", "1.5 l"),
        ("0,75l", "0.75l"),
        ("19,99 €", "19.99 €"),
        ("4,5,6", "4,5,6"),
        ("red,2 pack", "red,2 pack"),
        ("2,50", "2,50"),
        ("1,5 lamps", "1,5 lamps"),
        ("￥500", "¥500"),
        ("30 ℃", "30 °c"),
        ("ﬁne", "fine"),
    ],
)
def test_one_form_of_everything(text: str, expected: str) -> None:
    assert normalize(text) == expected


@given(st.text(max_size=60))
def test_normalizing_is_done_after_once(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once
    assert once == " ".join(once.split())


@given(st.text(max_size=60))
def test_tokens_are_the_words_in_their_places(text: str) -> None:
    normalized = normalize(text)
    found = tokens(normalized)
    assert [token.text for token in found] == words(text)
    assert all(normalized[token.start : token.end] == token.text for token in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sony WH-1000XM4", ["wh1000xm4"]),
        ("wh1000xm4", ["wh1000xm4"]),
        ("part 77153/2a", ["771532a"]),
        ("order 90210", ["90210"]),
        ("kettle 1.5L", []),
        ("15.6-inch laptop", []),
        ("16GB", []),
        ("kettle", []),
    ],
)
def test_codes_are_model_numbers_and_not_measures(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


def test_an_identifier_may_look_like_a_measure() -> None:
    assert identifiers("80V") == ["80v"]


def test_a_model_number_is_found_by_its_parts() -> None:
    assert {"wh", "1000xm4"} <= set(words("Sony WH-1000XM4"))


def test_the_time_for_a_text_without_spaces_grows_with_its_length_only() -> None:
    started = time.perf_counter()
    assert codes("k" * 100_000) == []
    assert codes("kettle " + "9" * 50_000 + " wh-1000xm4") == ["wh1000xm4"]
    assert time.perf_counter() - started < 1.0
