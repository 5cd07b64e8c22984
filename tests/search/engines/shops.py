"""Small indexes for tests, built by the engine's own writers, and products to fill them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from indexer.analysis import index_fields
from indexer.live import LiveWriter
from indexer.measures import product_measures
from query.normalize import normalize_query
from search.engines.embedded.snapshot import OpenSnapshot
from search.engines.embedded.state import IndexState
from search.engines.local.dense import build_vector_index
from search.engines.local.fields import analyzer
from search.engines.local.layout import DataLayout, new_version, read_current, stamp
from search.engines.local.manifest import Manifest, encode_manifest, measure_parts
from search.engines.local.writer import PartsWriter
from search.engines.server.writer import ServerWordsWriter
from search.seams import Encoder
from search.settings import Settings, WordsSettings
from search.types import AttributeValue, Change, Delete, Ordinals, Product, Query, Upsert, Vectors
from tests.search.engines.brute import has_every_word

ENOUGH = 3
"""How many products with every word are enough in these small shops."""
WORDS = ("red", "blue", "kettle", "kettles", "steel", "lamp", "desk", "xm4", "1000")
NEGATING = ("without", "w/o", "no", "non", "free", "a")


def build(data: Path, products: Sequence[Product], vectors: Vectors | None = None) -> str:
    """Writes and publishes a snapshot; its version."""
    layout, version = DataLayout(data), new_version()
    snapshot, weights = layout.snapshot(version), Settings().index.weights
    settings, words = Settings(data=data), None
    if settings.engine != "embedded":
        held = vectors if settings.server.dense == "server" else None
        words = ServerWordsWriter(settings, version, weights, vectors=held)
    writer = PartsWriter(snapshot, version, heap_bytes=15_000_000, words=words)
    for product in products:
        writer.add(product, index_fields(product, weights), product_measures(product))
    writer.finish()
    report, dimensions = None, None
    if vectors is not None:
        snapshot.meaning.mkdir()
        report = asdict(
            build_vector_index(
                vectors, snapshot.vectors, exact_below=50_000, recall_target=0.95, threads=1
            )
        )
        stamp(snapshot.meaning, version)
        dimensions = vectors.shape[1]
    manifest = Manifest(
        version,
        "2026-11-21T10:00:00+00:00",
        {"products": len(products)},
        weights,
        encoder=None if vectors is None else "test",
        dimensions=dimensions,
        vectors=report,
        parts=measure_parts(snapshot.root),
        engine=settings.engine,
    )
    snapshot.manifest.write_bytes(encode_manifest(manifest))
    layout.current.write_text(version)
    return version


def change(data: Path, changes: Sequence[Change], encoder: Encoder | None = None) -> None:
    """Applies one batch of live changes."""
    LiveWriter(Settings(data=data), encoder).apply(changes)


def state_of(data: Path) -> IndexState:
    """The newest state of an index."""
    settings = Settings(data=data, words=WordsSettings(enough=ENOUGH))
    return OpenSnapshot(settings, read_current(data)).open_state()


def understood(text: str) -> Query:
    """A query as the pipeline's rewriter leaves it."""
    return normalize_query(Query(text))


def unit_vectors(count: int, dimensions: int = 8, seed: int = 0) -> Vectors:
    """Random directions."""
    drawn = np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


def ids(state: IndexState, ordinals: Sequence[int] | np.ndarray) -> list[str]:
    """The products' ids, in order."""
    return [product.id for product in state.products(np.asarray(ordinals, np.int32))]


_NUMBERS = (0.0, -0.0, 1.0, 2.5, 9.99, 19.99, 1e9, -3.0, float("nan"))
_TEXTS = ("red", "Red", "5", "true", "a b", "é=x", "a > b", "line\nbreak", "2.5 mm", "1 cm")
_LEVELS = ("Home", "Home & Co", "Kitchen", "Lighting")
ATTRIBUTES = ("size", "dotted.name", "fits: all?")


def random_product(rng: random.Random, product_id: str) -> Product:
    """A product with few distinct values, so that filters and facets meet several products."""

    def maybe(*values: Any) -> Any:
        return rng.choice((None, *values))

    return Product(
        id=product_id,
        title=" ".join([*rng.choices(WORDS + NEGATING, k=rng.randint(0, 5)), rng.choice(WORDS)]),
        brand=maybe("Acme", "acme", "Bo & Co"),
        category=tuple(rng.choices(_LEVELS, k=rng.randint(0, 3))),
        price=maybe(*(number for number in _NUMBERS if not number < 0)),
        color=maybe("red", "blue"),
        attributes={name: _value(rng) for name in ATTRIBUTES if rng.random() < 0.7},
        rating=maybe(0.0, 1.0, 3.5, 4.0, 4.9),
        rating_count=maybe(0, 1, 2),
        sales_rank=maybe(1, 2, 3, 4),
        stock=maybe(0, 1, 2),
        created=maybe(date(2020, 1, 1), date(2020, 1, 2), date(1969, 1, 1)),
        group=maybe("g1", "g2"),
    )


def _value(rng: random.Random) -> AttributeValue:
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(_NUMBERS)
    if kind == 1:
        return rng.choice(_TEXTS)
    return rng.random() < 0.5 if kind == 2 else tuple(rng.sample(_TEXTS, rng.randint(0, 3)))


class Shop:
    """A state of an index, and the products it should hold, in the order of their ordinals."""

    def __init__(self, state: IndexState, products: list[Product]) -> None:
        self.state, self.products = state, products

    def ordinals(self) -> Ordinals:
        """The ordinals of the products."""
        found = [self.state.find(product.id) for product in self.products]
        assert None not in found
        return np.array(found, np.int32)


def with_some_word(shop: Shop, text: str) -> list[Product]:
    """The products that have one of the words, words that most products have not counted. How many
    have one is asked of the index, which counts what was changed or removed until a merge."""
    searcher = shop.state.searcher
    most = searcher.num_docs / 2
    stems = analyzer("all").analyze
    words = text.split()
    telling = [w for w in words if searcher.doc_freq("all", stems(w)[0]) <= most] or words
    return [p for p in shop.products if any(has_every_word(p, word) for word in telling)]


def random_shop(data: Path, seed: int, size: int, batches: int) -> Shop:
    """A catalogue that was indexed and then changed several times."""
    rng = random.Random(seed)
    left = {f"p{i}": random_product(rng, f"p{i}") for i in range(size)}
    build(data, list(left.values()))
    for _ in range(batches):
        named = [f"p{i}" for i in rng.sample(range(size + 10), 8)]
        batch: list[Change] = []
        for name in named:
            left.pop(name, None)
            if rng.random() < 0.6:
                left[name] = random_product(rng, name)
                batch.append(Upsert(left[name]))
            else:
                batch.append(Delete(name))
        change(data, batch)
    return Shop(state_of(data), list(left.values()))
