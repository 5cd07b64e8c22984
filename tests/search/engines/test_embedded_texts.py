"""Texts as rows of stem codes: what is written comes back, however it was cut into blocks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.analysis import index_fields
from search.engines.local import text_rows, texts
from search.engines.local.arrays import ArrayFile, load
from search.engines.local.fields import analyzer
from search.engines.local.layout import DataLayout, read_current
from search.engines.local.separate_texts import FIELDS
from search.engines.local.text_store import TextStore
from search.engines.local.texts import TextsWriter, pack_texts
from search.errors import IndexCorrupt
from search.settings import Settings
from search.types import Product, Text
from tests.search.engines import shops

WORDS = st.sampled_from(["kettle", "kettles", "red", "é", "lamp", "lamps", "x" * 90, "1.5"])
TEXTS = st.lists(st.fixed_dictionaries({name: st.lists(WORDS, max_size=6) for name in FIELDS}))
Texts = list[dict[Text, list[str]]]


def stems(words: list[str]) -> list[str]:
    """As the words index has them, but for words that are too long for it."""
    return [(analyzer("all").analyze(word) or [word])[0] for word in words]


def stored(rows: Texts, later: Texts, directory: Path) -> TextStore:
    writer = TextsWriter(directory, "v")
    for each in rows:
        writer.add({name: " ".join(each[name]) for name in FIELDS})
    writer.finish()
    store = TextStore(directory)
    store.append(pack_texts({n: " ".join(each[n]) for n in FIELDS}) for each in later)
    return store


@settings(max_examples=25, deadline=None)
@given(rows=TEXTS, later=TEXTS, block=st.sampled_from([1, 5, 1 << 19]), separate=st.booleans())
def test_rows_are_the_stems_of_their_texts(
    rows: Texts, later: Texts, block: int, separate: bool
) -> None:
    with TemporaryDirectory() as made, pytest.MonkeyPatch.context() as patch:
        if separate:  # as earlier builds leave them
            patch.setattr(texts, "write_rows", lambda directory: None)
        patch.setattr(texts, "_BLOCK", block)
        patch.setattr(text_rows, "_AT_ONCE", block)
        store = stored(rows, later, Path(made) / "texts")
        view = store.view()
        assert len(store) == len(rows)
        every = [*rows, *later]
        order = np.random.default_rng(3).permutation(len(every)).astype(np.int32)
        for name, field in view.of(order).items():
            for i, each in enumerate(every[ordinal] for ordinal in order):
                expected = view.codes(stems(each[name])).tolist()
                start, end, counted = field.spans[:, i].tolist()
                codes = field.codes[start:end].tolist()
                if name in ("title", "kind"):
                    assert codes == expected
                else:
                    assert codes == sorted(set(expected))
                    counts = field.counts[counted : counted + len(codes)].tolist()
                    assert dict(zip(codes, counts, strict=True)) == Counter(expected)
            held = Counter(code for each in rows for code in set(view.codes(each[name]).tolist()))
            assert {c: n for c, n in enumerate(field.documents.tolist()) if n} == held
            total = sum(len(each[name]) for each in rows)
            assert field.mean_length == pytest.approx(total / max(len(rows), 1))


def test_one_stem_has_one_code_and_an_unknown_word_none(tmp_path: Path) -> None:
    rows: Texts = [
        {"title": ["kettle"], "description": ["kettles", "kettle"], "details": [], "kind": []}
    ]
    view = stored(rows, [], tmp_path / "texts").view()
    assert view.codes(["kettle", "kettles", "boat"]).tolist() == [0, 0, -1]
    found = view.of(np.zeros(1, np.int32))["description"]
    assert found.counts[found.spans[2, 0]] == 2


def test_long_texts_are_cut_and_large_counts_bounded(tmp_path: Path) -> None:
    long = ["red"] * 300 + [f"w{i}" for i in range(400)]
    rows: Texts = [{"title": ["red"], "description": long, "details": [], "kind": []}]
    store = stored(rows, rows, tmp_path / "texts")
    for ordinal in (0, 1):
        field = store.view().of(np.array([ordinal], np.int32))["description"]
        start, end, counted = field.spans[:, 0].tolist()
        assert end - start == 1 + 512 - 300
        assert field.counts[counted : counted + end - start].max() == 255
    assert store.view().codes(["w211", "w212"]).tolist()[1] == -1


def test_details_are_values_tags_and_color_but_no_identifiers() -> None:
    product = Product(
        "1",
        "Lamp",
        color="Dark Red",
        tags=("desk lamp",),
        attributes={"shade": ("Linen", "Silk"), "dimmable": True, "mpn": "X-1", "watts": 40.0},
    )
    fields = index_fields(product, Settings().index.weights)
    assert sorted(fields["details"].split()) == sorted(
        ["linen", "silk", "dimmable", "desk", "lamp", "dark", "red"]
    )


def test_a_view_has_no_code_of_what_came_later(tmp_path: Path) -> None:
    rows: Texts = [{"title": ["lamp"], "description": [], "details": [], "kind": []}]
    store = stored(rows, [], tmp_path / "texts")
    before = store.view()
    store.append(
        [pack_texts({"title": "zebra lamp", "description": "", "details": "zebra", "kind": ""})]
    )
    after = store.view()
    assert before.codes(["zebra", "lamp"]).tolist() == [-1, 0]
    assert after.codes(["zebra", "lamp"]).tolist() == [1, 0]
    title = after.of(np.array([1], np.int32))["title"]
    assert title.codes[slice(*title.spans[:2, 0].tolist())].tolist() == [1, 0]


@pytest.mark.parametrize("part", ["texts", "measures", "titles", "attributes", "documents"])
def test_every_part_must_be_of_its_snapshot(tmp_path: Path, part: str) -> None:
    shops.build(tmp_path, [Product("a", "Lamp")])
    stamp = DataLayout(tmp_path).snapshot(read_current(tmp_path)).root / part / "VERSION"
    stamp.write_text("20200101T000000-0000")
    with pytest.raises(IndexCorrupt, match=f"{part}/VERSION is of snapshot"):
        shops.state_of(tmp_path)


def test_texts_of_another_number_of_products_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "write_rows", lambda directory: None)  # as earlier builds leave them
    row: dict[Text, list[str]] = {name: ["lamp"] for name in FIELDS}
    stored([row], [], tmp_path / "one")
    stored([row, row], [], tmp_path / "two")
    offsets = (tmp_path / "two" / "title.offsets.npy").read_bytes()
    (tmp_path / "one" / "title.offsets.npy").write_bytes(offsets)
    with pytest.raises(IndexCorrupt, match="different lengths: index again"):
        TextStore(tmp_path / "one")


@given(st.lists(st.lists(st.integers(-(2**31), 2**31 - 1))))
def test_an_array_written_in_pieces_is_whole(pieces: list[list[int]]) -> None:
    with TemporaryDirectory() as made:
        path = Path(made) / "a.npy"
        file = ArrayFile(path, np.int32)
        for piece in pieces:
            file.append(np.array(piece, np.int32))
        file.finish()
        found = load(path)
        assert found.dtype == np.int32
        assert found.tolist() == [number for piece in pieces for number in piece]
