"""Finding names in the words of a query: spaCy's PhraseMatcher for the catalogue's values, its
EntityRuler for sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import marisa_trie
import numpy as np

from query.entities import sizes as size_names
from query.entities.keys import join
from query.light_spacy import Doc, EntityRuler, PhraseMatcher, StringStore, blank

HASHES, LENGTHS, WORDS = "phrase_hashes.npy", "phrase_lengths.npy", "words.marisa"
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""Stands for every word that no phrase holds: spaCy keeps each word it ever saw."""
LABEL = "value"


@dataclass(frozen=True, slots=True)
class Size:
    """A size at `start` to `end` of a query's stems; `name` is `explicit` or a size name."""

    start: int
    end: int
    name: str


class Matcher:
    """The phrases of one snapshot."""

    def __init__(self, directory: Path, sizes: Mapping[str, float]) -> None:
        """Loads what `write_phrases` wrote: as hashes, the way spaCy loads a pickled matcher, which
        takes a tenth of the time that making documents of the phrases takes."""
        nlp = blank("xx")
        self._vocab = nlp.vocab
        self._words = marisa_trie.Trie().mmap(str(directory / WORDS))
        self._phrases = PhraseMatcher(self._vocab, attr="ORTH")
        hashes: list[int] = np.load(directory / HASHES).tolist()
        ends = np.cumsum(np.load(directory / LENGTHS)).tolist()
        starts = [0, *ends]
        phrases = [hashes[a:b] for a, b in zip(starts, ends, strict=False)]
        self._phrases.add(LABEL, phrases)  # type: ignore[arg-type]  # as `unpickle_matcher` does
        self._sizes = EntityRuler(nlp)
        self._sizes.add_patterns(size_names.patterns(sizes))
        self._size_words = size_names.vocabulary(sizes)

    def find(self, words: Sequence[str]) -> tuple[list[tuple[int, int, str]], list[Size]]:
        """The spans of stems that are keys of values, and sizes."""
        known = [word if word in self._words else UNKNOWN for word in words]
        spans = [
            (start, end, join(words[start:end]))
            for _, start, end in self._phrases(Doc(self._vocab, words=known))
        ]
        return spans, self._find_sizes(words)

    def _find_sizes(self, words: Sequence[str]) -> list[Size]:
        sized = [word in self._size_words or size_names.is_number(word) for word in words]
        if not any(sized):
            return []
        known = [word if size else UNKNOWN for word, size in zip(words, sized, strict=True)]
        found = self._sizes(Doc(self._vocab, words=known)).ents
        return [Size(span.start, span.end, span.ent_id_) for span in found]


def write_phrases(directory: Path, keys: Sequence[str]) -> None:
    """Writes the keys (stems joined by spaces) as what `Matcher` loads."""
    strings = StringStore()
    phrases = [key.split(" ") for key in keys]
    hashes = [strings.add(word) for phrase in phrases for word in phrase]
    np.save(directory / HASHES, np.array(hashes, np.uint64))
    np.save(directory / LENGTHS, np.array([len(phrase) for phrase in phrases], np.int64))
    marisa_trie.Trie({word for phrase in phrases for word in phrase}).save(str(directory / WORDS))
