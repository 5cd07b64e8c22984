"""The quality gate: the new snapshot against the one that serves, on judgments."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from api.evaluating.comparing import Asked, compare_systems
from api.evaluating.recording import keep
from eval import parse_condition
from eval.gate import gate_sentence
from indexer.progress import Progress
from indexer.publish import served_version
from indexer.reindexing import Refused
from search.engines.local.layout import DataLayout
from search.engines.local.manifest import read_manifest
from search.errors import AisleError, BadInput

if TYPE_CHECKING:
    from api.evaluating.outcome import Outcome
    from eval.results import Gate

DEFAULT = "ndcg@10 < -0.01"
"""What a new snapshot must not do."""
_SERVED = "served"


@dataclass(frozen=True, slots=True)
class QualityGate:
    """Compares a system on two snapshots. `baseline` is a kept run, in place of what serves now;
    `system` is the one shoppers get unless given."""

    data: Path
    judgments: Path
    conditions: Sequence[str] = (DEFAULT,)
    baseline: str | None = None
    system: str | None = None

    def check(self) -> None:
        """Looks at what was asked, before anything takes long.

        Raises:
            BadInput, NotFound: the judgments, a condition or the baseline cannot be used.
        """
        from eval import load_judgments, load_run

        for each in self.conditions:
            parse_condition(each)
        load_judgments(self.judgments)
        if self.baseline is not None:
            load_run(self.baseline, self.data / "runs")

    def try_out(self, root: Path, progress: Progress) -> dict[str, Any]:
        """What `aisle eval` says of the snapshot that the data directory `root` serves.

        Raises:
            Refused: a condition holds.
            AisleError: it cannot be evaluated.
        """
        version = served_version(self.data)
        if version is None and self.baseline is None:
            return {"gate": "nothing was served before: there is nothing to compare with"}
        system = self.system or _usual(root)
        with TemporaryDirectory(prefix="aisle-gate-") as folder:
            baseline = self.baseline or self._served(version or "", system, Path(folder), progress)
            asked = self._asked(root, system, baseline=baseline, fail_if=self.conditions)
            outcome = asyncio.run(compare_systems(asked, _named(progress, "gate: new")))
        gate = outcome.report.gate
        assert gate is not None  # there is a baseline
        if not gate.passed:
            raise Refused(
                f"{_sentence(gate, self.baseline)} The snapshot that served before goes on; look "
                "into the difference with aisle eval, or allow it with --fail-if"
            )
        return {
            "gate": _sentence(gate, self.baseline),
            "checks": [{"condition": c.expression, "value": c.value} for c in gate.checks],
        }

    def _served(self, version: str, system: str, folder: Path, progress: Progress) -> str:
        """What serves now, as a kept run."""
        engine = read_manifest(DataLayout(self.data).snapshot(version).root).engine
        asked = self._asked(self.data, system, engine=engine)
        try:
            outcome = asyncio.run(compare_systems(asked, _named(progress, "gate: served")))
        except AisleError as error:
            raise BadInput(
                f"the snapshot that serves cannot be evaluated with these settings ({error}): give "
                "--baseline RUN, a run of it that aisle eval --save kept",
                field="baseline",
            ) from error
        return str(_kept(outcome, folder))

    def _asked(self, data: Path, system: str, **others: Any) -> Asked:
        metrics = list(dict.fromkeys(parse_condition(each).metric for each in self.conditions))
        return Asked(
            data=data, judgments=self.judgments, systems=[system], metrics=metrics, **others
        )


def _usual(root: Path) -> str:
    """The best system that a data directory has all parts of."""
    if (root / "model.json").is_file():
        return "ranked"
    version = served_version(root) or ""
    manifest = read_manifest(DataLayout(root).snapshot(version).root)
    return "bm25" if manifest.encoder is None else "hybrid"


def _kept(outcome: Outcome, folder: Path) -> Path:
    (written,) = keep(
        folder,
        outcome.report,
        outcome.judgments,
        outcome.own,
        name=_SERVED,
        mode="full",
        inputs={},
        observed=outcome.observed,
        labels=outcome.labels,
        stages=outcome.stages,
        titles=outcome.titles,
    )
    return written


def _sentence(gate: Gate, baseline: str | None) -> str:
    """Whom it compares is plain where it is the snapshots."""
    said = gate_sentence(gate)
    if baseline is not None:
        return said
    return said.replace(f"{gate.candidate} against {gate.baseline}", "the new snapshot", 1)


def _named(progress: Progress, name: str) -> Progress:
    def told(stage: str, done: int, total: int | None) -> None:
        progress(name, done, total)

    return told
