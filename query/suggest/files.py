"""The files of the part, written.

Entries are numbered by weight, heaviest first, and words in the order of the alphabet, so that a
typed prefix is a range of words, a range of words is one slice of the postings, and the best
entries are the smallest numbers.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import marisa_trie
import numpy as np
import orjson
from numpy.typing import NDArray

from query.suggest.entries import KINDS, MOST_WORDS, Entry, index_words

TRIE, META = "prefixes.marisa", "suggest.json"
FORMAT = 1
_MOST_LETTERS = 48
_SEPARATOR = " > "


def write_entries(directory: Path, entries: Sequence[Entry]) -> None:
    """Writes entries, which are distinct and by weight (see `entries.distinct`)."""
    found = [list(dict.fromkeys(index_words(entry.text))) for entry in entries]
    vocabulary = sorted({word for each in found for word in each})
    _write_trie(directory, vocabulary)
    _write_postings(directory, found, vocabulary)
    paths = sorted({path for entry in entries for path in (entry.scope, entry.home) if path})
    _write_entries(directory, entries, {path: number for number, path in enumerate(paths)})
    meta = {
        "format": FORMAT,
        "entries": len(entries),
        "letters": "".join(_letters(vocabulary)),
        "categories": [_SEPARATOR.join(path) for path in paths],
    }
    (directory / META).write_bytes(orjson.dumps(meta))


def _write_trie(directory: Path, vocabulary: Sequence[str]) -> None:
    """The trie of every prefix of every word, and for each the range of words it begins and
    whether it is itself one: uint32, shape (prefixes, 3)."""
    ranges = list(_ranges(vocabulary))
    trie = marisa_trie.Trie(prefix for prefix, *_ in ranges)
    table = np.zeros((len(ranges), 3), np.uint32)
    for prefix, low, high in ranges:
        table[trie[prefix]] = (low, high, vocabulary[low] == prefix)
    trie.save(os.fspath(directory / TRIE))
    np.save(directory / "ranges.npy", table)


def _ranges(vocabulary: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Every prefix with the range of words that it begins, in one pass over the sorted words."""
    starts: list[int] = []
    previous = ""
    for number, word in enumerate((*vocabulary, "")):
        common = _common(previous, word)
        for length in range(len(previous), common, -1):
            yield previous[:length], starts.pop(), number
        starts.extend([number] * (len(word) - common))
        previous = word


def _common(one: str, other: str) -> int:
    """How many letters two words begin with together."""
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _write_postings(
    directory: Path, found: Sequence[Sequence[str]], vocabulary: Sequence[str]
) -> None:
    """`words`: the words of each entry, int32 of shape (entries, MOST_WORDS), -1 beyond its last.
    `postings`: the entries of each word, ascending; `firsts`: those that begin with it."""
    numbers = {word: number for number, word in enumerate(vocabulary)}
    table = np.full((len(found), MOST_WORDS), -1, np.int32)
    for row, each in zip(table, found, strict=True):
        row[: len(each)] = [numbers[word] for word in each]
    np.save(directory / "words.npy", table)
    entries = np.repeat(np.arange(len(found), dtype=np.int32), [len(each) for each in found])
    flat = table[table >= 0]
    _write_lists(directory, "postings", flat, entries, len(vocabulary))
    firsts = table[:, 0] if len(table) else np.empty(0, np.int32)
    _write_lists(
        directory, "firsts", firsts, np.arange(len(found), dtype=np.int32), len(vocabulary)
    )


def _write_lists(
    directory: Path,
    name: str,
    keys: NDArray[np.int32],
    values: NDArray[np.int32],
    count: int,
) -> None:
    np.save(directory / f"{name}.npy", values[np.argsort(keys, kind="stable")])
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(keys, minlength=count), out=offsets[1:])
    np.save(directory / f"{name}_offsets.npy", offsets)


def _write_entries(
    directory: Path, entries: Sequence[Entry], paths: dict[tuple[str, ...], int]
) -> None:
    texts = [entry.text.encode() for entry in entries]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    columns: dict[str, NDArray[Any]] = {
        "texts": np.frombuffer(b"".join(texts), np.uint8),
        "text_ends": ends,
        "weights": np.array([entry.weight for entry in entries], np.float32),
        "kinds": np.array([KINDS.index(entry.kind) for entry in entries], np.uint8),
        "products": np.array([entry.products for entry in entries], np.int32),
        "scopes": np.array([paths.get(entry.scope, -1) for entry in entries], np.int32),
        "homes": np.array([paths.get(entry.home, -1) for entry in entries], np.int32),
    }
    for name, column in columns.items():
        np.save(directory / f"{name}.npy", column)


def _letters(vocabulary: Sequence[str]) -> list[str]:
    """The letters worth trying in place of a wrong one, most common first."""
    counts = Counter(letter for word in vocabulary for letter in set(word) if letter.isalpha())
    return [letter for letter, _ in counts.most_common(_MOST_LETTERS)]
