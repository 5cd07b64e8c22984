"""How far a run is: `DATA/retraining/<run>/state.json`, replaced atomically after each step, and
the steps' results beside it, each with a checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from api.index_view import RUNS
from api.retraining.window import Window
from training.events.disk import replace_file, storage_errors

_STATE = "state.json"
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


@dataclass(frozen=True, slots=True)
class Done:
    """One finished step: the checksums of its files by name, and the seconds it took."""

    files: Mapping[str, str]
    seconds: float


@dataclass(frozen=True, slots=True)
class State:
    """One run. `outcome` is "" until it is over: `promoted`, `refused`, `unchanged` when what was
    learned serves already, or `abandoned` when what it had read changed while it lay unfinished."""

    run: str
    parameters: Mapping[str, Any]
    window: Window
    fingerprint: Mapping[str, Any]
    steps: Mapping[str, Done] = field(default_factory=dict)
    outcome: str = ""


@dataclass(slots=True)
class Run:
    """A run and its folder; `state` is what the disk says."""

    folder: Path
    state: State

    def begin(self) -> None:
        """Makes the folder, if this run has none.

        Raises:
            StorageFailed: the disk refused.
        """
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._save(self.state)

    def has(self, step: str) -> bool:
        """Whether a step is done, and its files are as it left them."""
        done = self.state.steps.get(step)
        return done is not None and all(
            checksum(self.folder / name) == mark for name, mark in done.files.items()
        )

    def result(self, step: str) -> dict[str, Any]:
        """What a finished step found."""
        found: dict[str, Any] = orjson.loads((self.folder / f"{step}.json").read_bytes())
        return found

    def keep(
        self, step: str, result: Mapping[str, Any], files: Sequence[str], seconds: float
    ) -> None:
        """Notes a step as done; everything that came after it before is to be done again.

        Raises:
            StorageFailed: the disk refused; the step counts as not done.
        """
        name = f"{step}.json"
        with storage_errors(self.folder):
            replace_file(self.folder / name, orjson.dumps(result, option=_OPTIONS) + b"\n")
        marks = {each: checksum(self.folder / each) for each in (name, *files)}
        self._save(replace(self.state, steps={**self.state.steps, step: Done(marks, seconds)}))

    def forget(self, steps: Sequence[str]) -> None:
        """Takes steps for not done."""
        kept = {name: done for name, done in self.state.steps.items() if name not in steps}
        if kept != self.state.steps:
            self._save(replace(self.state, steps=kept))

    def end(self, outcome: str) -> None:
        """Notes that the run is over."""
        self._save(replace(self.state, outcome=outcome))

    def _save(self, state: State) -> None:
        with storage_errors(self.folder):
            replace_file(self.folder / _STATE, orjson.dumps(asdict(state), option=_OPTIONS) + b"\n")
        self.state = state


def runs(data: Path) -> list[Run]:
    """The runs of a data directory that can be read, the latest window first."""
    found = [_read(path) for path in (data / RUNS).glob(f"*/{_STATE}")]
    known = [run for run in found if run is not None]
    return sorted(known, key=lambda run: (-run.state.window.end, run.state.run))


def _read(path: Path) -> Run | None:
    """None for what cannot be read: such a run is begun anew."""
    try:
        content = orjson.loads(path.read_bytes())
        content["window"] = Window(**content["window"])
        content["steps"] = {name: Done(**done) for name, done in content["steps"].items()}
        return Run(path.parent, State(**content))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def checksum(path: Path) -> str:
    """BLAKE2b of a file; "" when it is not there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return ""
