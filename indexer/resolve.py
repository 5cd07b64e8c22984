"""What a batch of changes does to the index as it is: whole products, vectors, ended ordinals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import orjson

from indexer.analysis import encoder_text, text_fields
from indexer.live_index import LiveIndex
from indexer.measures import product_measures
from indexer.patching import patched
from search.engines.local.changes import Batch, Entry
from search.engines.local.documents import encode_product
from search.engines.local.measures import measure_keys
from search.engines.local.texts import pack_texts
from search.errors import BadInput
from search.seams import Encoder
from search.types import Change, Delete, Patch, Product, Upsert, Vector, Vectors

KnownVectors = Mapping[str, Vector]
"""Vectors of texts that need not be encoded."""


@dataclass(slots=True)
class _Resolving:
    """The batch so far."""

    entries: list[Entry] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    vectors: list[Vector | None] = field(default_factory=list)
    dead: list[int] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A batch ready for the log, its products beside it, and the ids that named no product."""

    batch: Batch
    products: tuple[Product, ...]
    missing: tuple[str, ...]


def resolve(
    index: LiveIndex,
    changes: Mapping[str, Change],
    encoder: Callable[[], Encoder],
    known: KnownVectors,
) -> Resolved:
    """Resolves changes, one per id, against the index. A product whose text stays as it was keeps
    its vector, so that new prices cost no encoding.

    Raises:
        BadInput: a patch is not possible, or a product holds text that is not Unicode.
        EncoderUnavailable: a text must be encoded and cannot be.
    """
    found = _Resolving()
    for product_id, change in changes.items():
        _resolve_one(index, product_id, change, found)
    vectors = None
    if index.manifest.encoder is not None:
        dimensions = index.manifest.dimensions or 0
        vectors = _fill_vectors(found, encoder, known).reshape(-1, dimensions)
    batch = Batch(
        sequence=index.state.sequence + 1,
        entries=tuple(found.entries),
        products=tuple(map(_encoded, found.products)),
        vectors=vectors,
        dead=tuple(found.dead),
        texts=tuple(pack_texts(text_fields(product)) for product in found.products),
        measures=tuple(tuple(measure_keys(product_measures(each))) for each in found.products),
    )
    return Resolved(batch, tuple(found.products), tuple(found.missing))


def _resolve_one(index: LiveIndex, product_id: str, change: Change, found: _Resolving) -> None:
    ordinal = index.find(product_id)
    if ordinal is None and not isinstance(change, Upsert):
        found.missing.append(product_id)
        return
    before = None if ordinal is None else index.product(ordinal)
    if ordinal is not None:
        found.dead.append(ordinal)
    if isinstance(change, Delete):
        found.entries.append(Entry("delete", product_id))
        return
    if isinstance(change, Patch):
        assert before is not None
        after = patched(before, change.fields)
        found.entries.append(Entry("patch", product_id, _plain(change.fields)))
    else:
        after = change.product
        found.entries.append(Entry("upsert", product_id))
    found.products.append(after)
    same = before is not None and encoder_text(before) == encoder_text(after)
    found.vectors.append(index.vector(ordinal) if same and ordinal is not None else None)


def _plain(fields: Mapping[str, object]) -> Mapping[str, object]:
    """Values as JSON gives them back."""
    plain: Mapping[str, object] = orjson.loads(orjson.dumps(dict(fields)))
    return plain


def _encoded(product: Product) -> bytes:
    try:
        return encode_product(product)
    except TypeError as error:
        raise BadInput(
            f"product {product.id!r} cannot be stored ({error}); send valid Unicode text"
        ) from error


def _fill_vectors(
    found: _Resolving, encoder: Callable[[], Encoder], known: KnownVectors
) -> Vectors:
    """The vectors of all products; those still missing are encoded, and rounded as the encodings
    of a whole catalogue are."""
    texts = [encoder_text(product) for product in found.products]
    vectors = [
        known.get(text) if vector is None else vector
        for text, vector in zip(texts, found.vectors, strict=True)
    ]
    unknown = [text for text, vector in zip(texts, vectors, strict=True) if vector is None]
    fresh: dict[str, Vector] = {}
    if unknown:
        encoded = encoder().encode(unknown).astype(np.float16).astype(np.float32)
        fresh = dict(zip(unknown, encoded, strict=True))
    rows = [
        fresh[text] if vector is None else vector
        for text, vector in zip(texts, vectors, strict=True)
    ]
    return np.stack(rows) if rows else np.empty(0, np.float32)
