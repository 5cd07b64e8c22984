"""The latest look for drift, kept for the gauges of `/metrics`: `DATA/drift.json`."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from api.metrics import Metrics
from training.events.disk import replace_file, storage_errors

if TYPE_CHECKING:
    from training.drift import Drift

DRIFT_FILE = "drift.json"


@dataclass(frozen=True, slots=True)
class Looked:
    """A look: when (seconds since 1970), and stability indices by what was compared; NaN where too
    little was logged to tell."""

    checked: float
    indices: Mapping[str, float]


def write_drift(data: Path, drift: Drift) -> None:
    """Keeps a look at a data directory's own log and model; atomically.

    Raises:
        StorageFailed: the disk refused; the look before is still there.
    """
    path = data / DRIFT_FILE
    with storage_errors(path):
        replace_file(path, orjson.dumps({"checked": time.time(), **asdict(drift)}) + b"\n")


def read_drift(data: Path) -> Looked | None:
    """The latest look; None when there was none, or its file cannot be read."""
    try:
        found = orjson.loads((data / DRIFT_FILE).read_bytes())
        parts = {name: _index(found[name]) for name in ("scores", "queries", "results")}
        features = [_index(each) for each in found["features"]]
        parts["features_max"] = max(features, default=math.nan)
        return Looked(float(found["checked"]), parts)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def observe_drift(data: Path, metrics: Metrics) -> None:
    """Brings the gauges up to date; without a look they are left out."""
    looked = read_drift(data)
    if looked is None:
        return
    metrics.drift_checked.set(looked.checked)
    for part, index in looked.indices.items():
        metrics.drift.labels(part).set(index)


def _index(moved: Mapping[str, float] | None) -> float:
    return float(moved["index"]) if moved else math.nan
