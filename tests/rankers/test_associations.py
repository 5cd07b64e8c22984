"""What a model learned of words and meanings: read from its file, and made into features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankers import load_model, save_model
from rankers.associations import Associations, Pairs, pack, unpack
from rankers.features import VERSION, compute
from rankers.model_file import Known
from rankers.opening import open_ranker
from search.errors import BadInput
from search.types import Pool, Query, Ranking
from tests.rankers.facts import HandFacts, Item
from tests.rankers.models import make_model

WORDS = ("faucet", "kettle", "red", "lid", "shower")
TITLES = st.lists(st.lists(st.sampled_from([*WORDS, "never"]), max_size=6), min_size=1, max_size=9)
TABLE = ("learned_words", "learned_meaning")


def associations(seed: int, size: int = 4) -> Associations:
    """Weights of every kind, drawn; a third of the pairs has none."""
    rng = np.random.default_rng(seed)
    count = len(WORDS)
    alone = rng.normal(size=(3, count)).astype(np.float32)
    meaning = rng.normal(size=(size, size)).astype(np.float32)
    return Associations(WORDS, alone, _drawn(rng), _drawn(rng), meaning)


def _drawn(rng: np.random.Generator) -> Pairs:
    there = rng.random((len(WORDS), len(WORDS))) < 0.67
    np.fill_diagonal(there, val=False)
    others = np.nonzero(there)[1].astype(np.int32)
    starts = np.append(0, np.cumsum(there.sum(axis=1))).astype(np.int32)
    return Pairs(starts, others, rng.normal(size=len(others)).astype(np.float32))


def weight(pairs: Pairs, asked: str, found: str) -> float:
    """That of one pair, looked up in the plainest way."""
    start, stop = pairs.starts[WORDS.index(asked) : WORDS.index(asked) + 2]
    known = dict(zip(pairs.others[start:stop].tolist(), pairs.weights[start:stop], strict=True))
    return float(known.get(WORDS.index(found), 0.0))


def expected(learned: Associations, query: list[str], title: list[str]) -> float:
    """The sum as it is defined, word by word."""
    asked = [word for word in dict.fromkeys(query) if word in WORDS]
    total = 0.0
    for word in dict.fromkeys(each for each in title if each in WORDS):
        total += float(learned.alone[1 if word in asked else 0, WORDS.index(word)])
        total += sum(weight(learned.titles, each, word) for each in asked)
    if title and title[-1] in WORDS:
        total += float(learned.alone[2, WORDS.index(title[-1])])
        total += sum(weight(learned.heads, each, title[-1]) for each in asked)
    return total


def world(
    titles: list[list[str]], query: list[str], base: int | None = None
) -> tuple[HandFacts, Pool]:
    rng = np.random.default_rng(0)
    items = [
        Item(" ".join(each), kind=" ".join(each), vector=rng.normal(size=4).tolist())
        for each in titles
    ]
    order = np.arange(len(items), dtype=np.int32)
    ranking = Ranking(order, np.linspace(1, 0.5, len(items), dtype=np.float32))
    text = " ".join(query)
    asked = Query(text, text, tuple(query), corrected=text)
    vector = rng.normal(size=4).astype(np.float32)
    return HandFacts(items, base), Pool(asked, ranking, vector=vector)


@settings(max_examples=60, deadline=None)
@given(TITLES, st.lists(st.sampled_from([*WORDS, "unheard"]), min_size=1, max_size=4), st.data())
def test_words_add_up_whatever_is_a_live_change(
    titles: list[list[str]], query: list[str], data: st.DataObject
) -> None:
    facts, pool = world(titles, query, data.draw(st.integers(0, len(titles))))
    learned = associations(data.draw(st.integers(0, 5)))
    found = compute(facts, pool, TABLE, associations=learned).values[:, 0]
    # A word that no product of the index has tells nothing.
    heard = [word for word in query if any(word in title for title in titles)]
    sums = np.array([expected(learned, heard, title) for title in titles])
    np.testing.assert_allclose(found, sums - sums.mean(), atol=1e-5)


def test_meaning_is_the_query_times_the_form_times_the_product() -> None:
    facts, pool = world([["red"], ["lid"], ["kettle"]], ["red"])
    learned = associations(1)
    found = compute(facts, pool, TABLE, associations=learned).values[:, 1]
    vectors = np.array([each.vector for each in facts.items])
    assert pool.vector is not None
    sums = pool.vector @ learned.meaning @ vectors.T
    np.testing.assert_allclose(found, sums - sums.mean(), atol=1e-5)


def test_without_associations_or_of_another_encoder_they_are_unknown() -> None:
    facts, pool = world([["red"], ["lid"]], ["red"])
    assert np.isnan(compute(facts, pool, TABLE).values).all()
    other = compute(facts, pool, TABLE, associations=associations(1, size=3)).values
    assert np.isnan(other[:, 1]).all()
    assert not np.isnan(other[:, 0]).any()


MODEL = replace(make_model(TABLE, "v1", rounds=2), associations=associations(3))
KNOWN = Known(TABLE, "v1")


def test_they_survive_the_file_to_the_last_bit(tmp_path: Path) -> None:
    save_model(MODEL, tmp_path / "model.json")
    found, kept = load_model(tmp_path / "model.json", KNOWN).associations, MODEL.associations
    assert found is not None
    assert kept is not None
    assert found.words == kept.words
    assert found.alone.tobytes() == kept.alone.tobytes()
    assert found.meaning.tobytes() == kept.meaning.tobytes()
    for name in ("starts", "others", "weights"):
        assert getattr(found.titles, name).tobytes() == getattr(kept.titles, name).tobytes()
        assert getattr(found.heads, name).tobytes() == getattr(kept.heads, name).tobytes()


def test_a_model_that_learned_no_words_has_none_in_its_file(tmp_path: Path) -> None:
    save_model(replace(MODEL, associations=None), tmp_path / "model.json")
    assert "associations" not in orjson.loads((tmp_path / "model.json").read_bytes())["content"]
    assert load_model(tmp_path / "model.json", KNOWN).associations is None


@pytest.mark.parametrize(
    "broken",
    [
        {"words": ("twice", "twice", "red", "lid", "shower")},
        {"alone": np.zeros((3, 4), np.float32)},
        {"meaning": np.full((2, 2), np.nan, np.float32)},
        {"titles": Pairs(np.zeros(6, np.int32), np.array([1], np.int32), np.ones(1, np.float32))},
        {
            "heads": Pairs(
                np.array([0, 1, 1, 1, 1, 1], np.int32),
                np.array([5], np.int32),
                np.ones(1, np.float32),
            )
        },
    ],
)
def test_parts_that_do_not_fit_are_refused_by_name(broken: dict[str, Any], tmp_path: Path) -> None:
    contradictory = replace(associations(0), **broken)
    with pytest.raises(BadInput, match="learned words") as error:
        save_model(replace(MODEL, associations=contradictory), tmp_path / "model.json")
    assert error.value.field == "associations"


def test_what_is_no_array_is_refused() -> None:
    content = pack(associations(0)) | {"alone": "no such thing!"}
    with pytest.raises(BadInput, match="cannot be read"):
        unpack(content)


@pytest.mark.slow
def test_a_ranker_orders_by_what_its_model_learned(tmp_path: Path) -> None:
    learned = associations(3)
    model = replace(
        make_model(TABLE, VERSION, rounds=2),
        weights=np.array([1.0, 0.0]), centers=np.zeros(2), scales=np.ones(2),
        trees="", tree_weight=0.0, kind="linear", associations=learned,
    )  # fmt: skip
    save_model(model, tmp_path / "model.json")
    titles = [["red"], ["lid", "kettle"], ["faucet", "shower"], ["never"]]
    facts, pool = world(titles, ["red", "kettle"])
    ranked = open_ranker(tmp_path / "model.json").rank(facts, pool)
    sums = [expected(learned, ["red", "kettle"], title) for title in titles]
    assert ranked.ranking.ordinals.tolist() == np.argsort(-np.array(sums)).tolist()
