"""Understanding as one: the parts of one snapshot, opened together.

A part that fails leaves the query as it was and is named in `rewrites`: a shopper is answered
whatever happens here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self

from query.compose import category_boosts, compose
from query.normalize import normalize_query
from query.parts import Refiner
from query.registry import REFINERS, REWRITERS, Rewrite
from search.types import Query, Vector

_log = logging.getLogger(__name__)

NORMALIZE, COMPOSE = "normalize", "compose"


@dataclass(frozen=True, slots=True)
class Understanding:
    """The rewriters of one snapshot, by name in their order, and its refiners."""

    rewriters: Mapping[str, Rewrite] = field(default_factory=lambda: {NORMALIZE: normalize_query})
    refiners: Mapping[str, Refiner] = field(default_factory=dict)

    @classmethod
    def open(cls, directory: Path | None, without: Collection[str] = ()) -> Self:
        """Opens every part that `directory` (a snapshot's `understanding/`) holds, but those named
        in `without`. None opens normalizing alone."""
        if directory is None:
            return cls()
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


def _safely(name: str, step: Callable[[Query], Query], query: Query) -> Query:
    try:
        return step(query)
    except Exception:
        _log.exception("%s failed on a query; left as it was", name)
        return replace(query, rewrites=(*query.rewrites, f"{name} failed"))
