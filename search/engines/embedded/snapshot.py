"""An open snapshot whose words are a tantivy index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path

import tantivy

from search.engines.embedded.browsing import BrowsingFacets
from search.engines.embedded.dialect import TantivyDialect
from search.engines.embedded.schema import open_words, ordinals_from, ordinals_of
from search.engines.embedded.state import IndexState
from search.engines.local.conditions import Asks, Later
from search.engines.local.snapshot import LocalSnapshot
from search.engines.local.state import LocalState
from search.types import Ordinals


class OpenSnapshot(LocalSnapshot[tantivy.Index, IndexState]):
    """One snapshot's parts, its words among them, and everything appended to them since."""

    def _open_words(self, path: Path) -> tantivy.Index:
        return open_words(path)

    def _find(self, words: tantivy.Index) -> Callable[[Sequence[str]], Ordinals]:
        return partial(ordinals_of, words.searcher(), words.schema)

    def _later_rows(self, words: tantivy.Index, first: int, end: int) -> Later:
        searcher, schema = words.searcher(), words.schema

        def later(query: Asks) -> Ordinals:
            return ordinals_from(searcher, schema, query(TantivyDialect(schema)), first, end)

        return later

    def _made(self, words: tantivy.Index, local: LocalState) -> IndexState:
        searcher, schema = words.searcher(), words.schema
        return IndexState(
            **{field.name: getattr(local, field.name) for field in fields(local)},
            searcher=searcher,
            dialect=TantivyDialect(schema),
            browsing=BrowsingFacets(searcher, schema, local.filters, local.masks),
        )
