"""A small shop that changes, and what any index of it must show."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from indexer.analysis import encoder_text
from indexer.progress import Progress
from query.normalize import normalize_query
from query.text import words
from search.engines.embedded.snapshot import OpenSnapshot
from search.engines.embedded.state import IndexState
from search.settings import MeaningSettings, Settings, UnderstandingSettings
from search.types import Filter, Ordinals, Product, Query, Vector, Vectors

DIMENSIONS = 16


class WordHashEncoder:
    """A real, tiny encoder: the normalized sum of one pseudo-random vector per word, as in random
    indexing. Encodes a catalogue and its live changes in microseconds; counts what it encodes."""

    name = "word-hash"
    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded += len(texts)
        return np.stack([_vector(text) for text in texts])


class WordHashCatalogueEncoder:
    """The same for a build."""

    name = WordHashEncoder.name
    dimensions = DIMENSIONS

    def encode(
        self, products: Iterable[Product], count: int, out: Path, progress: Progress
    ) -> Vectors:
        progress("encode", 0, count)
        vectors = np.stack([_vector(encoder_text(product)) for product in products])
        progress("encode", count, count)
        return vectors.astype(np.float16).astype(np.float32)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return np.stack([_vector(text) for text in texts])


def _vector(text: str) -> Vector:
    total = np.zeros(DIMENSIONS)
    for word in words(text) or [""]:
        seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
        total += np.random.default_rng(seed).standard_normal(DIMENSIONS)
    return np.asarray(total / np.linalg.norm(total), np.float32)


def shop_settings(data: Path, encoder: str = "none", *, understanding: bool = False) -> Settings:
    """Without understanding unless asked for: learning it takes a second, at each build."""
    return Settings(
        data=data,
        threads=1,
        meaning=MeaningSettings(encoder=encoder),
        understanding=UnderstandingSettings(enabled=understanding),
    )


def opened(settings: Settings) -> IndexState:
    """The newest state, opened as a new process would."""
    version = (settings.data / "CURRENT").read_text()
    return OpenSnapshot(settings, version).open_state()


def found_by_words(state: IndexState, text: str) -> list[str]:
    """The ids of every product with all the words, in ordinal order; fails on a repeated one."""
    query = normalize_query(Query(text))
    ordinals = state.sorted_words(query, (), "price_asc", 1000).ranking.ordinals
    return _ids(state, np.sort(ordinals))


def _ids(state: IndexState, ordinals: Ordinals) -> list[str]:
    assert len(set(ordinals.tolist())) == len(ordinals), "a product was found twice"
    ids = [product.id for product in state.products(ordinals)]
    assert len(set(ids)) == len(ids), "two documents of one product were found"
    return ids


def assert_shows(state: IndexState, shop: Mapping[str, Product]) -> None:
    """The index holds exactly `shop`: by id, words, filters, facets and meaning."""
    assert state.count == len(shop)
    _assert_by_id(state, shop)
    _assert_by_words(state, shop)
    _assert_by_filters(state, shop)
    _assert_by_meaning(state, shop)


def _assert_by_id(state: IndexState, shop: Mapping[str, Product]) -> None:
    for product in shop.values():
        ordinal = state.find(product.id)
        assert ordinal is not None
        assert state.products(np.array([ordinal], np.int32)) == [product]
    assert state.find("never-there") is None
    everything = state.sorted_words(Query(""), (), "newest", 1000).ranking.ordinals
    assert sorted(_ids(state, everything)) == sorted(shop)


def _assert_by_words(state: IndexState, shop: Mapping[str, Product]) -> None:
    for word in {word for product in shop.values() for word in words(product.title)}:
        expected = {p.id for p in shop.values() if word in words(p.title)}
        assert set(found_by_words(state, word)) == expected, word


def _assert_by_filters(state: IndexState, shop: Mapping[str, Product]) -> None:
    for brand in {product.brand for product in shop.values() if product.brand}:
        holding = {p.id for p in shop.values() if p.brand == brand}
        assert passing(state, Filter("brand", (brand,))) == holding
    for size in {product.attributes.get("size") for product in shop.values()} - {None}:
        holding = {p.id for p in shop.values() if p.attributes.get("size") == size}
        assert passing(state, Filter("attributes.size", (str(size),))) == holding
    holding = {p.id for p in shop.values() if p.price is not None and 10 <= p.price <= 50}
    assert passing(state, Filter("price", low=10, high=50)) == holding
    _, facets = state.facets(Query(""), (), np.empty(0, np.int32), ("brand",))
    counted = {value.value: value.count for facet in facets for value in facet.values}
    brands = [product.brand for product in shop.values() if product.brand]
    assert counted == {brand: brands.count(brand) for brand in brands}


def passing(state: IndexState, condition: Filter) -> set[str]:
    """The ids of every product that a filter lets pass."""
    ordinals = state.sorted_words(Query(""), (condition,), "newest", 1000).ranking.ordinals
    return set(_ids(state, ordinals))


def _assert_by_meaning(state: IndexState, shop: Mapping[str, Product]) -> None:
    if state.vectors is None:
        return
    everything = state.meaning(_vector("anything"), (), 10_000).ordinals
    assert sorted(_ids(state, everything)) == sorted(shop)
    for product in shop.values():
        stored = state.vector(int(state.find(product.id) or 0))
        assert stored is not None
        assert float(stored @ _vector(encoder_text(product))) > 0.999
