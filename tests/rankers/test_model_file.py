"""A model survives its file; what is not that model is refused by name."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankers import Model, load_model, model_checksum, save_model
from rankers.model_file import Known
from search.errors import BadInput, NotFound
from tests.rankers.models import make_model

NAMES = ("title_coverage", "fused_score", "price", "kind")
KNOWN = Known(NAMES, "v1")
MODEL = make_model(NAMES, "v1", rounds=3, categories=("kind",))


def same(one: Model, other: Model) -> bool:
    return model_checksum(one) == model_checksum(other)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_model(MODEL, tmp_path / "model.json")
    return tmp_path / "model.json"


def test_a_model_comes_back_as_it_was(saved: Path) -> None:
    loaded = load_model(saved, KNOWN)
    assert same(loaded, MODEL)
    np.testing.assert_array_equal(loaded.weights, MODEL.weights)
    assert loaded.trees == MODEL.trees
    assert loaded.training == MODEL.training


finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=50)
@given(weights=st.lists(finite, min_size=4, max_size=4), note=st.dictionaries(st.text(), finite))
def test_every_number_survives_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, weights: list[float], note: dict[str, float]
) -> None:
    model = replace(MODEL, weights=np.array(weights), metrics=note, trees="")
    path = tmp_path_factory.mktemp("model") / "model.json"
    assert save_model(model, path) == model_checksum(load_model(path, KNOWN))
    np.testing.assert_array_equal(load_model(path, KNOWN).weights, weights)


def test_notes_may_hold_what_json_has_not(tmp_path: Path) -> None:
    notes = {"ndcg": float("nan"), "folds": {1: np.float32(0.5)}, "file": tmp_path, "n": (1, 2)}
    save_model(replace(MODEL, training=notes), tmp_path / "m")
    assert load_model(tmp_path / "m", KNOWN).training["ndcg"] is None


@settings(max_examples=150)
@given(data=st.data())
def test_one_that_was_altered_anywhere_is_refused_or_means_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "altered.json"
    save_model(replace(MODEL, trees=""), path)
    raw = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    with contextlib.suppress(BadInput):
        assert same(load_model(path, KNOWN), replace(MODEL, trees=""))


def test_one_that_is_cut_off_is_refused(saved: Path) -> None:
    raw = saved.read_bytes()
    for size in range(1, len(raw) - 2, len(raw) // 40):
        saved.write_bytes(raw[:size])
        with pytest.raises(BadInput, match="ends before its end"):
            load_model(saved, KNOWN)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"tree\nversion=v4\n", b"\xff\xfe", b"null"])
def test_what_is_no_model_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "m"
    path.write_bytes(raw)
    with pytest.raises(BadInput, match="not a ranking model"):
        load_model(path, KNOWN)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="aisle train"):
        load_model(tmp_path / "none.json", KNOWN)


def test_features_that_are_not_computed_here_are_named(saved: Path) -> None:
    with pytest.raises(BadInput, match=r"not computed here: price, kind; train it again"):
        load_model(saved, Known(NAMES[:2], "v1"))


def test_features_of_other_code_are_refused(saved: Path) -> None:
    with pytest.raises(BadInput, match="version 'v1', those here are of 'v2'"):
        load_model(saved, Known(NAMES, "v2"))


def test_another_format_is_refused(saved: Path) -> None:
    file = orjson.loads(saved.read_bytes())
    saved.write_bytes(orjson.dumps(file | {"format": 9}))
    with pytest.raises(BadInput, match="of format 9, this is 1"):
        load_model(saved, KNOWN)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"features": NAMES[:3]}, "4 weights for 3 features"),
        ({"features": NAMES[:3], "weights": np.empty(0), "centers": np.empty(0),
          "scales": np.empty(0)}, "trained on 4 features, the model names 3"),
        ({"trees": MODEL.trees[:900]}, "end before their end"),
        ({"scales": np.zeros(4)}, "a scale is not above zero"),
        ({"weights": np.full(4, np.nan)}, "not a finite number"),
        ({"depth": 0}, "scores 0 candidates"),
        ({"kind": "magic"}, "unknown kind 'magic'"),
        ({"features": ("price",) * 4}, "named twice"),
        ({"tree_weight": float("inf")}, "not a finite number"),
    ],
)  # fmt: skip
def test_a_model_that_contradicts_itself_is_neither_written_nor_read(
    tmp_path: Path, change: dict[str, object], told: str
) -> None:
    path = tmp_path / "m.json"
    save_model(MODEL, path)
    with pytest.raises(BadInput, match=told):
        save_model(replace(MODEL, **change), path)  # type: ignore[arg-type]
    assert same(load_model(path, KNOWN), MODEL)
    assert [each.name for each in tmp_path.iterdir()] == ["m.json"]
