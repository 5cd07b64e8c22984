"""`aisle bench learn`: its parts (see `api.bench.parts`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LearnPlan:
    """What `aisle bench learn` was asked for: where the public data and room for files are, and
    fewer seeds for a quick look."""

    real: Path
    directory: Path
    quick: bool = False


PARTS: Mapping[str, str] = {
    "propensity": "api.bench.learn_propensity",
    "learners": "api.bench.learn_rankers",
    "periods": "api.bench.learn_periods",
    "pipeline": "api.bench.learn_pipeline",
}
