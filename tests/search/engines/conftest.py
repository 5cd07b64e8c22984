"""Indexes shared by the tests of this folder."""

from __future__ import annotations

import pytest

from tests.search.engines.shops import Shop, random_shop


@pytest.fixture(scope="session")
def shops(tmp_path_factory: pytest.TempPathFactory) -> list[Shop]:
    """Three small catalogues: as indexed, changed once, and changed several times."""
    folder = tmp_path_factory.mktemp("shops")
    return [
        random_shop(folder / str(batches), seed=batches, size=50, batches=batches)
        for batches in (0, 1, 4)
    ]
