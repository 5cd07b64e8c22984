"""What every engine's words index holds of a product, and how its texts are analyzed.

Text arrives normalized (see `indexer.analysis`); it is only split at spaces and stemmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import tantivy

from search.engines.local.attributes import attribute_terms, term_name
from search.engines.local.columns import NUMBERS, SEPARATOR, column_row
from search.engines.local.measures import Measures, measure_keys
from search.engines.local.titles import mark_negated
from search.types import Product

TEXT_FIELDS = ("all", "title", "tags", "codes")
"""The fields that can be searched by words."""
_LONGEST_WORD = 80


def analyzer(field: str) -> tantivy.TextAnalyzer:
    """The analyzer of a text field, for indexing and for queries."""
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    builder = builder.filter(tantivy.Filter.remove_long(_LONGEST_WORD))
    if field != "codes":
        builder = builder.filter(tantivy.Filter.stemmer("english"))
    return builder.build()


def title_key(title: str) -> int:
    """What a whole normalized title is found by: 64 bits, so that no two of a catalogue meet."""
    return int.from_bytes(blake2b(title.encode(), digest_size=8).digest())


def indexed_values(
    ordinal: int, product: Product, fields: Mapping[str, str], measures: Measures
) -> dict[str, Any]:
    """What every engine's words index holds of a product, its attributes' values apart; what is
    not known is left out."""
    # Numbers as the columns hold them, so that words and columns filter alike.
    numbers = dict(zip(NUMBERS, column_row(product).numbers, strict=True))
    values: dict[str, Any] = {
        "id": product.id,
        "ord": ordinal,
        "brand": product.brand,
        "color": product.color,
        **{name: numbers[name] for name in ("price", "rating", "created")},
        "in_stock": not numbers["stock"] <= 0,
        "category": category_levels(product.category),
        "attribute_names": list(dict.fromkeys(map(term_name, attribute_terms(product)))),
        "phrases": " ".join(mark_negated(fields["title"].split())),
        "named": title_key(fields["title"]),
        "measures": measure_keys(measures),
        **{name: fields[name] for name in TEXT_FIELDS if fields.get(name)},
    }
    return {name: value for name, value in values.items() if value is not None and value == value}


def category_levels(path: tuple[str, ...]) -> list[str]:
    """A category and all it lies in: `A`, `A > B`, `A > B > C`."""
    return [SEPARATOR.join(path[: depth + 1]) for depth in range(len(path))]
