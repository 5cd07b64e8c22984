"""Shared fixtures: where the real catalogues are, and what to do without them."""

from __future__ import annotations

import gc
import os
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

from indexer.encoder_export import ensure_encoder
from search.encoder import OnnxEncoder

pytest_plugins = ("tests.engines.fixtures",)

# A busy machine is slow, not wrong: no example fails for its duration.
settings.register_profile("aisle", deadline=None)
settings.load_profile("aisle")

REAL_DATA = Path(os.environ.get("AISLE_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))


HEAVY = ("slow", "kafka", "elasticsearch", "opensearch")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of files with as many tests, which pytest-xdist takes in this order, heavy ones come first:
    at the end no process is busy alone for long."""
    heavy = Counter(item.path for item in items for mark in HEAVY if item.get_closest_marker(mark))
    items.sort(key=lambda item: -heavy[item.path])


def pytest_collection_finish() -> None:
    """Full passes of the collector leave out the modules and the tests, which stay; at Python's own
    700 objects the others took a twelfth of the time of all tests."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_sessionfinish() -> None:
    """Modules in C report as leaks what is not collected at the end."""
    gc.unfreeze()


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was left out and why, and so what to install."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in skipped
        if isinstance(report.longrepr, tuple)
    )
    if reasons:
        terminalreporter.section("LEFT OUT", yellow=True)
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count} tests: {reason}", yellow=True)
