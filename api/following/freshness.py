"""How far behind its stream of changes an index is, as it says itself: for whoever serves it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from search.engines.local.layout import DataLayout
from search.engines.local.live import read_state
from search.engines.local.positions import Positions
from search.errors import IndexCorrupt

if TYPE_CHECKING:
    from api.metrics import Metrics


def lag_of(positions: Positions) -> int:
    """How many records waited when the positions were written."""
    return sum(at.behind for at in positions.values())


def freshness_of(positions: Positions) -> float:
    """Seconds since the moment up to which all is applied, as far as it is known; 0 where nothing
    is followed."""
    oldest = min((at.time for at in positions.values() if at.time), default=None)
    return 0.0 if oldest is None else max(0.0, time.time() - oldest)


def observe_freshness(data: Path, snapshot: str, metrics: Metrics) -> None:
    """Brings the gauges of a server up to date, from the snapshot's own state."""
    try:
        positions = read_state(DataLayout(data).live(snapshot)).positions
    except IndexCorrupt:  # said elsewhere, by whoever reads the changes
        return
    metrics.catalogue_lag.set(lag_of(positions))
    metrics.catalogue_freshness.set(freshness_of(positions))
