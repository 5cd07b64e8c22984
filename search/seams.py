"""The seams of the online path: narrow Protocols, each with one registry of implementations.

The contract tests in `tests/contracts/` run over every registered implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from search.types import (
    Applied,
    Chance,
    Change,
    Contributions,
    Effects,
    Facet,
    FeatureTable,
    Filter,
    Filters,
    Named,
    Ordinals,
    Placeable,
    Placed,
    Pool,
    Product,
    Query,
    Ranked,
    Ranking,
    SearchRequest,
    Slots,
    Sort,
    Statistics,
    Text,
    TextRows,
    Vector,
    Vectors,
    WordMatches,
)

T = TypeVar("T")


class Encoder(Protocol):
    """Text to unit vectors. `name` identifies weights and precision: an index built with another
    name must be refused."""

    name: str
    dimensions: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (len(texts), dimensions); safe from several threads."""
        ...


class Fusion(Protocol):
    """Merges rankings of several retrievers into one.

    `rankings` maps the retriever's name (`words`, `meaning`) to its ranking. The result holds
    every ordinal of any input at most once, at most `limit` of them, best first, and ties are
    broken by the smaller ordinal.
    """

    def __call__(self, rankings: Mapping[str, Ranking], limit: int) -> Ranking:
        """The merged ranking."""
        ...


class Columns(Protocol):
    """Per-document values by ordinal, for rankers, facets and sorting."""

    def numbers(self, name: str) -> NDArray[np.float32]:
        """`price`, `list_price`, `rating`, `rating_count`, `sales_rank`, `stock`, `created` (days
        since 1970-01-01), `image` (1 with a picture, else 0), `title_length` and
        `description_length` (characters): float32, NaN where unknown."""
        ...

    def codes(self, name: str) -> NDArray[np.int32]:
        """`brand`, `color`, `category`, `group`: int32 codes, -1 where unknown."""
        ...

    def values(self, name: str) -> Sequence[str]:
        """The strings that `codes(name)` index."""
        ...


class Facts(Protocol):
    """What is known of every document of one view, by ordinal, for rankers. Nothing waits: call it
    from a thread (`View.compute`)."""

    version: str
    columns: Columns
    statistics: Statistics

    def codes(self, words: Sequence[str]) -> Ordinals:
        """The code of each normalized word's stem in `text`, int32, -1 where no text has it."""
        ...

    def near(self, word: str) -> Ordinals:
        """The codes of stems one edit from a word's, int32, ascending."""
        ...

    @property
    def shapes(self) -> NDArray[np.uint8] | None:
        """The shape of every stem by its code (`search.types.shape_of`); None in an index of an
        earlier build, until it is built again."""
        ...

    def text(self, field: Text) -> TextRows:
        """One text field of every document."""
        ...

    def vectors(self, ordinals: Ordinals) -> Vectors | None:
        """Their embeddings as stored, float32 of shape (len(ordinals), dimensions); None in an
        index without."""
        ...

    def ids(self, start: int, stop: int) -> list[str]:
        """The product ids of the ordinals from `start` to before `stop`; a product that was changed
        has several ordinals, of which one can be found."""
        ...

    def satisfy(self, ordinals: Ordinals, filters: Sequence[Filter]) -> NDArray[np.bool_]:
        """As `View.satisfy`."""
        ...

    def states(self, ordinals: Ordinals, names: Sequence[str]) -> NDArray[np.bool_]:
        """Which products have any value of a filter's field (`brand`, `color`, `category` or
        `attributes.<name>`), bool of shape (len(names), len(ordinals)); false for other names."""
        ...


class Ranker(Protocol):
    """Orders the candidates of one request; safe from several threads at once."""

    name: str
    """What the response calls it."""
    version: str
    """Tells one model from another."""
    depth: int
    """The candidates it scores; the rest keep their order behind them."""

    def rank(self, facts: Facts, pool: Pool) -> Ranked:
        """The pool in its order."""
        ...

    def explain(self, table: FeatureTable) -> Contributions:
        """What each feature of `table` adds to each score."""
        ...


class RankerSource(Protocol):
    """Follows the ranking model as it is replaced."""

    @property
    def fault(self) -> str | None:
        """What is wrong with the newest model, which is not used then; None when nothing is."""
        ...

    def current(self) -> Ranker | None:
        """The model in use; None when there is none."""
        ...

    def at(self, version: str) -> Ranker | None:
        """An earlier model, None when it is no longer held."""
        ...


class Rules(Protocol):
    """The shop's own rules, as they stood at one moment."""

    @property
    def version(self) -> str:
        """Tells one state of the rules from another; empty when there are none."""
        ...

    def matching(self, query: Query, request: SearchRequest, now: datetime) -> Effects:
        """What the rules that apply ask for; `now` knows its zone."""
        ...

    def place(self, effects: Effects, ranking: Ranking, placeable: Placeable) -> Placed:
        """The ranking with pins and sponsored products in their places."""
        ...


