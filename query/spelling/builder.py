"""Learns spelling from a catalogue and writes it for mapping."""

from __future__ import annotations

from collections.abc import Iterator
from math import log2
from pathlib import Path
from random import Random

import numpy as np

from query.parts import Corpus
from query.spelling import buckets
from query.spelling.candidates import sound_number
from query.spelling.corrector import MODEL, open_decoder
from query.spelling.counting import LOG_LINE, CatalogueCounts, trusted, weighted_words
from query.spelling.doubts import mark_doubtful
from query.spelling.examples import ExampleSource
from query.spelling.learning import learn
from query.spelling.pairs import write_pairs
from query.spelling.sounds import sound_key
from query.spelling.symmetric import write_deletes
from query.spelling.vocabulary import CATALOGUE, Vocabulary, write_vocabulary
from query.text import words
from search.errors import BadInput
from search.types import Product

PROTECTED_LIST = "protected.txt"
"""The shop's own words that are never corrected, one or more a line; # starts a comment."""


class SpellingBuilder:
    """Builds the part `spelling`."""

    def __init__(self) -> None:
        self._counts = CatalogueCounts()

    def add(self, product: Product) -> None:
        """Notes one product."""
        self._counts.add(product)

    def write(self, directory: Path, corpus: Corpus) -> None:
        """Writes words, their deletes and sounds, pairs, and the learned model.

        Raises:
            BadInput: `protected.txt` is not UTF-8 text.
        """
        counts = self._counts
        weights = weighted_words(counts, corpus)
        vocabulary = write_vocabulary(
            directory, weights, _brands(counts), read_protected(corpus.shop_list(PROTECTED_LIST))
        )
        _write_index(directory, vocabulary)
        write_pairs(directory, vocabulary, _lines(counts, corpus))
        mark_doubtful(directory, open_decoder(directory))
        decoder = open_decoder(directory)
        source = ExampleSource(counts, corpus, decoder.candidates, Random(corpus.seed))
        learn(decoder, source).write(directory / MODEL)


def read_protected(path: Path | None) -> set[str]:
    """The words of the shop's list, none without one.

    Raises:
        BadInput: the file is not UTF-8 text.
    """
    if path is None:
        return set()
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 text; save it as UTF-8", field=PROTECTED_LIST) from error
    return {word for line in lines for word in words(line.split("#")[0])}


def _brands(counts: CatalogueCounts) -> set[str]:
    """Brands of a single word; the words of longer ones are words like others."""
    named = (words(brand) for brand in counts.brands)
    return {brand[0] for brand in named if len(brand) == 1}


def _lines(counts: CatalogueCounts, corpus: Corpus) -> Iterator[tuple[list[str], float]]:
    for line in counts.lines():
        yield line, 1.0
    for logged in corpus.query_log:
        if trusted(logged):
            yield words(logged.text), min(LOG_LINE * log2(1 + logged.count), 40.0)


def _write_index(directory: Path, vocabulary: Vocabulary) -> None:
    """Deletes and sounds of every word that may be put in a query."""
    flags = np.asarray(vocabulary.flags)
    numbers = np.flatnonzero(flags & CATALOGUE)
    most_used = np.argsort(-np.asarray(vocabulary.counts)[numbers], kind="stable")
    chosen = [int(i) for i in numbers[most_used]]
    texts = [vocabulary.word(number) for number in chosen]
    ids = np.array(chosen, np.uint32)
    write_deletes(directory, texts, ids)
    keys = np.array([sound_number(sound_key(text)) for text in texts], np.uint64)
    buckets.write(directory, "sounds", buckets.hash_many(keys), ids)
