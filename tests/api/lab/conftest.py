"""The lab of one data directory, shared by the tests that only look."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import connected
from tests.api.lab.world import keep_figures, keep_models, keep_runs, try_something


@pytest.fixture(scope="session")
def lab_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("lab") / "data"
    keep_runs(data)
    try_something(data)
    keep_models(data)
    keep_figures(data)
    return data


@pytest.fixture
async def lab(lab_data: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with connected(lab_data) as client:
        yield client
