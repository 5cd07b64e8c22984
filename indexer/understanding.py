"""What queries are understood with, learned from the catalogue being indexed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from indexer.progress import Progress
from indexer.query_log import read_query_log
from query.lists import check_lists
from query.parts import FORMAT, FORMAT_FILE, Corpus, PartBuilder
from query.registry import builders
from search.engines.local.layout import SnapshotLayout, stamp
from search.errors import BadInput
from search.settings import Settings
from search.types import Product, Vectors

SAMPLE = 20_000
"""Products that are looked at more closely."""


def check_understanding(settings: Settings) -> None:
    """Looks at the query log and the shop's lists, before anything takes long.

    Raises:
        BadInput: one of them cannot be used; names file, line and remedy.
    """
    if settings.understanding.enabled:
        read_query_log(query_log(settings))
        check_lists(shop_lists(settings))


def query_log(settings: Settings) -> Path | None:
    """The query log: the one that is set, else `query-log.csv` of the data directory, else none."""
    usual = settings.data / "query-log.csv"
    return settings.understanding.query_log or (usual if usual.is_file() else None)


def shop_lists(settings: Settings) -> Path | None:
    """The shop's own lists: the directory that is set, else `lists` of the data directory, else
    none.

    Raises:
        BadInput: the directory that is set does not exist.
    """
    chosen, usual = settings.understanding.lists, settings.data / "lists"
    if chosen is not None and not chosen.is_dir():
        raise BadInput(
            f"{chosen} is no directory; make it, or mend understanding.lists in the settings",
            field="understanding.lists",
        )
    return chosen or (usual if usual.is_dir() else None)


class UnderstandingLearner:
    """Feeds every product to the builder of every part, then lets them write."""

    def __init__(self, settings: Settings, count: int) -> None:
        self._count = count
        self._lists = shop_lists(settings)
        self._log = read_query_log(query_log(settings))
        self._step = max(1, -(-count // SAMPLE))
        self._sample: list[Product] = []
        self._seen = 0
        self._builders: dict[str, PartBuilder] = (
            {name: build() for name, build in builders().items()}
            if settings.understanding.enabled
            else {}
        )

    def add(self, product: Product) -> None:
        """Notes the next product, in ordinal order."""
        if not self._builders:
            return
        if self._seen % self._step == 0:
            self._sample.append(product)
        self._seen += 1
        for builder in self._builders.values():
            builder.add(product)

    def sample_rows(self, vectors: Vectors) -> Vectors:
        """The sample's rows of all products' vectors."""
        rows: Vectors = np.array(vectors[:: self._step], np.float32)
        return rows

    def write(
        self,
        layout: SnapshotLayout,
        version: str,
        sample_vectors: Vectors | None,
        encode: Callable[[Sequence[str]], Vectors | None],
        progress: Progress,
    ) -> None:
        """Writes every part's directory of the snapshot.

        Raises:
            BadInput: the query log or one of the shop's own lists cannot be used.
        """
        if not self._builders:
            return
        corpus = Corpus(
            count=self._count,
            sample=self._sample,
            sample_vectors=sample_vectors,
            encode=encode,
            query_log=self._log,
            lists=self._lists,
        )
        progress("understanding", 0, len(self._builders))
        for done, (name, builder) in enumerate(self._builders.items(), 1):
            directory: Path = layout.understanding / name
            directory.mkdir(parents=True)
            builder.write(directory, corpus)
            progress("understanding", done, len(self._builders))
        (layout.understanding / FORMAT_FILE).write_text(str(FORMAT))
        stamp(layout.understanding, version)
        self._builders.clear()
