"""`aisle train cross-encoder` end to end over a small shop: learn, test, export, serve with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import orjson
import pytest

from api.commands.train_cross_encoder_command import _lines, _values
from api.cross_encoder_training import CrossEncoderPlan, train_cross_encoder
from eval import Judgments
from fixtures import make_shop
from indexer.build import Products, build_index
from indexer.progress import silent
from search.build import Search, open_search
from search.cross_encoder import CrossEncoder
from search.errors import BadInput
from search.settings import Settings
from training.cross_encoder import out_of_fold
from training.cross_encoder.network import PairNetwork
from training.cross_encoder.out_of_fold import KEPT
from training.cross_encoder.tuning import Recipe

pytestmark = pytest.mark.slow

QUERIES, JUDGED = 30, 6


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, encoder_data: Path) -> Path:
    directory = tmp_path_factory.mktemp("reading")
    (directory / "encoders").mkdir()
    for each in (encoder_data / "encoders").iterdir():
        (directory / "encoders" / each.name).symlink_to(each)
    build_index(Products(make_shop(products=150).products), Settings(data=directory, threads=1))
    return directory


@pytest.fixture(scope="module")
def judgments() -> Judgments:
    shop = make_shop(products=150)
    ids = {product.id for product in shop.products}
    graded = (
        (query.text, {p: float(g) for p, g in query.ratings.items() if p in ids})
        for query in shop.queries
    )
    few = ((text, dict(sorted(gains.items())[:JUDGED])) for text, gains in graded)
    judged = {text: gains for text, gains in few if len(set(gains.values())) > 1}
    return Judgments(dict(list(judged.items())[:QUERIES]))


@pytest.fixture
async def search(data: Path) -> AsyncIterator[Search]:
    opened = await open_search(Settings(data=data, threads=1))
    yield opened
    await opened.close()


def plan(out: Path | None = None) -> CrossEncoderPlan:
    return CrossEncoderPlan(Recipe(), folds=2, mode="rerank", out=out)


async def test_a_cross_encoder_is_trained_tested_and_read_with(
    search: Search, judgments: Judgments, tmp_path: Path
) -> None:
    outcome = await train_cross_encoder(search, judgments, plan(tmp_path / "out"), silent)
    assert outcome.queries == QUERIES
    assert len(outcome.combined.weights) == 2
    assert outcome.directory is not None
    assert [path.name for path in (tmp_path / "out").iterdir()] == [outcome.directory.name]
    assert "-cross-" in outcome.directory.name
    assert outcome.fidelity is not None
    assert outcome.fidelity > 0.99
    assert orjson.loads(orjson.dumps(_values(outcome)))["adopted"] == outcome.adopted
    assert any(outcome.directory.name in line for line in _lines(outcome, tmp_path / "out"))
    reader = CrossEncoder(outcome.directory)
    assert reader.weight == outcome.combined.weight
    assert np.ptp(reader.scores("red kettle", ["Red kettle", "Garden hose"])) > 0
    assert not list((search.settings.data / "encoders").glob(f"{KEPT}*"))


async def test_a_training_that_was_broken_off_goes_on_where_it_was(
    search: Search, judgments: Judgments, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[int] = []

    class Killed(BaseException):
        pass

    def fine_tune(network: PairNetwork, examples: list[object], *_: object) -> float:
        if len(learned) == 1:
            learned.append(0)
            raise Killed
        learned.append(len(examples))
        return 0.0

    monkeypatch.setattr(out_of_fold, "fine_tune", fine_tune)
    with pytest.raises(Killed):
        await train_cross_encoder(search, judgments, plan(), silent)
    assert len(list((search.settings.data / "encoders").glob(f"{KEPT}*/*.npy"))) == 1
    await train_cross_encoder(search, judgments, plan(), silent)
    assert len(learned) == 3  # the first fold was not learned again
    assert not list((search.settings.data / "encoders").glob(f"{KEPT}*"))


async def test_too_few_judgments_are_refused_before_any_work(search: Search) -> None:
    few = Judgments({"kettle": {"1": 1.0}})
    with pytest.raises(BadInput, match="judge at least 25"):
        await train_cross_encoder(search, few, plan(), silent)


async def test_judgments_that_compare_nothing_are_refused(
    search: Search, judgments: Judgments
) -> None:
    best = {
        text: dict([max(gains.items(), key=lambda item: item[1])])
        for text, gains in judgments.gains.items()
    }
    with pytest.raises(BadInput, match="of different grades"):
        await train_cross_encoder(search, Judgments(best), plan(), silent)
