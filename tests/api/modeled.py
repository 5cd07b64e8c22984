"""A shop with a ranking model, its clients, and the parity of what it serves with training."""

from __future__ import annotations

import math
import shutil
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from api.cli import run
from rankers import load_model, save_model
from rankers.behavior import BehaviorMap, BehaviorStore
from rankers.features import FEATURES, NAMES, VERSION, compute
from rankers.scoring import Scorer
from search.build import open_search
from search.ranking import pool
from search.retrieval import Trace
from search.seams import Facts
from search.settings import LimitSettings, MeaningSettings, RankingSettings, Settings
from search.types import FeatureTable, Pool, SearchRequest, Shopper
from tests.api.conftest import connected
from tests.rankers.models import make_model

CATEGORIES = tuple(name for name in NAMES if FEATURES[name].type == "category")


def write_model(path: Path, seed: int = 0, **given: Any) -> str:
    model = make_model(NAMES, VERSION, seed=seed, rounds=20, categories=CATEGORIES, **given)
    return save_model(model, path)[:12]


@pytest.fixture(scope="session")
def modeled(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a model, for reading only."""
    data = tmp_path_factory.mktemp("modeled") / "data"
    shutil.copytree(indexed, data)
    write_model(data / "model.json", depth=50)
    return data


def patient(data: Path) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """A client of a server that gives every stage time, for a busy machine is slow, not wrong; and
    that moves nothing after the model."""
    limits, ranking = LimitSettings(stage_seconds=60), RankingSettings(out_of_stock="keep")
    return connected(data, limits=limits, ranking=ranking)


async def asked(client: httpx.AsyncClient, **parameters: Any) -> dict[str, Any]:
    answer = await client.get("/v1/search", params={"q": "steel kettle", **parameters})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def bits(values: NDArray[np.float32]) -> bytes:
    """All there is to tell values apart by; there is one way to be unknown."""
    return np.where(np.isnan(values), np.float32(np.nan), values).tobytes()


async def assert_parity(data: Path, texts: list[str], store: BehaviorStore | None = None) -> None:
    """Features and scores as answers carry them, against those of training's own path, with what
    shoppers did where `store` has it."""

    def features(facts: Facts, known: Pool) -> FeatureTable:
        behavior = BehaviorMap(store).of(facts) if store else None
        return compute(facts, known, behavior=behavior)

    model = load_model(data / "model.json")
    scorer = Scorer.of(model)
    search = await open_search(Settings(data=data, meaning=MeaningSettings(encoder="none")))
    try:
        async with patient(data) as client:
            for text in texts:
                body = await asked(client, q=text, size=100, explain="true")
                view = await search.engine.view()
                request = SearchRequest(text)
                found = await search.systems["hybrid"].candidates(view, request, Trace())
                seen = await pool(view, found, Shopper())
                best = replace(seen, ranking=seen.ranking.head(model.depth))
                table = await view.compute(partial(features, known=best))
                scores = dict(zip(table.ordinals.tolist(), scorer.score(table.values), strict=True))
                rows = dict(zip(table.ordinals.tolist(), table.values, strict=True))
                explained = [hit for hit in body["hits"] if hit["reasons"]]
                assert len(explained) == min(model.depth, len(seen.ranking))
                for hit in explained:
                    ordinal = await view.find(hit["id"])
                    assert ordinal is not None
                    told = {each["feature"]: each["value"] for each in hit["reasons"]["features"]}
                    values = np.array(
                        [math.nan if told[name] is None else told[name] for name in NAMES],
                        np.float32,
                    )
                    assert bits(values) == bits(rows[ordinal])
                    assert hit["reasons"]["score"] == scores[ordinal]
    finally:
        await search.close()


def told(capfdbinary: pytest.CaptureFixture[bytes], *arguments: str | Path) -> tuple[int, str, str]:
    """Runs the command line here, for its processes would each load everything anew."""
    capfdbinary.readouterr()
    code = run([*map(str, arguments)])
    out, err = capfdbinary.readouterr()
    return code, out.decode(), err.decode()
