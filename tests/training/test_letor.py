"""On a real LETOR file our metric and our training are the reference implementations'."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np
import pytest
import pytrec_eval

from search.errors import BadInput
from training import Tables, read_letor
from training.measures import yardstick
from training.tables import Values
from training.trees import TreeSettings, fit_trees, gain_levels

SETTINGS = TreeSettings(
    leaves=31, learning_rate=0.1, least_rows=20, penalty=0.0, features=1.0, rounds=50, bins=255
)


@pytest.fixture(scope="module")
def train_file(real_data: Path) -> Tables:
    return read_letor(real_data / "ltr" / "rank.train", 301)


@pytest.fixture(scope="module")
def test_file(real_data: Path) -> Tables:
    return read_letor(real_data / "ltr" / "rank.test", 301)


def reference(tables: Tables, parameters: dict[str, object]) -> lightgbm.Booster:
    """LightGBM by its own interface, as its example does."""
    data = lightgbm.Dataset(
        tables.values,
        label=tables.gains,
        group=np.diff(tables.offsets),
        params=parameters,
    )
    return lightgbm.train(parameters, data, num_boost_round=SETTINGS.rounds)


def trec_eval(tables: Tables, scores: Values) -> Values:
    qrels, run = {}, {}
    for i, query in enumerate(tables.queries):
        own = scores[tables.offsets[i] : tables.offsets[i + 1]]
        ranks = np.empty(len(own))
        ranks[np.argsort(-own, kind="stable")] = np.arange(len(own))
        gains = query.gains.astype(int).tolist()
        qrels[query.query] = dict(zip(query.products, gains, strict=True))
        run[query.query] = dict(zip(query.products, (-ranks).tolist(), strict=True))
    found = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10"}).evaluate(run)
    return np.array([found[query.query]["ndcg_cut_10"] for query in tables.queries])


@pytest.mark.real
def test_the_files_hold_what_their_origin_says(train_file: Tables, test_file: Tables) -> None:
    assert (len(train_file), len(train_file.query)) == (201, 3005)
    assert (len(test_file), len(test_file.query)) == (50, 768)
    assert set(train_file.gains) == {0, 1, 2, 3, 4}


@pytest.mark.real
@pytest.mark.slow
def test_our_training_is_lightgbms(train_file: Tables, test_file: Tables) -> None:
    levels, _ = gain_levels(train_file.gains)
    parameters = SETTINGS.parameters(train_file.schema, levels)
    theirs = np.asarray(reference(train_file, parameters).predict(test_file.values))
    ours = fit_trees(train_file, np.zeros(len(train_file.query)), SETTINGS)
    assert np.array_equal(ours.scores(test_file.values), theirs)


@pytest.mark.real
@pytest.mark.slow
def test_our_ndcg_is_trec_evals(train_file: Tables, test_file: Tables) -> None:
    trees = fit_trees(train_file, np.zeros(len(train_file.query)), SETTINGS)
    scores = trees.scores(test_file.values)
    scored = trec_eval(test_file, scores)
    assert yardstick(test_file).ndcg(scores) == pytest.approx(scored, abs=1e-6)
    assert scored.mean() > trec_eval(test_file, np.zeros(len(scores))).mean() + 0.05


@pytest.mark.real
@pytest.mark.slow
def test_lightgbms_own_ndcg_agrees_on_linear_gains(train_file: Tables, test_file: Tables) -> None:
    levels, labels = gain_levels(test_file.gains)
    booster = fit_trees(train_file, np.zeros(len(train_file.query)), SETTINGS).booster
    parameters = SETTINGS.parameters(train_file.schema, levels) | {"metric": "ndcg"}
    found: dict[str, dict[str, list[float]]] = {}
    data = lightgbm.Dataset(
        test_file.values, label=labels, group=np.diff(test_file.offsets), params=parameters
    )
    start = np.asarray(booster.predict(test_file.values))
    data.set_init_score(start)
    frozen = parameters | {"learning_rate": 1e-12}
    lightgbm.train(
        frozen, data, 1, valid_sets=[data], callbacks=[lightgbm.record_evaluation(found)]
    )
    relevant = np.array([query.gains.max() > 0 for query in test_file.queries])
    ours = np.where(relevant, yardstick(test_file).ndcg(start), 1.0)
    assert found["training"]["ndcg@10"][0] == pytest.approx(ours.mean(), abs=1e-6)


def test_a_malformed_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rank"
    path.write_text("1 0:0.5 3:1\n0 x\n")
    (tmp_path / "rank.query").write_text("2\n")
    with pytest.raises(BadInput, match="line 2"):
        read_letor(path)
    path.write_text("1 0:0.5 3:1\n")
    with pytest.raises(BadInput, match="1 rows"):
        read_letor(path)


def test_columns_that_a_line_leaves_out_are_zero(tmp_path: Path) -> None:
    (tmp_path / "rank").write_text("1 0:0.5 3:2 # note\n0 qid:7 1:1\n")
    (tmp_path / "rank.query").write_text("2\n")
    tables = read_letor(tmp_path / "rank")
    assert tables.values.tolist() == [[0.5, 0, 0, 2], [0, 1, 0, 0]]
    assert tables.gains.tolist() == [1, 0]
    assert replace(tables.queries[0], query="0").query == "0"
