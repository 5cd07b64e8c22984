"""`aisle train encoder` end to end over a small shop: learn, export, measure, index with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from api.commands.train_encoder_command import _lines, _values
from api.encoder_examples import read_shelf
from api.encoder_training import EncoderPlan, Outcome, train_encoder
from api.encoder_views import ReencodedView, with_encoder
from api.evaluation import IndexSearcher
from eval import Judgments, collect_runs
from fixtures import Shop, make_shop
from indexer.adapted_encoder import ADAPTED, weights_of
from indexer.build import Products, build_index
from indexer.progress import silent
from indexer.torch_encoder import torch_sees_gpu
from search.build import Search, open_search
from search.encoder import OnnxEncoder, open_encoder
from search.errors import BadInput, EncoderUnavailable
from search.settings import MeaningSettings, Settings
from search.types import SearchRequest
from training.encoder.gate import Verdict
from training.encoder.tuning import Recipe

pytestmark = pytest.mark.slow

QUERIES = 40


@pytest.fixture(scope="module")
def shop() -> Shop:
    return make_shop(products=150)


@pytest.fixture(scope="module")
def judgments(shop: Shop) -> Judgments:
    ids = {product.id for product in shop.products}
    judged = {}
    for query in shop.queries:
        grades = {p: float(g) for p, g in query.ratings.items() if p in ids}
        if any(grades.values()):
            judged[query.text] = grades
    return Judgments(dict(list(judged.items())[:QUERIES]))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, encoder_data: Path, shop: Shop) -> Path:
    directory = tmp_path_factory.mktemp("adapting")
    (directory / "encoders").symlink_to(encoder_data / "encoders")
    build_index(Products(shop.products), Settings(data=directory, threads=1))
    return directory


@pytest.fixture
async def search(data: Path) -> AsyncIterator[Search]:
    opened = await open_search(Settings(data=data, threads=1))
    yield opened
    await opened.close()


async def test_other_vectors_change_nothing_but_what_is_near(
    search: Search, judgments: Judgments, encoder: OnnxEncoder
) -> None:
    """With the same vectors every system ranks as it does when serving, filters included."""
    shelf = await read_shelf(search, silent)
    stored = [await shelf.view.vector(ordinal) for ordinal in range(shelf.view.count)]
    vectors = np.array(stored)
    # Vectors are kept beside the encoder, where another processor may have made them.
    assert (encoder.encode(shelf.texts) * vectors).sum(axis=1).min() > 0.999
    view = ReencodedView(shelf.view, encoder.name, vectors)
    systems = ("dense", "hybrid")
    other = with_encoder(search, view, systems, encoder, encoder)
    expected, _ = await collect_runs(IndexSearcher(search), judgments, systems)
    found, _ = await collect_runs(IndexSearcher(other), judgments, systems)
    for system in systems:
        for query, products in expected[system].items():
            assert set(found[system][query]) == set(products)
            assert list(found[system][query][:5]) == list(products[:5])


async def test_an_encoder_is_trained_measured_and_indexed_with(
    search: Search, judgments: Judgments, shop: Shop, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / ".train-dead").mkdir(parents=True)
    plan = EncoderPlan(Recipe(), pairs=30, holdout=0.5, out=out)
    outcome = await train_encoder(search, judgments, plan, silent)
    assert outcome.directory is not None
    assert [path.name for path in out.iterdir() if path.is_dir()] == [outcome.encoder]
    assert ADAPTED in outcome.encoder
    assert outcome.fidelity["min"] > 0.99
    assert outcome.queries == {"train": 16, "validation": 4, "test": 20}
    assert outcome.examples["catalogue"] == 30
    assert set(outcome.verdict.gains) == {"dense", "hybrid"}
    assert orjson.loads(orjson.dumps(_values(outcome)))["adopted"] == outcome.verdict.adopted
    assert any("aisle index" in line for line in _lines(outcome))
    await _searched_with(outcome, shop, tmp_path / "data")
    _refuses_altered_weights(outcome.directory)


async def _searched_with(outcome: Outcome, shop: Shop, data: Path) -> None:
    """An index built with the adapted encoder's directory carries it along and serves by it."""
    meaning = MeaningSettings(encoder=str(outcome.directory))
    settings = Settings(data=data, threads=1, meaning=meaning)
    build_index(Products(shop.products), settings)
    assert open_encoder(data, outcome.encoder).name == outcome.encoder
    again = await open_search(Settings(data=data, threads=1))
    try:
        assert (await again.engine.view()).encoder == outcome.encoder
        found = await again.search(SearchRequest(shop.products[0].title, system="dense"))
        assert shop.products[0].id in {hit.product.id for hit in found.hits}
        assert found.fallbacks == ()
    finally:
        await again.close()


def _refuses_altered_weights(directory: Path) -> None:
    weights = weights_of(directory) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(EncoderUnavailable, match="train encoder"):
        weights_of(directory)


async def test_without_judgments_nothing_is_adopted_or_left_behind(
    search: Search, tmp_path: Path
) -> None:
    place = replace(search, settings=search.settings.model_copy(update={"data": tmp_path}))
    (tmp_path / "encoders").symlink_to(search.settings.data / "encoders")
    before = sorted(path.name for path in (tmp_path / "encoders").iterdir())
    outcome = await train_encoder(place, None, EncoderPlan(pairs=12), silent)
    assert outcome.directory is None
    assert not outcome.verdict.adopted
    assert "--judgments" in outcome.verdict.reason
    after = {path.name for path in (tmp_path / "encoders").iterdir()} - {"train.lock"}
    assert after == set(before) - {"train.lock"}


async def test_too_few_judgments_are_refused_before_any_work(search: Search) -> None:
    few = Judgments({"kettle": {"1": 1.0}})
    with pytest.raises(BadInput, match="judge more queries"):
        await train_encoder(search, few, EncoderPlan(), silent)


@pytest.mark.skipif(torch_sees_gpu(), reason="needs a machine without a GPU")
async def test_a_device_that_is_not_there_is_refused(search: Search) -> None:
    with pytest.raises(BadInput, match="--device"):
        await train_encoder(search, None, EncoderPlan(device="cuda"), silent)


def test_an_encoder_that_is_nowhere_is_named_with_those_there_are(
    shop: Shop, tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path, meaning=MeaningSettings(encoder="no-such-adapted"))
    with pytest.raises(BadInput, match="all-MiniLM-L6-v2"):
        build_index(Products(shop.products[:3]), settings)


def test_what_is_not_adopted_says_that_the_base_stays() -> None:
    outcome = Outcome("base", verdict=Verdict(False, "it does not help", 10, {}))
    outcome.examples, outcome.fidelity = {"catalogue": 1, "judged": 2}, {"min": 0.999}
    assert _lines(outcome)[0] == "Not adopted, the base encoder stays: it does not help."
