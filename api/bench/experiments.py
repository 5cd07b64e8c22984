"""`aisle bench experiments`: its parts (see `api.bench.parts`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ExperimentsPlan:
    """What `aisle bench experiments` was asked for: where the public data is, the index that
    overhead is measured on, and fewer repeats for a quick look."""

    real: Path
    data: Path
    quick: bool = False


PARTS: Mapping[str, str] = {
    "metrics": "api.bench.experiments_metrics",
    "interleaving": "api.bench.experiments_interleaving",
    "off-policy": "api.bench.experiments_off_policy",
    "ab": "api.bench.experiments_ab",
    "rollout": "api.bench.experiments_rollout",
    "overhead": "api.bench.experiments_overhead",
}
