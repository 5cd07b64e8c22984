"""The texts that rankers read, written as rows of stem codes; `text_store` reads them.

All fields share one space of codes: a stem's is the place at which a build first met it, and the
stems of live changes follow. A word has one stem, that of the words index.

`texts/` holds `stems.marisa`, a trie that numbers the stems, and in `stems.codes.npy` their codes
by that number; the rows of all products (see `text_rows`); of each field `<field>.documents.npy`;
`mean_lengths.npy`, float64 in the order of `FIELDS`; and
`shapes.npy`, each stem's shape by its code (snapshots of earlier builds have none). See
`search.types.TextRows` and `search.types.shape_of`.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import marisa_trie
import numpy as np
from numpy.typing import NDArray

from search.engines.local.arrays import ArrayFile
from search.engines.local.fields import analyzer
from search.engines.local.layout import stamp
from search.engines.local.separate_texts import FIELDS, ORDERED, Codes
from search.engines.local.text_rows import write_rows
from search.types import shape_of

SHAPES = "shapes.npy"
_LONGEST = 512
"""Words kept of a text."""
_BLOCK = 1 << 16
"""Words collected before they are written: few enough to be sorted within a processor's cache."""
_LARGEST_COUNT = 255
_SEPARATOR = "\n"
_MEMORY = 100_000
"""Words whose stems are kept, at most."""
_stems = analyzer("all").analyze


def _stem(word: str) -> str:
    """The stem of a normalized word; the word itself when the words index leaves it out."""
    found = _stems(word)
    return found[0] if found else word


stem_of = lru_cache(_MEMORY)(_stem)
"""The same, for queries and live changes."""


def pack_texts(fields: Mapping[str, str]) -> bytes:
    """The words of each field, as far as they are kept, in one text."""
    return _SEPARATOR.join(" ".join(kept_words(fields[name])) for name in FIELDS).encode()


def unpack_texts(packed: bytes) -> dict[str, str]:
    """What `pack_texts` joined."""
    return dict(zip(FIELDS, packed.decode().split(_SEPARATOR), strict=True))


def kept_words(text: str) -> list[str]:
    """The words of a text that are kept."""
    return text.split(" ", _LONGEST)[:_LONGEST] if text else []


class _Codes(dict[str, int]):
    """Codes by word, filled as words are met; the stems' codes count up."""

    def __init__(self) -> None:
        self.stems: dict[str, int] = {}

    def __missing__(self, word: str) -> int:
        code = self[word] = self.stems.setdefault(_stem(word), len(self.stems))
        return code


def bags_of(codes: NDArray[np.int32], lengths: NDArray[np.int64]) -> Codes:
    """The bags of texts that lie one after another: distinct codes, ascending."""
    rows = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    keys = rows << 32 | codes
    keys.sort()
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.minimum(np.diff(first, append=len(keys)), _LARGEST_COUNT)
    kept = keys[first]
    return Codes(
        (kept & 0xFFFFFFFF).astype(np.int32),
        counts.astype(np.uint8),
        np.bincount(kept >> 32, minlength=len(lengths)),
    )


class _FieldWriter:
    """Writes the rows of one field block by block; 4 bytes a word of the block are in memory, and 8
    a product."""

    def __init__(self, stem: Path, ordered: bool) -> None:
        self._stem, self._ordered = stem, ordered
        self._words, self._lengths = array("i"), array("q")
        self._codes = ArrayFile(Path(f"{stem}.codes.npy"), np.int32)
        self._counts = None if ordered else ArrayFile(Path(f"{stem}.counts.npy"), np.uint8)
        self._rows: list[NDArray[np.int64]] = []
        self._documents = np.zeros(0, np.int32)
        self._total = 0

    def add(self, codes: list[int]) -> None:
        """Appends the next ordinal's words."""
        before = len(self._words)
        self._words.fromlist(codes)
        self._lengths.append(len(self._words) - before)
        if len(self._words) >= _BLOCK:
            self._flush()

    def _flush(self) -> None:
        words, lengths = np.array(self._words, np.int32), np.array(self._lengths, np.int64)
        self._words, self._lengths = array("i"), array("q")
        bags = bags_of(words, lengths)
        self._codes.append(words if self._ordered else bags.codes)
        if self._counts is not None:
            self._counts.append(bags.counts)
        self._rows.append(lengths if self._ordered else bags.lengths)
        self._count(bags.codes)
        self._total += len(words)

    def _count(self, codes: NDArray[np.int32]) -> None:
        beyond = int(codes.max(initial=-1)) + 1 - len(self._documents)
        if beyond > 0:
            spare = max(beyond, len(self._documents))
            self._documents = np.pad(self._documents, (0, spare))
        np.add.at(self._documents, codes, np.int32(1))

    def finish(self) -> float:
        """Completes the files; the words of a text on average."""
        self._flush()
        self._codes.finish()
        if self._counts is not None:
            self._counts.finish()
        lengths = np.concatenate(self._rows)
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        np.save(f"{self._stem}.offsets.npy", offsets)
        np.save(f"{self._stem}.documents.npy", self._documents)
        return self._total / max(len(lengths), 1)

    def abort(self) -> None:
        """Gives the files back after a failed build."""
        self._codes.abort()
        if self._counts is not None:
            self._counts.abort()


class TextsWriter:
    """Writes the texts of a snapshot; every distinct word of it is kept in memory."""

    def __init__(self, directory: Path, version: str) -> None:
        directory.mkdir(parents=True)
        self._directory, self._version = directory, version
        self._known = _Codes()
        self._fields = {name: _FieldWriter(directory / name, name in ORDERED) for name in FIELDS}

    def add(self, fields: Mapping[str, str]) -> None:
        """Appends the next ordinal's texts: normalized words joined by spaces, by field."""
        code = self._known.__getitem__
        for name, writer in self._fields.items():
            writer.add(list(map(code, kept_words(fields[name]))))

    def finish(self) -> None:
        """Completes the files."""
        means = [writer.finish() for writer in self._fields.values()]
        np.save(self._directory / "mean_lengths.npy", np.array(means))
        stems = self._known.stems
        trie = marisa_trie.Trie(stems)
        codes = np.empty(len(stems), np.int32)
        codes[[trie[stem] for stem in stems]] = np.fromiter(stems.values(), np.int32, len(stems))
        trie.save(str(self._directory / "stems.marisa"))
        np.save(self._directory / "stems.codes.npy", codes)
        np.save(self._directory / SHAPES, np.fromiter(map(shape_of, stems), np.uint8, len(stems)))
        write_rows(self._directory)
        stamp(self._directory, self._version)

    def abort(self) -> None:
        """Gives open files back after a failed build."""
        for writer in self._fields.values():
            writer.abort()
