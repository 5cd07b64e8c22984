"""Shared fixtures: where the real catalogues are, and what to do without them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow, not wrong: no example fails for its duration.
settings.register_profile("aisle", deadline=None)
settings.load_profile("aisle")

REAL_DATA = Path(os.environ.get("AISLE_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of public catalogues; tests that need it are left out, loudly, without it."""
    if not REAL_DATA.is_dir():
        message = f"no real catalogues at {REAL_DATA}; set AISLE_REAL_DATA to their folder"
        if os.environ.get("AISLE_REQUIRE_REAL_DATA"):
            pytest.fail(message)
        pytest.skip(message)
    return REAL_DATA
