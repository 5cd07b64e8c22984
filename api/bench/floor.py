"""The floor: tantivy alone on the same words index, no meaning, no fusion, no product looked up."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tantivy

from api.bench.latency import Percentiles
from query import normalize_query
from search.engines.embedded.schema import open_words
from search.engines.local.fields import analyzer
from search.engines.local.layout import DataLayout, read_current
from search.types import Query

_DEPTHS = (10, 700)


def tantivy_alone(data: Path, queries: Sequence[str]) -> dict[str, Any]:
    """Milliseconds of a flat disjunction and of a conjunction over the weighted text, by depth."""
    index = open_words(DataLayout(data).snapshot(read_current(data)).words)
    searcher, schema = index.searcher(), index.schema
    stems = analyzer("all")
    floor: dict[str, Any] = {}
    for name, occur in (("any word", tantivy.Occur.Should), ("every word", tantivy.Occur.Must)):
        for depth in _DEPTHS:
            spent = []
            for text in queries:
                terms = [
                    t for word in normalize_query(Query(text)).terms for t in stems.analyze(word)
                ]
                if not terms:
                    continue
                started = time.perf_counter()
                parts = [(occur, tantivy.Query.term_query(schema, "all", t, "freq")) for t in terms]
                searcher.search(tantivy.Query.boolean_query(parts), depth, count=False)
                spent.append((time.perf_counter() - started) * 1000)
            floor[f"{name}, top {depth}"] = asdict(Percentiles.of(spent))
    return floor
