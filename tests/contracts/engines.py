"""Every engine, ready to be filled: the embedded one, and those of real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from search.engines import ENGINES
from search.types import Product, Vectors
from tests.engines.shared import Shared
from tests.search.engines import shops

Publish = Callable[[Path, Sequence[Product], Vectors | None], object]
PUBLISH: Mapping[str, Publish] = dict.fromkeys(ENGINES, shops.build)
"""How a test fills each engine with products."""
MARKS = {"elasticsearch": pytest.mark.elasticsearch, "opensearch": pytest.mark.opensearch}
EVERY = [pytest.param(name, marks=MARKS.get(name, ())) for name in ENGINES]


def chosen(request: pytest.FixtureRequest, patch: pytest.MonkeyPatch) -> Iterator[str]:
    """Lets settings name the engine of a fixture's parameter, and its server."""
    name = str(request.param)
    if name == "embedded":
        yield name
        return
    server: Shared = request.getfixturevalue(name)
    patch.setenv("AISLE_ENGINE", name)
    patch.setenv("AISLE_SERVER__URL", server.url)
    patch.setenv("AISLE_SERVER__PREFIX", f"{server.prefix}shop")
    patch.setenv("AISLE_SERVER__TIMEOUT_SECONDS", "30")
    yield name
    server.forget()


@pytest.fixture(params=EVERY)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The engine's name; settings made from now on name it."""
    yield from chosen(request, monkeypatch)