class RuleSource(Protocol):
    """Follows the rules as they are changed."""

    @property
    def fault(self) -> str | None:
        """What is wrong with the newest rules, which are not used then; None when nothing is."""
        ...

    def current(self) -> Rules:
        """The newest rules that can be used."""
        ...

    def at(self, version: str) -> Rules | None:
        """An earlier state, None when it is no longer held."""
        ...


class Diversifier(Protocol):
    """Chooses varied hits among the best; see `rankers.diversity`."""

    def __call__(
        self,
        ranking: Ranking,
        vectors: Vectors | None,
        groups: NDArray[np.int32],
        caps: Sequence[int],
        strength: float,
        *,
        first: int,
        within: int,
    ) -> Ranking:
        """The same documents in an order with more variety. `vectors` are theirs (unit, float32
        of shape (len(ranking), dimensions)); `groups` (int32 of shape (len(ranking), len(caps)),
        -1 where unknown) what each cap counts, among the first `within`. The `first` are chosen,
        the others follow."""
        ...


class Explorer(Protocol):
    """Exchanges the places of some products by chance; see `rankers.exploration`."""

    @property
    def name(self) -> str:
        """The method and its parameters, as they are logged."""
        ...

    def __call__(self, slots: Slots, rng: np.random.Generator) -> Chance:
        """Draws an order of the slots, with its exact probabilities."""
        ...


class View(Protocol):
    """One consistent, unchanging state of an index.

    A view stays usable while anybody holds it, whatever is written meanwhile. All ordinals belong
    to the view they came from.
    """

    version: str
    """Snapshot version and delta sequence, `20261121T101500-3f9a.12`."""
    count: int
    """Products that can be found."""
    encoder: str | None
    """The encoder of its vectors, None when it holds none."""
    columns: Columns
    understanding: Path | None
    """The directory of what queries are understood with (`query.understanding`), None without."""
    recent: tuple[str, ...]
    """Titles and brands of products added since that was built."""

    async def compute(self, work: Callable[[Facts], T]) -> T:
        """Runs work on the facts of this view in a thread."""
        ...

    async def satisfy(self, ordinals: Ordinals, filters: Sequence[Filter]) -> NDArray[np.bool_]:
        """Which products satisfy which filter, bool of shape (len(filters), len(ordinals)). A
        filter that this index cannot understand is satisfied by none."""
        ...

    async def named(self, query: Query) -> Named:
        """The few products that the query names."""
        ...

    async def words(
        self, query: Query, filters: Filters, limit: int, relax: bool = False
    ) -> WordMatches:
        """The best products by BM25: those with every word; those with some words too when the
        whole catalogue has few with every word, or with `relax`."""
        ...

    async def meaning(self, vector: Vector, filters: Filters, limit: int) -> Ranking:
        """The nearest products by inner product of unit vectors."""
        ...

    async def sorted_words(
        self, query: Query, filters: Filters, sort: Sort, limit: int, relax: bool = False
    ) -> WordMatches:
        """Every product that matches the words, in the stated order instead of by relevance."""
        ...

    async def facets(
        self,
        query: Query | None,
        filters: Filters,
        also: Ordinals,
        names: Sequence[str] | None,
        relax: bool = False,
    ) -> tuple[int, tuple[Facet, ...]]:
        """Exact size and facet counts of the result set: products that match the words, together
        with `also`; `also` alone when `query` is None. A facet ignores its own filter, so that a
        shopper sees the alternatives."""
        ...

    async def facets_of(
        self, ordinals: Ordinals, filters: Filters, names: Sequence[str] | None
    ) -> tuple[Facet, ...]:
        """Facets of some products alone, as far as this process can count them by itself: without
        attributes. For when a server does not answer.

        Raises:
            BadInput: a filter or a facet's name is wrong.
        """
        ...

    async def products(self, ordinals: Ordinals) -> list[Product]:
        """The stored products, in the order asked."""
        ...

    async def find(self, product_id: str) -> int | None:
        """The ordinal of a product id, None when there is none."""
        ...

    async def vector(self, ordinal: int) -> Vector | None:
        """The stored embedding of a product (as the index holds it), None when there is none."""
        ...


class Engine(Protocol):
    """An index that can be searched."""

    async def view(self, version: str | None = None) -> View:
        """The newest view, or an earlier one by version. When that is not held, here or any
        longer, the nearest of the same snapshot stands in for it.

        Raises:
            IndexMissing: nothing has been indexed yet.
            CursorExpired: no view of the snapshot of `version` is held.
        """
        ...

    async def refresh(self) -> View:
        """Looks for newer data now instead of at the next poll; returns the newest view."""
        ...

    def changing(self) -> AbstractAsyncContextManager[None]:
        """Around a change of the catalogue that this process makes.

        Raises:
            EngineUnavailable: what holds the words is known to be away.
        """
        ...

    async def close(self) -> None:
        """Stops background work; views already handed out stay usable."""
        ...


class CatalogueWriter(Protocol):
    """Changes the catalogue behind an engine."""

    def apply(self, changes: Sequence[Change]) -> Applied:
        """Applies a batch as one: readers see all of it or nothing. Durable when it returns,
        visible to every process within a second. Blocks; call it from a thread.

        Raises:
            StorageFailed: the disk refused; nothing of the batch is applied.
        """
        ...
