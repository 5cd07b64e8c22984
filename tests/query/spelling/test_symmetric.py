"""The mapped dictionary answers as symspellpy's own does."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from symspellpy import SymSpell, Verbosity

from query.spelling import buckets
from query.spelling.symmetric import Deletes, MappedSymSpell, write_deletes

WORDS = st.text("abcdeé", min_size=1, max_size=10)


def mapped(directory: Path, words: list[str]) -> MappedSymSpell:
    write_deletes(directory, words, np.arange(len(words), dtype=np.uint32))
    deletes = Deletes(buckets.Buckets.open(directory, "deletes"), words.__getitem__)
    return MappedSymSpell({word: i + 1 for i, word in enumerate(words)}, deletes)


@given(st.sets(WORDS, min_size=1, max_size=30), WORDS, st.integers(0, 2))
def test_lookup_finds_what_symspellpy_finds(words: set[str], typed: str, distance: int) -> None:
    ordered = sorted(words)
    loaded = SymSpell()
    for i, word in enumerate(ordered):
        loaded.create_dictionary_entry(word, i + 1)
    with tempfile.TemporaryDirectory() as directory:
        ours = mapped(Path(directory), ordered)
        found = ours.lookup(typed, Verbosity.ALL, distance)
    expected = loaded.lookup(typed, Verbosity.ALL, distance)
    assert {(i.term, i.distance, i.count) for i in found} == {
        (i.term, i.distance, i.count) for i in expected
    }


def test_deletes_cannot_be_listed(tmp_path: Path) -> None:
    deletes = mapped(tmp_path, ["kettle"])._deletes
    assert deletes["ketle"] == ["kettle"]
    assert "lamp" not in deletes
    with pytest.raises(KeyError):
        deletes["lamp"]
    with pytest.raises(NotImplementedError):
        iter(deletes)


@given(st.dictionaries(st.integers(0, 2**63), st.integers(0, 2**32 - 1), max_size=50))
def test_every_entry_lies_in_the_bucket_of_its_key(entries: dict[int, int]) -> None:
    keys = np.array(list(entries), np.uint64)
    with tempfile.TemporaryDirectory() as directory:
        values = np.array(list(entries.values()), np.uint32)
        buckets.write(Path(directory), "table", buckets.hash_many(keys), values)
        table = buckets.Buckets.open(Path(directory), "table")
        for key, value in entries.items():
            assert value in table.near(buckets.hash_one(key))
