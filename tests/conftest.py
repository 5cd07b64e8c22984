"""Shared fixtures: where the real catalogues are, and what to do without them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from indexer.encoder_export import ensure_encoder
from search.encoder import OnnxEncoder

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


@pytest.fixture(scope="session")
def encoder_data() -> Path:
    """A data directory that holds nothing but the exported text encoder; it outlives the run,
    because exporting takes some 15 seconds."""
    data = Path(tempfile.gettempdir()) / f"aisle-tests-{os.getuid()}"
    ensure_encoder(data)
    return data


@pytest.fixture(scope="session")
def encoder(encoder_data: Path) -> OnnxEncoder:
    """The text encoder itself."""
    return ensure_encoder(encoder_data)
