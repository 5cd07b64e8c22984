"""One unchanging state of an index whose words are on a server: every search on it, awaited.

Documents are never altered in place: a product that changes is a new document with an ordinal of
its own, `born` with its batch of changes, and the old one is marked as `died` with it. A state
leaves out what was born after it or had died by then, so that it goes on as it was, whatever is
written meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from search.engines.local.column_counting import ColumnCounting
from search.engines.local.facets import FacetCounter
from search.engines.local.fields import title_key
from search.engines.local.filters import FILTERS, filtered
from search.engines.local.ids import IdStore
from search.engines.local.state import LocalState
from search.engines.local.tally import Asked, Tally
from search.engines.local.words import WordsQuery, check_weights
from search.engines.server.asking import COUNTS, HITS, ask, copy_of, whole
from search.engines.server.client import Params, Server
from search.engines.server.counting import aggregations, tally
from search.engines.server.dialect import Dsl, DslDialect
from search.engines.server.faults import wrong_product
from search.engines.server.frequencies import Asking, Vocabulary, with_counts
from search.engines.server.nearest import nearest
from search.errors import EngineUnavailable, EngineUnusable
from search.order import KEYS, in_order
from search.ordering import prefer_every_word
from search.types import (
    Facet,
    Filters,
    Mask,
    Named,
    Ordinals,
    Query,
    Ranking,
    Relaxation,
    Sort,
    Vector,
    WordMatches,
)

_NAMED = 50
"""Products of one title, at most."""
_RARE = 0.001
"""Of the products with every word that are enough: as few are expected (by `estimate`, which is
too low) where both questions are asked at once. Of 300 queries on 100,000 products 80 needed the
second; so 50 of them had it in time, and 16 more had it in vain."""
_AS_ASKED: Relaxation = "none"
_DIALECT = DslDialect()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState(LocalState):
    """Words of one index on a server, and what this process holds itself."""

    server: Server
    index: str
    sequence: int
    """The batches of changes that this state has seen."""
    alive: Mask
    ids: IdStore
    vocabulary: Vocabulary
    dense_there: bool = False
    """Whether the server finds what is near in meaning."""

    @property
    def product(self) -> str:
        """How people call the server."""
        return self.server.product

    async def nearest(self, vector: Vector, filters: Filters, limit: int) -> Ranking:
        """As `meaning`, by the server.

        Raises:
            BadInput: a filter is wrong.
            EngineUnavailable: the server does not answer.
        """
        if self.vectors is None:
            return Ranking.empty()
        return await nearest(self, vector, filters, limit)

    async def words(
        self, query: Query, filters: Filters, limit: int, relax: bool = False
    ) -> WordMatches:
        """As the embedded engine's `IndexState.words`.

        Raises:
            BadInput: a filter is wrong.
            EngineUnavailable: the server does not answer.
        """
        words = await self._words(query)
        asked = self._search(words.required(), filters, max(limit, self.settings.enough))
        also: Ranking | None = None
        if words.relaxable and (relax or self._rarely(words)):
            # Few will have every word, so the second question need not wait for the first's answer.
            every, also = await asyncio.gather(asked, self._search(words.any(), filters, limit))
        else:
            every = await asked
        some, relaxation = Ranking.empty(), _AS_ASKED
        if words.relaxable and (relax or await self._few(words, filters, len(every))):
            some = await self._search(words.any(), filters, limit) if also is None else also
            relaxation = "fewer_words" if len(some) and not len(every) else "none"
        bonus = self.settings.every_word_bonus
        return WordMatches(prefer_every_word(every, some, bonus, limit), relaxation)

    async def named(self, query: Query) -> Named:
        """See `search.seams.View.named`."""
        title = _DIALECT.term("named", title_key(" ".join(query.terms)))
        titled, words = await asyncio.gather(self._search(title, (), _NAMED), self._words(query))
        found = words.by_code()
        if not found:
            return Named(titled.ordinals, titled.ordinals[:0])
        coded = (await self._search(_DIALECT.some(list(found.values())), (), _NAMED)).ordinals
        titles = [_letters(product.title) for product in self.documents.products(coded)]
        own = np.array([not any(code in title for code in found) for title in titles], np.bool_)
        return Named(np.union1d(titled.ordinals, coded[own]).astype(np.int32), coded)

    async def sorted_words(
        self, query: Query, filters: Filters, sort: Sort, limit: int, relax: bool = False
    ) -> WordMatches:
        """Every product that `words` would find, in the stated order; with words alone, others do
        without the server.

        Raises:
            BadInput: a filter is wrong.
            EngineUnavailable: the server does not answer.
        """
        if sort == "relevance":
            return await self.words(query, filters, limit, relax)
        words = await self._words(query)
        name, direction = KEYS[sort][0]
        order = {"order": "asc" if direction > 0 else "desc", "missing": "_last"}
        matches = await self._matches(words, filters, relax)
        hits = await self._hits(matches, filters, limit, [{name: order}, {"ord": "asc"}])
        ordinals = np.array([hit["sort"][-1] for hit in hits], np.int32)
        as_asked = not len(ordinals) or len(await self._search(words.required(), filters, 1))
        relaxation: Relaxation = "none" if as_asked else "fewer_words"
        found = in_order(ordinals, sort, self.columns)[:limit]
        return WordMatches(Ranking(found, np.zeros(len(found), np.float32)), relaxation)

    def browse(self, filters: Filters, sort: Sort, limit: int) -> WordMatches:
        """Blocking: every product that satisfies filters, in the stated order.

        Raises:
            BadInput: a filter is wrong.
        """
        found = self.orders.best(self.masks.of(filters), sort, limit, self.columns)
        return WordMatches(Ranking(found, np.zeros(len(found), np.float32)), "none")

    async def facets(
        self,
        query: Query | None,
        filters: Filters,
        also: Ordinals,
        names: Sequence[str] | None,
        relax: bool = False,
    ) -> tuple[int, tuple[Facet, ...]]:
        """See `search.seams.View.facets`; with words, or of `also` alone.

        Raises:
            BadInput: a filter or a facet's name is wrong.
            EngineUnavailable: the server does not answer.
        """
        found = [_DIALECT.terms("ord", also.tolist())] if len(also) else []
        if query is not None:
            found.append(await self._matches(await self._words(query), filters, relax))
        matches = _DIALECT.some(found) if found else _DIALECT.nothing()
        counter = FacetCounter(self.filters, filters)
        return await counter.counted(names, partial(self._count, matches))

    def local_counts(self, filters: Filters, asked: Asked) -> Tally:
        """Blocking: the counts of everything that satisfies filters, as far as columns have it."""
        own = {name: named for name, named in asked.items() if name in FILTERS}
        nobody = ColumnCounting(self.filters, self.masks, _Nobody())
        return nobody.count(filters, own)

    async def server_counts(self, filters: Filters, asked: Asked) -> Tally | None:
        """The others, None when there are none."""
        others = {name: named for name, named in asked.items() if name not in FILTERS}
        return await self._count(_DIALECT.everything(), filters, others) if others else None

    def find(self, product_id: str) -> int | None:
        """The ordinal of a product id, None when there is none."""
        found = self.ids.find([product_id], self.alive)
        return int(found[0]) if len(found) else None

    async def _count(self, matches: Dsl, filters: Filters, asked: Asked) -> Tally:
        query = self._within(matches, filters)
        body = {"size": 0, "track_total_hits": False, "query": query, "aggs": aggregations(asked)}
        found = await self._ask(body, COUNTS)
        return tally(asked, found["aggregations"])

    async def _words(self, query: Query) -> WordsQuery[Dsl]:
        weights, fuzzy = check_weights(self.settings), self.settings.fuzzy_title_weight

        def made(counts: Asking) -> WordsQuery[Dsl]:
            words = WordsQuery(_DIALECT, counts, weights, fuzzy, query)
            words.required(), words.any(), words.by_code()
            return words

        return await with_counts(made, self.count, self.vocabulary, self._frequencies)

    async def _frequencies(self, queries: Sequence[Dsl]) -> tuple[list[int], bool]:
        counted = {"filters": {"filters": list(queries)}}
        body = {"size": 0, "track_total_hits": False, "aggs": {"words": counted}}
        found = await self._ask(body, COUNTS)
        buckets = found["aggregations"]["words"]["buckets"]
        return [bucket["doc_count"] for bucket in buckets], whole(found)

    def _rarely(self, words: WordsQuery[Dsl]) -> bool:
        return words.estimate(self.count) < _RARE * self.settings.enough

    async def _few(
        self, words: WordsQuery[Dsl], filters: Filters, found: int | None = None
    ) -> bool:
        """See `IndexState._few`."""
        enough = self.settings.enough
        if any(each.name == "id" and not each.exclude for each in filters):
            return True
        if found is None or (filters and found < enough):
            found = len(await self._search(words.required(), (), enough))
        return found < enough

    async def _matches(self, words: WordsQuery[Dsl], filters: Filters, relax: bool) -> Dsl:
        if words.relaxable and (relax or await self._few(words, filters)):
            return words.any()
        return words.required()

    async def _search(self, query: Dsl, filters: Filters, limit: int) -> Ranking:
        if limit <= 0 or "match_none" in query:
            return Ranking.empty()
        return await self.best(self._within(query, filters), limit)

    async def best(self, query: Dsl, limit: int) -> Ranking:
        """The best documents of a query with the server's scores, ties by ordinal."""
        hits = await self._sorted(query, limit, [{"_score": "desc"}, {"ord": "asc"}])
        if not hits:
            return Ranking.empty()
        scores, ordinals = zip(*(hit["sort"] for hit in hits), strict=True)
        return Ranking(np.array(ordinals, np.int32), np.array(scores, np.float32))

    async def _hits(
        self, query: Dsl, filters: Filters, limit: int, sort: Sequence[Dsl]
    ) -> list[dict[str, Any]]:
        if limit <= 0 or "match_none" in query:
            return []
        return await self._sorted(self._within(query, filters), limit, sort)

    async def _sorted(self, query: Dsl, limit: int, sort: Sequence[Dsl]) -> list[dict[str, Any]]:
        body = {
            "size": limit,
            "track_total_hits": False,
            "_source": False,
            "stored_fields": "_none_",
            "sort": list(sort),
            "query": query,
        }
        found = await self._ask(body, {**HITS, "preference": copy_of(query)})
        hits: list[dict[str, Any]] = found.get("hits", {}).get("hits", [])
        # A batch that was given up may have been taken all the same, and not yet taken back.
        return [hit for hit in hits if hit["sort"][-1] < len(self.alive)]

    def allowed(self, filters: Filters) -> Dsl:
        """What satisfies filters in this state.

        Raises:
            BadInput: a filter is wrong.
        """
        return self._within(_DIALECT.everything(), filters)

    def _within(self, query: Dsl, filters: Filters) -> Dsl:
        return self._present(filtered(_DIALECT, self.filters, query, filters))

    def _present(self, query: Dsl) -> Dsl:
        """What of a query there is in this state. Few documents are left out, so it costs little
        to leave them out one by one."""
        later = {"range": {"born": {"gt": self.sequence}}}
        gone = {"range": {"died": {"lte": self.sequence}}}
        return {"bool": {"must": [query], "must_not": [later, gone]}}

    async def probe(self, seconds: float) -> None:
        """Raises unless the server searches the index within so many seconds.

        Raises:
            EngineUnavailable, EngineUnusable, NotFound, IndexCorrupt: why it does not.
        """
        await self._ask({"size": 0, "query": {"term": {"ord": 0}}}, HITS, seconds)

    async def probe_changes(self, seconds: float) -> None:
        """Raises unless the server has a leader, and the index takes changes, for all that those
        who may only read and write can know.

        Raises:
            EngineUnavailable: it does not.
        """
        path = f"/_cluster/state/blocks,master_node/{self.index}"
        params: Params = {"master_timeout": f"{int(seconds * 1000)}ms"}
        try:
            found = await self.server.request("GET", path, None, params, seconds)
        except EngineUnusable:
            return
        if not isinstance(found, Mapping) or "cluster_name" not in found:
            raise EngineUnavailable(str(wrong_product(self.server.product)))
        if found.get("blocks", {}).get("indices", {}).get(self.index):
            raise EngineUnavailable(f"{self.index} takes no changes; look whether a disk is full")

    async def _ask(self, body: Dsl, params: Params, seconds: float | None = None) -> Any:
        return await ask(self.server, self.index, body, params, seconds)


class _Nobody:
    """Counts what was not asked for."""

    def count(self, filters: Filters, asked: Asked) -> Tally:
        """Nothing."""
        return Tally(0, {}, {})


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))
