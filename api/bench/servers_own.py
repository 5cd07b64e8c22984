"""A server's own hybrid search, as its manual has it: words by `multi_match` over stemmed fields,
meaning by kNN, merged by the server. Nothing is understood, nothing is ranked by a model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import aiohttp
import orjson
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from indexer.progress import Progress
from search.engines.server.nearest import field, sent
from search.errors import EngineUnavailable
from search.types import Product, Vector, Vectors

FIELDS = (
    "title^3",
    "tags^2",
    "brand^2",
    "color",
    "category",
    "attributes",
    "description",
)
BATCH, SIDE_BY_SIDE = 500, 4
PIPELINE = "aisle-bench-rrf"
_LONG = aiohttp.ClientTimeout(total=7200)
_NEAREST, _WORDS_SIZE = 300, 1000
_NO_ROOM, _PATIENCE = 429, 300.0
"""What a server says that has no room for a request now, and the seconds it is asked again for."""
_PAGE = 20
_VECTOR = "vector"


@dataclass(frozen=True, slots=True)
class Candidates:
    """How many a search gives: `size` of them from `near` neighbors and the words; the products
    themselves with `stored`, else their ordinals alone."""

    size: int
    near: int
    stored: bool


TOP = Candidates(_PAGE, 100, stored=True)
MANY = Candidates(_WORDS_SIZE, _NEAREST, stored=False)
WHOLE = Candidates(_WORDS_SIZE, _NEAREST, stored=True)


class _Full(EngineUnavailable):
    """It has no room for more now."""


_waiting = retry(
    retry=retry_if_exception_type(_Full),
    wait=wait_exponential_jitter(1.0, 20.0),
    stop=stop_after_delay(_PATIENCE),
    reraise=True,
)


@dataclass(frozen=True, slots=True)
class OwnIndex:
    """One index of a server's own kind."""

    session: aiohttp.ClientSession
    url: str
    name: str
    product: str
    """`Elasticsearch` or `OpenSearch`."""

    async def request(
        self, method: str, path: str, body: Any = None, params: Mapping[str, str] | None = None
    ) -> Any:
        """The decoded answer.

        Raises:
            EngineUnavailable: it is an error.
        """
        lines = isinstance(body, bytes)
        data = body if lines or body is None else orjson.dumps(body)
        kind = "application/x-ndjson" if lines else "application/json"
        async with self.session.request(
            method,
            f"{self.url}{path}",
            data=data,
            params=params or {},
            headers={"content-type": kind},
            timeout=_LONG,
        ) as answer:
            found = await answer.read()
        if answer.status >= 300:
            said = found[:300].decode(errors="replace")
            error = _Full if answer.status == _NO_ROOM else EngineUnavailable
            raise error(f"{self.product}: {method} {path} says {said}")
        return orjson.loads(found)

    async def count(self) -> int:
        """Its documents; 0 when there is no such index."""
        async with self.session.get(f"{self.url}/{self.name}/_count") as answer:
            found = orjson.loads(await answer.read())
        return int(found.get("count", 0))

    async def make(
        self, products: Iterable[Product], vectors: Vectors, progress: Progress
    ) -> float:
        """Loads everything anew and merges it into one segment; the seconds it took."""
        started = time.perf_counter()
        await self.request("DELETE", f"/{self.name}", params={"ignore_unavailable": "true"})
        await self.request("PUT", f"/{self.name}", self._definition(vectors.shape[1]))
        if self.product == "OpenSearch":
            rank = {"score-ranker-processor": {"combination": {"technique": "rrf"}}}
            await self.request(
                "PUT", f"/_search/pipeline/{PIPELINE}", {"phase_results_processors": [rank]}
            )
        await self._load(products, vectors, progress)
        await self.request("POST", f"/{self.name}/_forcemerge", params={"max_num_segments": "1"})
        await self.request("POST", f"/{self.name}/_refresh")
        return time.perf_counter() - started

    def _definition(self, dimensions: int) -> dict[str, Any]:
        words = {"type": "text", "analyzer": "english"}
        names = [name.partition("^")[0] for name in FIELDS]
        settings: dict[str, Any] = {"number_of_replicas": 0, "refresh_interval": "-1"}
        if self.product == "OpenSearch":
            settings["knn"] = True
        return {
            "settings": {"index": settings},
            "mappings": {
                "dynamic": "strict",
                "_source": {"excludes": [_VECTOR]},
                "properties": {
                    "id": {"type": "keyword"},
                    "ord": {"type": "integer"},
                    "price": {"type": "float"},
                    _VECTOR: field(self.product, dimensions),
                    **dict.fromkeys(names, words),
                },
            },
        }

    async def _load(
        self, products: Iterable[Product], vectors: Vectors, progress: Progress
    ) -> None:
        left, done = enumerate(products), 0
        name = f"{self.product}'s own"

        async def send() -> None:
            nonlocal done
            while batch := list(islice(left, BATCH)):
                body = b"".join(_lines(batch, vectors))
                answer = await _waiting(self.request)("POST", f"/{self.name}/_bulk", body)
                if answer["errors"]:
                    raise EngineUnavailable(f"{self.product} refused products of {self.name}")
                done += len(batch)
                progress(name, done, len(vectors))

        await asyncio.gather(*(send() for _ in range(SIDE_BY_SIDE)))

    async def search(self, query: str, vector: Vector, asked: Candidates) -> list[Any]:
        """The hits."""
        words = {"multi_match": {"query": query, "fields": list(FIELDS)}}
        body: dict[str, Any] = {"size": asked.size, "track_total_hits": False}
        params = {"filter_path": "hits.hits._source,hits.hits._score"}
        if not asked.stored:
            body |= {"_source": False, "stored_fields": "_none_", "docvalue_fields": ["ord"]}
            params = {"filter_path": "hits.hits.fields,hits.hits._score"}
        if self.product == "OpenSearch":
            near = {"knn": {_VECTOR: {"vector": sent(vector), "k": asked.near}}}
            body["query"] = {"hybrid": {"queries": [words, near], "pagination_depth": asked.size}}
            params["search_pipeline"] = PIPELINE
        else:
            body["query"] = words
            body["knn"] = {
                "field": _VECTOR,
                "query_vector": sent(vector),
                "k": asked.near,
                "num_candidates": asked.near * 3 // 2,
            }
        found = await self.request("POST", f"/{self.name}/_search", body, params)
        return list(found.get("hits", {}).get("hits", []))


def _lines(batch: Sequence[tuple[int, Product]], vectors: Vectors) -> Iterator[bytes]:
    for ordinal, product in batch:
        document = {
            "id": product.id,
            "ord": ordinal,
            "title": product.title,
            "description": product.description,
            "tags": list(product.tags),
            "brand": product.brand,
            "color": product.color,
            "category": " ".join(product.category),
            "attributes": " ".join(_text(value) for value in product.attributes.values()),
            "price": product.price,
            _VECTOR: sent(vectors[ordinal]),
        }
        yield b'{"index":{"_id":"%d"}}\n%b\n' % (ordinal, orjson.dumps(document))


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return value if isinstance(value, str) else ""
