"""Words and meanings learned from judgments: the truth is found, and nobody's own judgments come
back as their features."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import training.association_fitting
import training.associations
from rankers import load_model, save_model
from rankers.model_file import Known
from tests.training.made import SCHEMA, made
from training import Plan, Schema, Tables, stack
from training.association_fitting import fit_associations
from training.associations import (
    COLUMNS,
    associate,
    learnable,
    with_associations,
)
from training.tables import JudgedQuery
from training.train import train
from training.wording import ProductText, Wording

WORDS = {code: f"word{code}" for code in range(30)}
GOES_WITH = {code: 10 + (code * 7) % 10 for code in range(10)}
"""The title word that every query word really asks for."""
LEARNING = Schema(
    names=(*SCHEMA.names, *COLUMNS),
    directions=np.append(SCHEMA.directions, [1, 1]).astype(np.int8),
    categories=SCHEMA.categories,
    start=np.append(SCHEMA.start, [0.0, 0.0]),
    version="made",
)


def said(tables: Tables, *, seed: int = 0, meaning: bool = True) -> Tables:
    """The same queries in words: a product is twice as good where its title has what the query's
    word goes with, and better the more its embedding is like the query's turned around."""
    rng = np.random.default_rng(seed)
    return stack([_said(each, rng, meaning) for each in tables.queries], LEARNING)


def _said(query: JudgedQuery, rng: np.random.Generator, meaning: bool) -> JudgedQuery:
    asked, size = int(rng.integers(10)), len(query.products)
    titles = [rng.choice(np.arange(10, 30), 3, replace=False) for _ in range(size)]
    vectors = (rng.normal(size=(size, 4)) / 2).astype(np.float32)
    vector = (rng.normal(size=4) / 2).astype(np.float32)
    hits = np.array([GOES_WITH[asked] in title for title in titles])
    worth = hits + (vectors @ vector[::-1] if meaning else 0.0)
    gains = np.where(rng.random(size) < 0.8, np.clip(np.round(worth + 1), 0, 3), np.nan)
    gains[:2] = 3.0, 0.0
    products = tuple(
        ProductText(title.astype(np.int32), title[-1:].astype(np.int32), each)
        for title, each in zip(titles, vectors, strict=True)
    )
    wording = Wording(np.array([asked], np.int32), vector, products, WORDS)
    values = np.c_[query.values, np.full((size, 2), np.nan)].astype(np.float32)
    values[:, 1:6] = rng.normal(size=(size, 5))
    return replace(query, values=values, gains=gains, judged=gains[~np.isnan(gains)],
                   wording=wording)  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> Tables:
    return said(made(120, 16))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.associations, "MANY", 60)
    monkeypatch.setattr(training.association_fitting, "WORD_PENALTY", 10.0)
    monkeypatch.setattr(training.association_fitting, "MEANING_PENALTY", 1.0)


@pytest.mark.usefixtures("few")
def test_what_goes_together_is_found(tables: Tables) -> None:
    learned = fit_associations(tables, 0)
    number = {word: i for i, word in enumerate(learned.words)}
    right = 0
    for asked, wanted in GOES_WITH.items():
        start, stop = learned.titles.starts[number[f"word{asked}"] :][:2]
        best = start + int(np.argmax(learned.titles.weights[start:stop]))
        right += learned.words[learned.titles.others[best]] == f"word{wanted}"
    assert right >= 9
    turned = learned.meaning[np.arange(4), np.arange(4)[::-1]]
    others = learned.meaning.sum() - turned.sum()
    assert turned.mean() > 3 * abs(others) / 12


@pytest.mark.usefixtures("few")
def test_queries_never_seen_are_understood_by_it(tables: Tables) -> None:
    learned = fit_associations(tables, 0)
    fresh = with_associations(said(made(40, 16, seed=5), seed=5), learned)
    known = ~np.isnan(fresh.gains)
    for column in COLUMNS:
        values = fresh.values[known, LEARNING.names.index(column)]
        assert np.corrcoef(values, fresh.gains[known])[0, 1] > 0.15


@pytest.mark.usefixtures("few")
def test_no_query_is_told_of_its_own_judgments(tables: Tables) -> None:
    before, _ = associate(tables, 0)
    changed = list(tables.queries)
    gains = changed[7].gains[::-1].copy()
    changed[7] = replace(changed[7], gains=gains, judged=gains[~np.isnan(gains)])
    after, _ = associate(stack(changed, LEARNING), 0)
    assert before.queries[7].values.tobytes() == after.queries[7].values.tobytes()
    others = (each.tobytes() for each in (before.values[:, -2:], after.values[:, -2:]))
    assert len(set(others)) == 2


@pytest.mark.usefixtures("few")
def test_nothing_is_learned_where_it_does_not_help() -> None:
    tables = said(made(120, 16))
    rng = np.random.default_rng(1)
    noise = [replace(each, gains=rng.permutation(each.gains)) for each in tables.queries]
    told, learned = associate(stack(noise, LEARNING), 0)
    assert learned is None
    assert np.isnan(told.values[:, -2:]).all()


def test_few_queries_are_trained_on_as_if_there_were_no_such_features(tables: Tables) -> None:
    assert associate(tables, 0) == (tables, None)
    left = learnable(tables)
    assert left.schema.names == SCHEMA.names
    assert left.schema.categories == SCHEMA.categories
    assert left.values.tobytes() == np.ascontiguousarray(tables.values[:, :-2]).tobytes()


@pytest.mark.usefixtures("few")
def test_lightest_pairs_are_left_out_of_too_many(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = fit_associations(tables, 0)
    monkeypatch.setattr(training.association_fitting, "MOST_PAIRS", 20)
    some = fit_associations(tables, 0)
    kept = np.abs(np.concatenate([some.titles.weights, some.heads.weights]))
    whole = np.abs(np.concatenate([every.titles.weights, every.heads.weights]))
    assert len(kept) == 20
    np.testing.assert_array_equal(np.sort(kept), np.sort(whole)[-20:])


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_a_model_carries_them_in_its_file(tables: Tables, tmp_path: Path) -> None:
    found = train(tables, "made", Plan("linear", seeds=1, folds=2)).model
    save_model(found, tmp_path / "model.json")
    model = load_model(tmp_path / "model.json", Known(LEARNING.names, "made"))
    assert model.associations is not None
    assert set(COLUMNS) <= set(model.features)
    known = model.training["associations"]
    assert isinstance(known, dict)
    assert known["words"] == len(model.associations.words)
    recompute = partial(with_associations, tables)
    one, other = (recompute(each.associations).values for each in (found, model))
    assert one.tobytes() == other.tobytes()
