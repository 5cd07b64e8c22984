"""The texts of a snapshot and of live changes, as rows of stem codes (see `texts`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import marisa_trie
import numpy as np
from numpy.typing import NDArray

from search.engines.local.arrays import GrowingArray, load
from search.engines.local.separate_texts import (
    FIELDS,
    NO_COUNTS,
    ORDERED,
    Codes,
    Copied,
    SeparateTexts,
)
from search.engines.local.spelling import near_words
from search.engines.local.text_rows import ROWS, RowStore
from search.engines.local.texts import SHAPES, bags_of, kept_words, stem_of, unpack_texts
from search.types import Ordinals, Text, TextRows, shape_of

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
        return code

    def shapes(self) -> NDArray[np.uint8] | None:
        """The shape of every stem by its code, None in a snapshot without."""
        return None if self._shapes is None else self._shapes.rows(len(self._shapes))


class _Words(dict[str, int]):
    """The codes of the words met in live changes, new ones for new stems."""

    def __init__(self, stems: _Stems) -> None:
        self._stems = stems

    def __missing__(self, word: str) -> int:
        code = self[word] = self._stems.add(stem_of(word))
        return code


class _View(Protocol):
    def of(self, ordinals: Ordinals) -> list[Copied]: ...


Usual = tuple[tuple[NDArray[np.int32], float], ...]
"""`documents` and `mean_length` of each field (see `search.types.TextRows`)."""


def _open_rows(directory: Path) -> RowStore | SeparateTexts:
    return RowStore(directory) if (directory / ROWS).exists() else SeparateTexts(directory)


class TextsView:
    """The texts of one view."""

    def __init__(self, stems: _Stems, rows: _View, base: int, usual: Usual) -> None:
        """`base` is the number of the snapshot's own products."""
        self._stems, self._known = stems, len(stems)
        self._rows, self._base, self._usual = rows, base, usual
        self.shapes = stems.shapes()

    def of(self, ordinals: Ordinals) -> dict[Text, TextRows]:
        """See `search.seams.Facts.texts`."""
        fields = zip(FIELDS, self._rows.of(ordinals), self._usual, strict=True)
        return {
            name: TextRows(*copied, documents, self._base, mean)
            for name, copied, (documents, mean) in fields
        }

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
        self._rows = _open_rows(directory)
        self._usual = tuple(
            (load(directory / f"{name}.documents.npy"), mean)
            for name, mean in zip(FIELDS, means, strict=True)
        )

    def __len__(self) -> int:
        return len(self._rows)

    def append(self, texts: Iterable[bytes]) -> None:
        """Adds the rows of new ordinals, each as `pack_texts` gave it; one thread at a time.
        Earlier views do not change."""
        each = [unpack_texts(packed) for packed in texts]
        self._rows.append(
            {name: self._coded(name, [text[name] for text in each]) for name in FIELDS}
        )
        if len(self._words) > _REMEMBERED:
            self._words.clear()

    def _coded(self, name: Text, texts: list[str]) -> Codes:
        rows = [list(map(self._words.__getitem__, kept_words(text))) for text in texts]
        lengths = np.array([len(row) for row in rows], np.int64)
        codes = np.array([code for row in rows for code in row], np.int32)
        return Codes(codes, NO_COUNTS, lengths) if name in ORDERED else bags_of(codes, lengths)

    def view(self) -> TextsView:
        """Everything there is at this moment."""
        return TextsView(self._stems, self._rows.view(), len(self), self._usual)
