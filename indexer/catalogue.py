"""A catalogue in, products out: reading, mapping and checking in one pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from indexer.guess import SAMPLE_ROWS, Guess, guess_mapping
from indexer.mapping import PRODUCT_FIELDS, Mapping, load_mapping, load_preset
from indexer.readers import Rows, open_rows
from indexer.rejects import Rejection, RejectsFile
from indexer.rows import BadRow, RawRow
from indexer.sources import check_paths
from indexer.validate import RowReader
from indexer.values import BadValue
from search.errors import BadInput, TooManyRejects
from search.types import Product

PROGRESS_ROWS = 1_000
"""`progress` is called each time this many rows were read, and at the end."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Location:
    """Where a product stands: its file, and the 1-based line (Parquet: row) where it begins."""

    source: str
    line: int


class Catalogue:
    """The products of one or more files, in order, each with its place. Iterate once.

    `read = accepted + rejected` at any moment. Rejections go to `rejects`, where the caller may
    add its own (a superseded duplicate): the catalogue's counts leave those out. Ids are not
    compared here. `guesses` says how fields were guessed, when they were. `cut` counts texts
    shortened to their bound. A context manager: leaving it closes files and `rejects`.

    Raises:
        BadInput: a path cannot be read; while iterating, a file is cut off or damaged, or lacks
            the mapping's columns for id or title.
        TooManyRejects: while iterating, more than `max_rejects` rows were rejected, or at the end
            all of them were.
        StorageFailed: the rejects file cannot be written.
    """

    def __init__(
        self,
        paths: Sequence[Path | str],
        mapping: Mapping,
        *,
        rejects: RejectsFile,
        max_rejects: int | None = None,
        progress: Progress | None = None,
        guesses: tuple[Guess, ...] = (),
    ) -> None:
        check_paths(paths)
        self.mapping, self.rejects, self.guesses = mapping, rejects, guesses
        self.read = self.accepted = self.rejected = 0
        self.paths = tuple(paths)
        self._paths, self._max_rejects, self._progress = paths, max_rejects, progress
        self._reader = RowReader(mapping)
        self._files = ExitStack()
        self._opened: Rows | None = None

    @property
    def cut(self) -> int:
        """How many texts were longer than their bound."""
        return self._reader.cut

    @property
    def filled(self) -> dict[str, int]:
        """By product field ("attributes" too), how many products have it so far."""
        return {name: self._reader.filled[name] for name in (*PRODUCT_FIELDS, "attributes")}

    def __iter__(self) -> Iterator[tuple[Product, Location]]:
        with self._files:
            for path in self._paths:
                rows, self._opened = self._opened or self._open(path), None
                self._check_columns(rows)
                yield from self._products(rows)
                self._files.close()
        if self._progress:
            self._progress(self.read)
        if self.rejected and not self.accepted:
            raise self._too_many(f"none of the {self.read:,} rows can be used")

    def _open(self, path: Path | str) -> Rows:
        return self._files.enter_context(open_rows(path, self.mapping.dialect))

    def _products(self, rows: Rows) -> Iterator[tuple[Product, Location]]:
        for line, raw in rows.rows:
            self.read += 1
            if self._progress and self.read % PROGRESS_ROWS == 0:
                self._progress(self.read)
            product = self._product(rows.source, line, raw)
            if product is not None:
                self.accepted += 1
                yield product, Location(rows.source, line)

    def _product(self, source: str, line: int, raw: RawRow | object) -> Product | None:
        if isinstance(raw, BadRow):
            self._reject(Rejection(source, line, None, "row", raw.reason, raw.remedy))
            return None
        assert isinstance(raw, dict)
        try:
            return self._reader(raw)
        except BadValue as error:
            product_id = self._reader.id_of(raw)
            self._reject(
                Rejection(source, line, product_id, error.field, error.reason, error.remedy)
            )
            return None

    def _reject(self, rejection: Rejection) -> None:
        self.rejected += 1
        self.rejects.add(rejection)
        if self._max_rejects is not None and self.rejected > self._max_rejects:
            raise self._too_many(f"{self.rejected:,} of the first {self.read:,} rows were rejected")

    def _too_many(self, what: str) -> TooManyRejects:
        self.rejects.flush()
        kinds = [
            f"  {kind.count:,} times {kind.field}: {kind.reason}; {kind.remedy}"
            for kind in self.rejects.most_frequent(3)
        ]
        return TooManyRejects(
            "\n".join(
                [
                    f"{what}; the mapping is likely wrong. Most often:",
                    *kinds,
                    f"Every row is in {self.rejects.path}.",
                ]
            )
        )

    def _check_columns(self, rows: Rows) -> None:
        if not rows.columns:
            return
        for name in ("id", "title"):
            sources = self.mapping.fields[name].sources
            known = {source.partition(".")[0] for source in sources} | set(sources)
            if sources and not known & set(rows.columns):
                raise BadInput(
                    f"{rows.source} has no column {' or '.join(map(repr, sources))}, which the "
                    f"mapping turns into {name}; its columns are {', '.join(rows.columns)}",
                    field=name,
                )

    def guess_from_sample(self) -> None:
        """Replaces the mapping by one guessed from the first rows of the first file; these are
        then iterated over like the others.

        Raises:
            BadInput: none of these rows can be read, or nothing looks like an id or a title.
        """
        rows = self._open(self._paths[0])
        sample = list(itertools.islice(rows.rows, SAMPLE_ROWS))
        readable = [raw for _, raw in sample if isinstance(raw, dict)]
        if sample and not readable:
            raise _unreadable_rows(rows.source, sample)
        self.mapping, self.guesses = guess_mapping(readable)
        self._reader = RowReader(self.mapping)
        self._opened = Rows(rows.source, itertools.chain(sample, rows.rows), rows.columns)

    def close(self) -> None:
        """Closes the open file and the rejects file."""
        self._files.close()
        self.rejects.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _unreadable_rows(source: str, sample: Sequence[tuple[int, object]]) -> BadInput:
    line, first = next((line, raw) for line, raw in sample if isinstance(raw, BadRow))
    return BadInput(
        f"none of the first {len(sample):,} rows of {source} can be read; is it a catalogue? "
        f"Line {line}: {first.reason}; {first.remedy}"
    )


def open_catalogue(
    paths: Sequence[Path | str],
    *,
    preset: str | None,
    mapping_file: Path | None,
    rejects_path: Path,
    max_rejects: int | None = None,
    progress: Progress | None = None,
) -> Catalogue:
    """Opens a catalogue with a preset, a mapping file, or neither: then the mapping is guessed
    from the first rows and `Catalogue.guesses` says how.

    Raises:
        BadInput: both a preset and a mapping file, a path or mapping that cannot be used, or no
            fields that look like an id and a title.
        StorageFailed: the rejects file cannot be made.
    """
    if preset is not None and mapping_file is not None:
        raise BadInput("give a preset or a mapping file, not both", field="preset")
    check_paths(paths)
    mapping = (
        load_mapping(mapping_file) if mapping_file is not None else load_preset(preset or "aisle")
    )
    catalogue = Catalogue(
        paths,
        mapping,
        rejects=RejectsFile(rejects_path),
        max_rejects=max_rejects,
        progress=progress,
    )
    if preset is None and mapping_file is None:
        try:
            catalogue.guess_from_sample()
        except BaseException:
            catalogue.close()
            raise
    return catalogue
