"""What an index on a server holds of each product, and how it is analyzed.

Text is analyzed here, by the very functions that analyze queries, and arrives as stems; the server
only splits at spaces. The same text therefore has the same tokens in every engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from search.engines.local.attributes import attribute_terms
from search.engines.local.fields import TEXT_FIELDS, analyzer, indexed_values
from search.engines.local.measures import Measures
from search.engines.server.dialect import stored
from search.engines.server.nearest import FIELD, sent
from search.types import Product, Vector

FORMAT = 1
"""The version of this form; an index of another is refused."""
_STEMMED, _WHOLE = analyzer("all"), analyzer("codes")
_KEPT_STEMS = 1 << 18
_RESULT_WINDOW = 100_000
_KEYWORDS = ("id", "named", "brand", "color", "category", "attributes", "attribute_names")
_LONGEST_KEYWORD = 8_000
"""Characters; the server refuses terms of more than 32,766 bytes."""


def mapping(
    version: str,
    weights: Mapping[str, int],
    *,
    complete: bool = False,
    vectors: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The fields of the index of one snapshot, which `_meta` names; `complete` once it is.
    `vectors` is the field of vectors, where it has one."""
    words = {"type": "text", "analyzer": "stems", "index_options": "freqs"}
    fields: dict[str, Any] = {
        "ord": {"type": "integer"},
        **{name: words for name in TEXT_FIELDS},
        "phrases": {"type": "text", "analyzer": "stems", "norms": False},
        **{name: {"type": "keyword"} for name in _KEYWORDS},
        "price": {"type": "float"},
        "rating": {"type": "float"},
        "created": {"type": "float"},
        "in_stock": {"type": "boolean"},
        "measures": {"type": "long"},
        "checksum": {"type": "long", "index": False},
        "born": {"type": "integer"},
        "died": {"type": "integer"},
        **({FIELD: vectors} if vectors else {}),
    }
    made = {
        "version": version,
        "format": FORMAT,
        "weights": dict(weights),
        "complete": complete,
    }
    return {
        "dynamic": "strict",
        "_source": {"includes": ["id", "ord", "brand", "category", "price"]},
        "_meta": {"aisle": made},
        "properties": fields,
    }


def settings(shards: int, *, graph: bool = False) -> dict[str, Any]:
    """How the index is kept while it is loaded: not searched yet, and without copies. OpenSearch
    has to be told that it will hold a `graph` of vectors."""
    return {
        "index": {
            **({"knn": True} if graph else {}),
            "number_of_shards": shards,
            "number_of_replicas": 0,
            "refresh_interval": "-1",
            "max_result_window": _RESULT_WINDOW,
            "unassigned.node_left.delayed_timeout": "2s",
            "analysis": {"analyzer": {"stems": {"type": "custom", "tokenizer": "whitespace"}}},
        }
    }


def server_document(
    ordinal: int,
    product: Product,
    fields: Mapping[str, str],
    measures: Measures,
    vector: Vector | None = None,
) -> dict[str, Any]:
    """What the server indexes of a product; `fields` are its normalized words, `vector` its
    embedding where the server is to find it by that."""
    values = indexed_values(ordinal, product, fields, measures)
    for name in (*TEXT_FIELDS, "phrases"):
        if name in values:
            values[name] = analyzed(name, values[name])
    values["named"] = stored("named", values["named"])
    values["measures"] = [stored("measures", key) for key in values["measures"]]
    terms = (term for term in attribute_terms(product) if len(term) <= _LONGEST_KEYWORD)
    values["attributes"] = list(terms)
    if vector is not None:
        values[FIELD] = sent(vector)
    return values


def analyzed(field: str, text: str) -> str:
    """The tokens of normalized words, joined by spaces."""
    token = _whole if field == "codes" else _stem
    return " ".join(filter(None, map(token, text.split())))


@lru_cache(_KEPT_STEMS)
def _stem(word: str) -> str:
    return " ".join(_STEMMED.analyze(word))


def _whole(word: str) -> str:
    return " ".join(_WHOLE.analyze(word))
