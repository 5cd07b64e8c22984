"""What query understanding is learned from, and the parts it is made of.

The index job feeds every product to every part's builder, then lets each write its directory of the
snapshot (`understanding/<part>/`). The online path opens the same directories. Anything a part
needs later, thresholds and the shop's own lists included, goes into its directory: it is versioned
with the snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from search.types import Product, Query, Vector, Vectors

FORMAT = 1
"""The version of what the parts write; raise it when any part's files or features change, and what
an older program learned is refused instead of misread."""
FORMAT_FILE = "FORMAT"
"""In `understanding/`: the format its parts were written in."""


@dataclass(frozen=True, slots=True)
class LoggedQuery:
    """One line of the shop's query log: the text as typed, how often, how many of those led to a
    click (None when not counted), and how many products it found (None when not counted)."""

    text: str
    count: int = 1
    clicks: int | None = None
    results: int | None = None


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is at hand when the parts are written.

    `sample` are at most 20,000 products spread evenly over the catalogue, `sample_vectors` their
    embeddings, float32 of shape (len(sample), dimensions), None without an encoder. `encode` gives
    the vectors of query texts (about 1 ms each), or None. `query_log` and `lists` (the directory of
    the shop's own lists) may be absent. `seed` makes what is drawn repeatable.
    """

    count: int
    sample: Sequence[Product]
    sample_vectors: Vectors | None = None
    encode: Callable[[Sequence[str]], Vectors | None] = lambda texts: None
    query_log: Sequence[LoggedQuery] = ()
    lists: Path | None = None
    seed: int = 0

    def shop_list(self, name: str) -> Path | None:
        """The shop's own file of this name (`synonyms.txt`), None when it has none."""
        path = self.lists / name if self.lists is not None else None
        return path if path is not None and path.is_file() else None


class PartBuilder(Protocol):
    """Learns one part of query understanding from a catalogue."""

    def add(self, product: Product) -> None:
        """Notes one product; called for all of them, so it must be cheap (20 µs) and its memory
        bounded: sample beyond that."""
        ...

    def write(self, directory: Path, corpus: Corpus) -> None:
        """Writes the part into an existing, empty directory; called once, after every `add`.

        Raises:
            BadInput: one of the shop's own lists cannot be used; names file, line and remedy.
        """
        ...


class Rewriter(Protocol):
    """A step of understanding: query in, query out; abstains by returning its argument."""

    def __call__(self, query: Query, /) -> Query:
        """The query with what this step recognized."""
        ...


class Refiner(Protocol):
    """What can be said better once the query's vector is known."""

    def __call__(self, query: Query, vector: Vector | None) -> Query:
        """The query with what the vector tells added; `vector` is None without an encoder."""
        ...
