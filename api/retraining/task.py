"""What retraining is asked for, and what of it decides on the model."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from rankers.features import VERSION
from search.errors import NotFound
from training.clicks import GRADES, Reading
from training.learners.registry import USUAL_LEARNER, learners_named
from training.propensity import DEFAULT, estimator

Progress = Callable[[str, int, int | None], None]
_FORMAT = 2
"""Raise it when a step changes so that what an earlier one left cannot be gone on with."""


@dataclass(frozen=True, slots=True)
class RetrainTask:
    """One order to retrain. `judgments` are for the gate alone: what is learned from cannot judge.
    `held_out` is the share of the window's days, the latest, that training does not see;
    `if_drifted` and `if_older_than` (days) do it only when one of them says so."""

    data: Path
    judgments: Path | None = None
    learner: str = USUAL_LEARNER
    estimator: str = DEFAULT
    graded: bool = False
    window_days: float = 30.0
    held_out: float = 0.2
    depth: int = 200
    if_drifted: bool = False
    if_older_than: float | None = None

    def parameters(self) -> Mapping[str, Any]:
        """Everything that decides on the model and on what the gate says, but for the log.

        Raises:
            NotFound, BadInput: the judgments are not there; no such learner or estimator.
        """
        learners_named(self.learner)
        estimator(self.estimator)
        return {
            "learner": self.learner,
            "estimator": self.estimator,
            "grades": dict(GRADES) if self.graded else None,
            "window_days": self.window_days,
            "held_out": self.held_out,
            "depth": self.depth,
            "judgments": _digest_of(self.judgments) if self.judgments else None,
            "aisle": version("aisle"),
            "features": VERSION,
            "format": _FORMAT,
        }

    def reading(self, begin: float, end: float) -> Reading:
        """The log from `begin` to just before `end`."""
        days = (end - begin) / 86_400.0
        return Reading(GRADES if self.graded else None, days, now=end - 0.001)


def _digest_of(path: Path) -> str:
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except FileNotFoundError:
        raise NotFound(f"there is no {path}; name a file of --judgments") from None


def digest(value: object) -> str:
    """A short name for a value: the same for the same."""
    encoded = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(encoded, digest_size=6).hexdigest()


def commit() -> str | None:
    """The commit that runs, where the code is a checkout of git and git is there."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    command = ("git", "-C", str(root), "rev-parse", "HEAD")
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
