"""`/lab`: everything at a glance, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator

from api.lab.experiments import KINDS, counted, create_one, of_all
from api.lab.lab import Lab
from api.lab.learning import read_drift_file
from api.lab.models import open_registry, serving_since
from api.lab.page import Asked, Block, Cell, Facts, Notes, Page
from api.lab.runs import first_score, keep_one, listing
from api.lab.text import moment, words
from eval.experiments import Experiment
from search.errors import AisleError

_FEW = 5


def overview_page(lab: Lab, asked: Asked) -> Page:
    """What serves, what is tried, what was measured, and whether anything drifts."""
    blocks: list[Block] = []
    if asked.version is None:
        blocks.append(Notes(["Index a catalogue:"], f"aisle index FILE --data {lab.data}"))
    blocks += [*_model(lab), *_experiments(lab), *_runs(lab), *_drift(lab)]
    return Page("Lab", _serves(asked), blocks)


def _serves(asked: Asked) -> str:
    if asked.version is None:
        return "Nothing is indexed yet, so nothing is served."
    return f"Snapshot {asked.version} is served, with {asked.products:,} products."


def _model(lab: Lab) -> Iterator[Block]:
    try:
        registry = open_registry(lab)
        told = serving_since(registry.serving(), registry.history())
    except AisleError as error:
        told = str(error)
    yield Facts("What ranks", [("model", words(told, "/lab/models"))])


def _experiments(lab: Lab) -> Iterator[Block]:
    found = lab.store.experiments()
    if not found:
        yield Notes([counted(found)], create_one(lab).command, "Experiments")
        return
    running = [each for each in found if each.status == "running"][:_FEW]
    rows = [(each.name, words(_running(each), f"/lab/experiments/{each.name}")) for each in running]
    yield Facts("Experiments", [("state", words(counted(found), "/lab/experiments")), *rows])


def _running(each: Experiment) -> str:
    return f"{KINDS[each.kind]}, {of_all(each, each.share):.0%} of the {each.unit}s"


def _runs(lab: Lab) -> Iterator[Block]:
    found, outcome = listing(lab)
    if not found:
        if outcome.running:
            yield Notes(["The runs are being read."], title="Runs")
        else:
            yield Notes(["No evaluation was kept yet."], keep_one(lab).command, "Runs")
        return
    rows: list[tuple[str, Cell]] = []
    for name in list(found)[:_FEW]:
        score = first_score(found[name])
        told = f"{score[0]} {score[1]['mean']:.3f}, " if score else ""
        rows.append((name, words(f"{told}{moment(found[name].get('created'))} UTC")))
    yield Facts("Runs", [("kept", words(f"{len(found):,}, the newest first", "/lab/runs")), *rows])


def _drift(lab: Lab) -> Iterator[Block]:
    found = read_drift_file(lab.data)
    if not found:
        yield Notes(["Nobody looked for drift yet."], f"aisle drift --data {lab.data}", "Drift")
        return
    told = words(found["sentence"], "/lab/drift")
    yield Facts("Drift", [("state", told), ("looked", words(f"{moment(found['checked'])} UTC"))])
