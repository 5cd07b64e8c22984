"""What the lab computes in a process of its own: `python -m api.lab.work`.

runs DATA BEFORE OUT       what the kept runs are; those in BEFORE are not read again
compare DATA A B OUT       two kept runs, query by query, as an SQLite file
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from api.lab.listing import RUNS, read_listing, stamps
from eval import StoredRun, load_run
from search.errors import AisleError, BadInput, NotFound

if TYPE_CHECKING:
    from api.experiments.seams import ExperimentStore
    from eval.experiments import Experiment
    from eval.experiments.guardrails import Check

READ_SECONDS = 20.0
"""How long runs are read at once: what is found by then is shown, the next look goes on."""


def list_runs(directory: Path, before: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What each run is, by name; those of `before` whose file is the same are taken from there."""
    found: dict[str, Any] = {}
    deadline = time.monotonic() + READ_SECONDS
    for name, stamp in stamps(directory).items():
        known = before.get(name)
        if known is not None and known.get("stamp") == stamp:
            found[name] = known
        elif time.monotonic() < deadline:
            found[name] = {"stamp": stamp, **_about(name, directory)}
    return found


def _about(name: str, directory: Path) -> dict[str, Any]:
    try:
        run = load_run(directory / name)
    except AisleError as error:
        return {"fault": str(error), "created": 0.0}
    return {
        "fault": "",
        "created": run.created,
        "system": run.system,
        "mode": run.mode,
        "queries": len(run.queries),
        "judgments": run.inputs.get("judgments", ""),
        "command": run.command,
        "versions": dict(run.versions),
        "scores": {metric: asdict(each) for metric, each in _scores(run).items()},
    }


def _scores(run: StoredRun) -> Mapping[str, Any]:
    return run.scores() if run.queries else {}


def count(data: Path, name: str) -> dict[str, Any]:
    """What happened in each arm of an experiment; of what runs also how far its guardrails are,
    of a shadow how it compares.

    Raises:
        NotFound: there is no such experiment.
        StorageFailed: the store is away.
    """
    from api.experiments.opening import open_store
    from api.experiments.seams import Tally
    from api.experiments.shadow_report import shadow_report
    from api.settings import load_settings

    store = open_store(load_settings(data))
    experiment = next((each for each in store.experiments() if each.name == name), None)
    if experiment is None:
        raise NotFound(f"there is no experiment {name!r}")
    totals: dict[str, Tally] = {}
    for cell, tally in store.tallies(name).items():
        totals[cell.arm] = totals.get(cell.arm, Tally()) + tally
    found: dict[str, Any] = {"arms": {arm: asdict(tally) for arm, tally in totals.items()}}
    if experiment.status == "running" and experiment.kind in ("ab", "rollout"):
        found["guardrails"] = [asdict(each) for each in _guardrails(store, experiment)]
    if experiment.kind == "shadow":
        figures, text = shadow_report(store, experiment)
        found["shadow"] = {"figures": figures, "sentence": text.partition("\n")[0]}
    return found


def _guardrails(store: ExperimentStore, experiment: Experiment) -> Sequence[Check]:
    """How far what runs is from being stopped or taken back."""
    from api.experiments.rolling import decision_now
    from api.experiments.steering import watched

    now = time.time()
    looked = watched if experiment.kind == "ab" else decision_now
    return looked(store, experiment, now).checks


def main(arguments: list[str]) -> int:
    """Does what the arguments say; 2 for what cannot be done."""
    try:
        match arguments:
            case ["runs", data, before, out]:
                found = list_runs(Path(data) / RUNS, read_listing(Path(before)))
                Path(out).write_bytes(orjson.dumps(found))
            case ["compare", data, one, other, out]:
                from api.lab.comparing import write_comparison

                directory = Path(data) / RUNS
                write_comparison(load_run(one, directory), load_run(other, directory), Path(out))
            case ["counts", data, name, out]:
                Path(out).write_bytes(orjson.dumps(count(Path(data), name)))
            case _:
                raise BadInput("say runs, compare or counts")
    except AisleError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
