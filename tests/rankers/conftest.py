"""What tests of rankers share."""

from __future__ import annotations

import pytest

from rankers.features import warm_up


@pytest.fixture(scope="session", autouse=True)
def warm() -> None:
    """Loads compiled code before the first test, which would seem slow."""
    warm_up()
