"""Indexes on every engine, each test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from search.settings import EngineServerSettings, IndexSettings, Settings
from tests.contracts.engines import EVERY
from tests.engines.shared import Shared
from tests.indexer.conftest import fast_path
from tests.indexer.shop import shop_settings

__all__ = ["fast_path"]
_numbers = count()
OnServer = Callable[[str, Path], Settings]


@pytest.fixture
def on_server(request: pytest.FixtureRequest) -> Iterator[OnServer]:
    """Settings of a shop on an engine and its server, if it has one."""
    used: list[Shared] = []

    def made(engine: str, data: Path) -> Settings:
        base = shop_settings(data)
        if engine == "embedded":
            return base
        server: Shared = request.getfixturevalue(engine)
        used.append(server)
        known = EngineServerSettings(
            url=server.url,
            prefix=f"{server.prefix}shop{next(_numbers)}",
            timeout_seconds=30,
            bulk_bytes=10_000,
        )
        kept = IndexSettings(keep_hours=0)
        return base.model_copy(update={"engine": engine, "server": known, "index": kept})

    yield made
    for server in used:
        server.forget()


@pytest.fixture(params=EVERY)
def settings(request: pytest.FixtureRequest, fast_path: Path, on_server: OnServer) -> Settings:
    """Of a shop on each engine; replaced indices need not stay for replicas."""
    return on_server(request.param, fast_path)
