"""The words index of live changes: one directory per batch, made of hard links and little more.

A new batch starts from links to the files of the one before, which costs no space and no time, and
commits into its own directory. What a reader has open is therefore never altered.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from indexer.analysis import index_fields
from indexer.measures import product_measures
from indexer.storage import sync
from search.engines.embedded.schema import open_words, words_document
from search.types import Product

_COPIED = ("meta.json", ".managed.json")
"""What tantivy replaces at a commit; every other file is written once."""
_HEAP_BYTES = 32_000_000


def write_words(
    source: Path,
    target: Path,
    *,
    removed: Sequence[str],
    added: Sequence[Product],
    first: int,
    weights: Mapping[str, int],
) -> None:
    """Makes `target` from `source`: without the ids `removed`, with the products `added`, whose
    ordinals count up from `first`. A half-made `target` of an earlier attempt is replaced."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in source.iterdir():
        if file.name in _COPIED:
            shutil.copyfile(file, target / file.name)
        elif file.suffix != ".lock":
            _link(file, target / file.name)
    _commit(target, removed, added, first, weights)
    sync(target)
    sync(target.parent)


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(file, target)


def _commit(
    directory: Path,
    removed: Sequence[str],
    added: Sequence[Product],
    first: int,
    weights: Mapping[str, int],
) -> None:
    index = open_words(directory)
    schema = index.schema
    writer = index.writer(_HEAP_BYTES, num_threads=1)
    for product_id in removed:
        writer.delete_documents_by_term("id", product_id)
    for ordinal, product in enumerate(added, first):
        fields = index_fields(product, weights)
        measures = product_measures(product)
        writer.add_document(words_document(ordinal, product, fields, measures, schema))
    writer.commit()
    writer.wait_merging_threads()


def prune_words(directory: Path, sequence: int) -> None:
    """Removes the words of all batches but the last two."""
    for entry in directory.iterdir():
        if entry.name not in (str(sequence), str(sequence - 1)):
            shutil.rmtree(entry, ignore_errors=True)
