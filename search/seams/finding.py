"""Finding candidates: text to vectors, several rankings into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from search.types import Ranking, Vectors


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
