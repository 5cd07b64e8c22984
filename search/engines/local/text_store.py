"""The texts of a snapshot and of live changes, as rows of stem codes (see `texts`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import marisa_trie
import numpy as np
from numpy.typing import NDArray

from search.engines.local.arrays import GrowingArray, load
from search.engines.local.letters import LetterStore
from search.engines.local.spelling import near_words
from search.engines.local.texts import (
    FIELDS,
    ORDERED,
    SHAPES,
    bags_of,
    kept_words,
    stem_of,
    unpack_texts,
)
from search.errors import IndexCorrupt
from search.types import Letters, Ordinals, Text, TextRows, shape_of

_REMEMBERED = 100_000
"""Words of live changes whose codes are kept, about."""


class _Stems:
    """The codes of stems: a snapshot's, and those of live changes after them."""

    def __init__(self, directory: Path) -> None:
        self._trie = marisa_trie.Trie().mmap(str(directory / "stems.marisa"))
        self._codes: NDArray[np.int32] = load(directory / "stems.codes.npy")
        self._later: dict[str, int] = {}
        shapes = directory / SHAPES
        # Live changes would go on from nothing: without shapes of the old, none of the new.
        self._shapes = GrowingArray(load(shapes)) if shapes.exists() else None
        self._letters = LetterStore.open(directory)

    def __len__(self) -> int:
        return len(self._codes) + len(self._later)

    def code(self, stem: str) -> int | None:
        """A stem's code, None when it has none."""
        number = self._trie.get(stem)
        return self._later.get(stem) if number is None else int(self._codes[number])

    def add(self, stem: str) -> int:
        """A stem's code, a new one when it has none yet."""
        code = self.code(stem)
        if code is None:
            code = self._later[stem] = len(self)
            if self._shapes is not None:
                self._shapes.append(np.array([shape_of(stem)], np.uint8))
            if self._letters is not None:
                self._letters.append(stem)
        return code

    def shapes(self) -> NDArray[np.uint8] | None:
        """The shape of every stem by its code, None in a snapshot without."""
        return None if self._shapes is None else self._shapes.rows(len(self._shapes))

    def letters(self) -> Letters | None:
        """The trigrams of every stem, None in a snapshot without."""
        return None if self._letters is None else self._letters.view()


class _Words(dict[str, int]):
    """The codes of the words met in live changes, new ones for new stems."""

    def __init__(self, stems: _Stems) -> None:
        self._stems = stems

    def __missing__(self, word: str) -> int:
        code = self[word] = self._stems.add(stem_of(word))
        return code


class _FieldStore:
    """One field of a snapshot's own products, and the rows of live changes."""

    def __init__(self, stem: Path, ordered: bool, mean_length: float) -> None:
        self._ordered, self._mean_length = ordered, mean_length
        self._codes: NDArray[np.int32] = load(Path(f"{stem}.codes.npy"))
        self._counts: NDArray[np.uint8] = (
            np.empty(0, np.uint8) if ordered else load(Path(f"{stem}.counts.npy"))
        )
        self._offsets: NDArray[np.int64] = load(Path(f"{stem}.offsets.npy"))
        self._documents: NDArray[np.int32] = load(Path(f"{stem}.documents.npy"))
        self._later_codes = GrowingArray(np.empty(0, np.int32))
        self._later_counts = GrowingArray(np.empty(0, np.uint8))
        self._later_offsets = GrowingArray(np.zeros(1, np.int64))

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def append(self, texts: Sequence[Sequence[int]]) -> None:
        """Adds the rows of new ordinals, each the codes of a text's words."""
        lengths = np.array([len(text) for text in texts], np.int64)
        codes = np.array([code for text in texts for code in text], np.int32)
        if not self._ordered:
            bags = bags_of(codes, lengths)
            codes, lengths = bags.codes, bags.lengths
            self._later_counts.append(bags.counts)
        end = len(self._later_codes)
        self._later_codes.append(codes)
        self._later_offsets.append(end + np.cumsum(lengths))

    def view(self) -> TextRows:
        """All rows there are at this moment."""
        return TextRows(
            codes=self._codes,
            counts=self._counts,
            offsets=self._offsets,
            later_codes=self._later_codes.rows(len(self._later_codes)),
            later_counts=self._later_counts.rows(len(self._later_counts)),
            later_offsets=self._later_offsets.rows(len(self._later_offsets)),
            documents=self._documents,
            mean_length=self._mean_length,
        )


class TextsView:
    """The texts of one view."""

    def __init__(self, stems: _Stems, rows: Mapping[Text, TextRows]) -> None:
        self._stems, self._known = stems, len(stems)
        self.rows, self.shapes, self.letters = rows, stems.shapes(), stems.letters()

    def codes(self, words: Sequence[str]) -> Ordinals:
        """The code of each normalized word's stem, int32, -1 where no text has it."""
        # A change may be adding stems meanwhile, which no row of this view has.
        found = (self._stems.code(stem_of(word)) for word in words)
        known = self._known
        codes = [-1 if code is None or code >= known else code for code in found]
        return np.array(codes, np.int32)

    def near(self, word: str) -> Ordinals:
        """The codes of stems one edit from a word's, int32, ascending."""
        stem = stem_of(word)
        found = (self._stems.code(near) for near in near_words(stem) if near != stem)
        codes = {code for code in found if code is not None and code < self._known}
        return np.array(sorted(codes), np.int32)


class TextStore:
    """A snapshot's texts and those appended by live changes."""

    def __init__(self, directory: Path) -> None:
        """Maps the files.

        Raises:
            IndexCorrupt: the fields hold different numbers of texts.
        """
        means = np.load(directory / "mean_lengths.npy").tolist()
        self._stems = _Stems(directory)
        self._words = _Words(self._stems)
        self._fields = {
            name: _FieldStore(directory / name, name in ORDERED, mean)
            for name, mean in zip(FIELDS, means, strict=True)
        }
        if len({len(field) for field in self._fields.values()}) != 1:
            raise IndexCorrupt(f"{directory} holds fields of different lengths: index again")

    def __len__(self) -> int:
        return len(self._fields["title"])

    def append(self, texts: Iterable[bytes]) -> None:
        """Adds the rows of new ordinals, each as `pack_texts` gave it; one thread at a time.
        Earlier views do not change."""
        each = [unpack_texts(packed) for packed in texts]
        code = self._words.__getitem__
        for name, field in self._fields.items():
            field.append([list(map(code, kept_words(text[name]))) for text in each])
        if len(self._words) > _REMEMBERED:
            self._words.clear()

    def view(self) -> TextsView:
        """Everything there is at this moment."""
        return TextsView(self._stems, {name: f.view() for name, f in self._fields.items()})
