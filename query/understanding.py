"""Understanding as one: the parts of one snapshot, opened together.

A part that fails leaves the query as it was and is named in `rewrites`: a shopper is answered
whatever happens here.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self

from query.compose import category_boosts, compose
from query.normalize import normalize_query
from query.parts import FORMAT, FORMAT_FILE, Refiner, Rewriter
from query.registry import REFINERS, REWRITERS
from search.errors import IndexCorrupt
from search.types import Query, Vector

_log = logging.getLogger(__name__)

NORMALIZE, COMPOSE = "normalize", "compose"


@dataclass(frozen=True, slots=True)
class Understanding:
    """The rewriters of one snapshot, by name in their order, and its refiners."""

    rewriters: Mapping[str, Rewriter] = field(default_factory=lambda: {NORMALIZE: normalize_query})
    refiners: Mapping[str, Refiner] = field(default_factory=dict)

    @classmethod
    def open(cls, directory: Path | None, without: Collection[str] = ()) -> Self:
        """Opens every part that `directory` (a snapshot's `understanding/`) holds, but those named
        in `without`. None opens normalizing alone.

        Raises:
            IndexCorrupt: the parts are of another format, or one of them is damaged.
        """
        if directory is None:
            return cls()
        _check_format(directory)
        opened = {
            name: part.open(directory / name)
            for name, part in REWRITERS.items()
            if (directory / name).is_dir() and name not in without
        }
        rewriters = {NORMALIZE: normalize_query, **opened, COMPOSE: compose}
        refiners = {
            name: part.open(directory / name)
            for name, part in REFINERS.items()
            if (directory / name).is_dir() and name not in without
        }
        return cls(rewriters, refiners)

    @property
    def refines(self) -> bool:
        """Whether a query's vector can add to it."""
        return bool(self.refiners)

    def understand(self, query: Query) -> Query:
        """Runs the rewriters in order over a query that holds at least `text`."""
        for name, rewrite in self.rewriters.items():
            query = _safely(name, rewrite, query)
        return query

    def refine(self, query: Query, vector: Vector | None) -> Query:
        """Adds what the vector tells: categories (and what they are worth) and intent."""
        for name, refiner in self.refiners.items():
            query = _safely(name, partial(refiner, vector=vector), query)
        return category_boosts(query) if self.refiners else query


def _check_format(directory: Path) -> None:
    path = directory / FORMAT_FILE
    try:
        found = path.read_text().strip()
    except OSError as error:
        raise IndexCorrupt(f"{path} cannot be read ({error.strerror}): index again") from error
    if found != str(FORMAT):
        raise IndexCorrupt(
            f"{directory} has format {found[:20]}, this program reads {FORMAT}: index the "
            "catalogue again with this program"
        )


_failures: Counter[str] = Counter()


def _safely(name: str, step: Callable[[Query], Query], query: Query) -> Query:
    try:
        return step(query)
    except Exception:
        _failures[name] += 1
        # The first, the tenth, the hundredth: a part that always fails must not fill the disk.
        if str(_failures[name]).strip("0") == "1":
            _log.exception("%s failed on %d queries; left as they were", name, _failures[name])
        return replace(query, rewrites=(*query.rewrites, f"{name} failed"))
