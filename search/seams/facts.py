"""What rankers, facets and sorting read of the documents of a view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from search.types import (
    Filter,
    Ordinals,
    Statistics,
    Text,
    TextRows,
    Vectors,
)


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

    def texts(self, ordinals: Ordinals) -> Mapping[Text, TextRows]:
        """The text fields of some documents: row i is that of `ordinals[i]`."""
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
