"""Queries are encoded with the encoder that made the vectors, and repeated ones are remembered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from search.encoders import CachedEncoder, Encoders
from search.errors import EncoderUnavailable
from search.types import Vectors


class LengthEncoder:
    """Encodes a text as its length, and keeps what it was asked."""

    dimensions = 1

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return np.array([[len(text)] for text in texts], np.float32)


def test_the_encoder_follows_the_index() -> None:
    opened: list[str] = []

    def open_one(name: str) -> LengthEncoder:
        opened.append(name)
        return LengthEncoder(name)

    encoders = Encoders(open_one)
    assert [encoders(name).name for name in ("a", "a", "b", "b")] == ["a", "a", "b", "b"]
    assert opened == ["a", "b"]


def test_an_index_without_vectors_has_no_encoder() -> None:
    with pytest.raises(EncoderUnavailable, match="no vectors"):
        Encoders(LengthEncoder)(None)


def test_an_encoder_that_cannot_be_opened_is_not_tried_at_every_search() -> None:
    attempts: list[str] = []

    def broken(name: str) -> LengthEncoder:
        attempts.append(name)
        raise EncoderUnavailable("gone")

    encoders = Encoders(broken)
    for _ in range(3):
        with pytest.raises(EncoderUnavailable, match="gone"):
            encoders("a")
    assert attempts == ["a"]


def test_a_repeated_text_is_encoded_once_and_the_oldest_is_forgotten() -> None:
    inner = LengthEncoder("a")
    cached = CachedEncoder(inner, 2)
    assert cached.encode(["x", "yy", "x"]).tolist() == [[1], [2], [1]]
    assert cached.encode(["yy", "x"]).tolist() == [[2], [1]]
    assert inner.asked == ["x", "yy"]
    cached.encode(["zzz"])
    cached.encode(["yy"])
    assert inner.asked == ["x", "yy", "zzz", "yy"]


def test_what_the_latest_encoder_remembered_is_counted() -> None:
    encoders = Encoders(LengthEncoder, cached=10)
    assert encoders.cache_counts == (0, 0)
    for texts in (["lamp"], ["lamp", "kettle"]):
        encoders("a").encode(texts)
    assert encoders.cache_counts == (3, 1)
    encoders("b").encode(["lamp"])
    assert encoders.cache_counts == (1, 0)
