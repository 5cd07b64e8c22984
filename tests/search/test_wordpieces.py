"""Texts become the tokens the library gives, whether their words are remembered or not."""

from __future__ import annotations

from string import printable as printable_ascii

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from search.encoder import TOKENIZER, OnnxEncoder
from search.wordpieces import WordPieces, printable

LONGEST = 24


@pytest.fixture(scope="module")
def pieces(encoder: OnnxEncoder) -> WordPieces:
    return WordPieces(encoder.directory / TOKENIZER, LONGEST)


@pytest.fixture(scope="module")
def library(encoder: OnnxEncoder) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(encoder.directory / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    return tokenizer


WRITTEN = st.lists(
    st.sampled_from(["Red", "kettle", "1.7l", "usb-c", "wi fi", "'s", "[SEP]", "[", "x" * 120, " "])
).map(" ".join)


@settings(max_examples=200)
@given(st.text(max_size=60) | st.text(printable_ascii, max_size=60) | WRITTEN)
def test_tokens_are_those_of_the_library(pieces: WordPieces, library: Tokenizer, text: str) -> None:
    for _ in range(2):  # the second time by memory
        assert list(pieces.tokens(text)) == library.encode(printable(text)).ids


def test_words_are_asked_of_the_library_once(
    pieces: WordPieces, library: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces.tokens("cordless drill, 18v")
    monkeypatch.setattr(pieces, "_tokenizer", None)
    assert list(pieces.tokens("18v drill")) == library.encode("18v drill").ids
