"""The demo shop's understanding of intent, built once a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from query.intent import IntentBuilder, open_intent
from query.intent.refine import IntentRefiner
from query.normalize import normalize_query
from query.parts import Corpus
from search.types import Product, Query, Vector, Vectors


def build(
    directory: Path,
    products: Sequence[Product],
    encode: Callable[[Sequence[str]], Vectors | None] = lambda texts: None,
    lists: Path | None = None,
) -> IntentRefiner:
    """Builds the part in an empty directory and opens it."""
    directory.mkdir(parents=True, exist_ok=True)
    builder = IntentBuilder()
    for product in products:
        builder.add(product)
    vectors = encode([product.title for product in products]) if products else None
    builder.write(
        directory,
        Corpus(len(products), products, vectors, encode=encode, lists=lists),
    )
    return open_intent(directory)


def understand(refiner: IntentRefiner, text: str, vector: Vector | None = None) -> Query:
    """A query after normalizing and this part."""
    return refiner(normalize_query(Query(text)), None if vector is None else np.asarray(vector))
