"""A small shop with the log of some days, and what one whole retraining makes of it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.retraining import Outcome, RetrainTask, retrain
from api.settings import AppSettings
from api.simulation import Shoppers, read_truth
from api.simulation.offline import Plan, simulate_log
from search.build import HYBRID, open_search
from search.settings import ExplorationSettings
from training.simulation import ClickModel, click_model

UNTIL = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
LAST = UNTIL - 3600.0
"""When the last shopper comes; some search again for minutes."""
SHOPPERS, QUERIES = 3000, 60
"""Enough clicks on each query for the gate to tell."""
SWAPS = ExplorationSettings(method="swap", probability=0.25, first=1, last=10)


@dataclass(frozen=True)
class Trained:
    """A data directory after one retraining, and what that said."""

    data: Path
    outcome: Outcome

    @property
    def folder(self) -> Path:
        return self.data / "retraining" / self.outcome.run


def run(task: RetrainTask) -> Outcome:
    """Retrains in this process, in silence."""
    return asyncio.run(retrain(task, lambda text: None, lambda stage, done, total: None))


def visit(
    data: Path,
    judgments: Path,
    shoppers: int,
    *,
    days: float = 9.9,
    until: float = LAST,
    queries: Collection[str] = (),
    seed: int = 3,
    model: ClickModel | None = None,
    features: float = 0.05,
) -> None:
    """Adds the log of simulated shoppers, of all queries or of some."""

    async def write() -> None:
        truth = read_truth(judgments)
        crowd = Shoppers(truth.only(queries) if queries else truth, shoppers, seed)
        search = await open_search(AppSettings(data=data))
        try:
            chosen = model or click_model("ultra")
            plan = Plan(crowd, chosen, until, days, 10, HYBRID, SWAPS, features)
            await simulate_log(data, search, plan)
        finally:
            await search.close()

    asyncio.run(write())


def copied(data: Path, place: Path) -> Path:
    """A data directory of one's own."""
    shutil.copytree(data, place / "data", symlinks=True)
    return place / "data"


@pytest.fixture(scope="session")
def judgments(shop_files: Path) -> Path:
    return shop_files / "judgments.csv"


@pytest.fixture(scope="session")
def logged(indexed: Path, judgments: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with a log, for reading only."""
    data = tmp_path_factory.mktemp("logged") / "data"
    shutil.copytree(indexed, data, ignore=shutil.ignore_patterns("events"))
    visit(data, judgments, SHOPPERS, queries=read_truth(judgments).queries[:QUERIES])
    return data


@pytest.fixture(scope="session")
def trained(logged: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The same after one retraining that nobody disturbed, for reading only."""
    data = copied(logged, tmp_path_factory.mktemp("trained"))
    return Trained(data, run(RetrainTask(data)))
