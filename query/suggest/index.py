"""The part's files, mapped: which entries have which words, best first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import marisa_trie
import numpy as np
import orjson
from numpy.typing import NDArray

from query.suggest.entries import KINDS, Kind
from query.suggest.files import FORMAT, META, TRIE
from search.errors import IndexCorrupt

Entries = NDArray[np.int32]
"""Entry numbers, int32, ascending: heaviest first."""

_SORTED_AT_MOST = 20_000
"""Postings of a range of words that are sorted; of more, the heaviest entries are looked at one by
one, of which at least one in thirty matches then."""
_SCANNED_AT_MOST = 65_536
_CHUNK = 2_048
_COLUMNS = (
    "ranges", "words", "postings", "postings_offsets", "firsts", "firsts_offsets", "texts",
    "text_ends", "weights", "kinds", "products", "scopes", "homes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """The words `low` to `high` (exclusive), which stand for one typed word; `cost` is what they
    lose in weight for not being what was typed."""

    low: int
    high: int
    cost: float = 0.0


Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class SuggestIndex:
    """Every entry of one snapshot. `letters` are worth trying in place of a wrong one;
    `categories` are the paths that `scopes` and `homes` number, sorted."""

    trie: Any
    columns: dict[str, NDArray[Any]]
    letters: str
    categories: list[tuple[str, ...]]

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Maps the files; reads only what is small.

        Raises:
            IndexCorrupt: a file is missing or of another format.
        """
        try:
            meta = orjson.loads((directory / META).read_bytes())
            if meta["format"] != FORMAT:
                raise ValueError(f"format {meta['format']}, not {FORMAT}")
            trie = marisa_trie.Trie().mmap(str(directory / TRIE))
            columns = {name: _mapped(directory / f"{name}.npy") for name in _COLUMNS}
            paths = [tuple(path.split(" > ")) for path in meta["categories"]]
            return cls(trie, columns, meta["letters"], paths)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise IndexCorrupt(
                f"{directory} cannot be read ({error}); index the catalogue again"
            ) from error

    def __len__(self) -> int:
        return len(self.columns["weights"])

    def known(self, prefix: str) -> bool:
        """Whether any word begins so."""
        return prefix in self.trie

    def beginning(self, prefix: str) -> Span | None:
        """The words that begin so."""
        number = self.trie.get(prefix)
        if number is None:
            return None
        low, high, _ = self.columns["ranges"][number].tolist()
        return Span(low, high)

    def exact(self, word: str) -> Span | None:
        """The word itself."""
        number = self.trie.get(word)
        if number is None:
            return None
        low, _, is_word = self.columns["ranges"][number].tolist()
        return Span(low, low + 1) if is_word else None

    def select(self, typed: Sequence[Spans], most: int) -> Entries:
        """The heaviest entries that have a word of every typed word's spans."""
        rarest = min(typed, key=self._size)
        if len(rarest) == 1 and rarest[0].high - rarest[0].low == 1:
            return self._filtered(self._slice("postings", rarest[0]), typed, most)
        if self._size(rarest) > _SORTED_AT_MOST:
            scanned = np.arange(min(len(self), _SCANNED_AT_MOST), dtype=np.int32)
            return self._filtered(scanned, typed, most)
        return self._filtered(self._union("postings", rarest), typed, most)

    def starting(self, typed: Sequence[Spans], most: int) -> Entries:
        """The heaviest of those entries whose first word is of the first typed word's spans."""
        found = np.concatenate([self._slice("firsts", span) for span in typed[0]])
        if len(typed) == 1 and len(found) > most:
            found = np.partition(found, most)[:most]
        return self._filtered(np.sort(found), typed, most)

    def at_home(self, entries: Entries, home: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
        """Which entries are at home in one of these ranges of categories."""
        homes = self.columns["homes"][entries]
        within = np.zeros(len(entries), bool)
        for low, high in home:
            within |= (homes >= low) & (homes < high)
        return within

    def costs(self, entries: Entries, typed: Sequence[Spans]) -> NDArray[np.float32]:
        """What each entry loses for its words not being those typed, float32."""
        rows = self.columns["words"][entries]
        total = np.zeros(len(entries), np.float32)
        for spans in typed:
            least = np.full(len(entries), np.inf, np.float32)
            for span in spans:
                least[_any(rows, span) & (least > span.cost)] = span.cost
            total += least
        return total

    def text(self, entry: int) -> str:
        """The text of an entry."""
        start, end = self.columns["text_ends"][entry : entry + 2].tolist()
        return self.columns["texts"][start:end].tobytes().decode()

    def kind(self, entry: int) -> Kind:
        """What an entry is."""
        return KINDS[int(self.columns["kinds"][entry])]

    def category(self, column: str, entry: int) -> tuple[str, ...]:
        """The path of an entry's `scopes` or `homes`, () for none."""
        number = int(self.columns[column][entry])
        return self.categories[number] if number >= 0 else ()

    def within(self, path: tuple[str, ...]) -> tuple[int, int]:
        """The range of categories at or below a path."""
        low = bisect_left(self.categories, path)
        return low, bisect_left(self.categories, True, lo=low, key=lambda p: p[: len(path)] > path)

    def _size(self, spans: Spans) -> int:
        offsets = self.columns["postings_offsets"]
        return sum(int(offsets[span.high] - offsets[span.low]) for span in spans)

    def _slice(self, name: str, span: Span) -> Entries:
        offsets = self.columns[f"{name}_offsets"]
        return self.columns[name][offsets[span.low] : offsets[span.high]]

    def _union(self, name: str, spans: Spans) -> Entries:
        found = np.sort(np.concatenate([self._slice(name, span) for span in spans]))
        first = np.ones(len(found), bool)
        np.not_equal(found[1:], found[:-1], out=first[1:])
        return found[first]

    def _filtered(self, entries: Entries, typed: Sequence[Spans], most: int) -> Entries:
        """The first `most` of ascending entries that have all that is typed."""
        kept: list[Entries] = []
        count = 0
        for start in range(0, len(entries), _CHUNK):
            part = entries[start : start + _CHUNK]
            rows = self.columns["words"][part]
            matching = np.ones(len(part), bool)
            for spans in typed:
                matching &= np.logical_or.reduce([_any(rows, span) for span in spans])
            kept.append(part[matching])
            count += len(kept[-1])
            if count >= most:
                break
        return np.concatenate(kept)[:most] if kept else np.empty(0, np.int32)


def _any(rows: NDArray[np.int32], span: Span) -> NDArray[np.bool_]:
    if span.high - span.low == 1:
        return np.asarray((rows == span.low).any(axis=1))
    return np.asarray(((rows >= span.low) & (rows < span.high)).any(axis=1))


def _mapped(path: Path) -> NDArray[Any]:
    """An array whose pages are read when used; empty ones cannot be mapped."""
    try:
        return np.asarray(np.load(path, mmap_mode="r"))
    except ValueError:
        return np.asarray(np.load(path))
