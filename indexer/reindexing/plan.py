"""What a reindex is about to do and has done, so that one that was killed is gone on with."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from indexer.storage import replace_file, sync, sync_tree
from search.engines.local.layout import DataLayout
from search.engines.local.live import LiveState


@dataclass(frozen=True, slots=True)
class Plan:
    """`inputs` is a digest of all that the snapshot `version` is made from. Changes that `base`
    accepts after `since` are brought into it; streams go on where the base is, or are read again
    from `reread` (seconds since 1970)."""

    version: str
    inputs: str
    base: str | None
    since: LiveState
    reread: float | None = None


class PlanJournal:
    """A plan on disk, with what is finished of it; implements `indexer.snapshot.Journal`."""

    def __init__(self, data: Path, plan: Plan, *, resumed: bool) -> None:
        self.plan, self.resumed = plan, resumed
        self._path = plan_file(data, plan.version)
        self._lock = threading.Lock()
        self._facts: dict[str, Any] = _stored(self._path)["facts"] if resumed else {}
        self.found = frozenset(self._facts)
        """The stages that an earlier attempt had finished."""

    def start(self) -> None:
        """Writes the plan down."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._write()

    def facts(self, stage: str) -> Mapping[str, Any] | None:
        """See `Journal.facts`."""
        found: Mapping[str, Any] | None = self._facts.get(stage)
        return found

    def finished(self, stage: str, facts: Mapping[str, Any], wrote: Sequence[Path] = ()) -> None:
        """See `Journal.finished`. What a stage wrote is on the disk before it counts."""
        for path in wrote:
            if path.is_dir():
                sync_tree(path)
            elif path.is_file():
                sync(path)
        with self._lock:
            self._facts[stage] = dict(facts)
            self._write()

    def forget(self, stage: str) -> None:
        """Has a stage done again."""
        self._facts.pop(stage, None)

    def _write(self) -> None:
        plan = self.plan
        row = {
            "version": plan.version,
            "inputs": plan.inputs,
            "base": plan.base,
            "since": [plan.since.sequence, plan.since.offset],
            "reread": plan.reread,
            "facts": self._facts,
        }
        replace_file(self._path, orjson.dumps(row))


def plan_file(data: Path, version: str) -> Path:
    """Where the plan of a version is while it is carried out."""
    return DataLayout(data).building(version).root.with_suffix(".plan.json")


def stored_plans(data: Path) -> list[Plan]:
    """The plans of attempts that died, the newest first; those that cannot be read left out."""
    plans = []
    for path in sorted((data / "building").glob("*.plan.json"), reverse=True):
        try:
            row = _stored(path)
            since = LiveState(*row["since"])
            plans.append(Plan(row["version"], row["inputs"], row["base"], since, row["reread"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return plans


def _stored(path: Path) -> dict[str, Any]:
    row: dict[str, Any] = orjson.loads(path.read_bytes())
    return row
