"""The demo shop's truth, for the products that the tests' index holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.simulation import Truth, read_truth


@pytest.fixture(scope="session")
def judgments(shop_files: Path) -> Path:
    return shop_files / "judgments.csv"


@pytest.fixture(scope="session")
def truth(judgments: Path) -> Truth:
    return read_truth(judgments)
