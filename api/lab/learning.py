"""`/lab/propensity`, `/lab/drift` and `/lab/learning-curve`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from api.drift_file import DRIFT_FILE
from api.lab.charts import draw_gains
from api.lab.lab import PROPENSITY, Lab
from api.lab.page import Asked, Block, Form, Notes, Page, Picture, Table
from api.lab.text import moment, number, words

CURVE_FILE = "learning-curve.json"
_CURVE = "aisle train curve --data DATA --judgments judgments.csv --json > DATA/learning-curve.json"
_DRIFT = "aisle drift --data DATA"
_TITLE = "How likely a position is looked at"


def propensity_page(lab: Lab, asked: Asked) -> Page:
    """How likely each position is looked at, by the latest estimate."""
    outcome = lab.jobs.look(lab.propensity())
    found, made, source = _newest(lab, outcome.path, outcome.made)
    blocks: list[Block] = []
    if outcome.fault:
        blocks.append(Notes([f"The estimate did not come about: {outcome.fault}"]))
    if found:
        blocks += [_curve_picture(found), _curve_table(found), *_fit(found)]
    if not found and not outcome.running:
        told = (
            "It takes the clicks that this server logs; a shop of some thousand searches will do."
        )
        command = f"aisle propensity --events {lab.data} --json > {lab.data / PROPENSITY}"
        blocks.append(Notes([told], command))
    if not outcome.running:
        label = "Estimate again" if found else "Estimate now"
        blocks.append(Form("estimate", "/lab/propensity", label, method="post"))
    sentence = _looked_at(found, made, source)
    if outcome.running:
        sentence = f"An estimate is being made from the clicks of the last 30 days. {sentence}"
    return Page("Propensity", sentence.strip(), blocks, waiting=outcome.running)


def estimate_propensity(lab: Lab) -> None:
    """Begins an estimate.

    Raises:
        Overloaded: too much is being computed already.
    """
    lab.jobs.start(lab.propensity())


def _newest(lab: Lab, path: Path | None, made: float) -> tuple[dict[str, Any], float, str]:
    """The newest estimate there is: the lab's own, that of `aisle propensity`, or that of the
    latest training."""
    by_hand = lab.data / PROPENSITY
    if _modified(by_hand) > made and _read(by_hand).get("positions"):
        path, made = by_hand, _modified(by_hand)
    trained = max((lab.data / "retraining").glob("*/estimate.json"), key=_modified, default=None)
    if trained is not None and _modified(trained) > made:
        found = _read(trained).get("propensities") or {}
        if found:
            return found, _modified(trained), f"training {trained.parent.name}"
    source = "aisle propensity" if path == by_hand else "the clicks of the last 30 days"
    return (_read(path) if path else {}), made, source


def _looked_at(found: Mapping[str, Any], made: float, source: str) -> str:
    if not found:
        return "How likely positions are looked at was not estimated yet."
    last = found["positions"][-1]
    return (
        f"Position {last['position']} is looked at {last['propensity']:.0%} as often as position "
        f"{found['positions'][0]['position']}, by {source}, as of {moment(made)} UTC."
    )


def _curve_picture(found: Mapping[str, Any]) -> Picture:
    def draw() -> str:
        import numpy as np

        from training.propensity import Curve, Propensities, draw_curve

        rows = found["positions"]
        at = np.array([row["position"] for row in rows], np.int32)
        values, low, high = (
            np.array([row[key] for row in rows], np.float64)
            for key in ("propensity", "low", "high")
        )
        resampled = "queries" if (low < high).any() else ""
        curve = Curve(Propensities(found["estimator"], at, values), low, high, resampled, ())
        return draw_curve(curve, _TITLE)

    return Picture("curve", f"{_TITLE}, with 95% intervals", draw)


def _curve_table(found: Mapping[str, Any]) -> Table:
    rows = [
        tuple(number(row[key], form) for key, form in _COLUMNS.items())
        for row in found["positions"]
    ]
    return Table(
        "curve", f"{_TITLE} ({found['estimator']})", ("position", "propensity", "low", "high"), rows
    )


_COLUMNS = {"position": ".0f", "propensity": ".3f", "low": ".3f", "high": ".3f"}


def _fit(found: Mapping[str, Any]) -> list[Block]:
    misfit = found.get("misfit") or {}
    if misfit.get("warning"):
        return [Notes([f"Warning: {misfit['warning']}."])]
    if misfit.get("skipped"):
        return [Notes([f"The model was not checked: {misfit['skipped']}."])]
    return [Notes(["No sign that anything but position and product decides on clicks."])]


def drift_page(lab: Lab, asked: Asked) -> Page:
    """Whether what comes in still looks like what was learned from."""
    found = read_drift_file(lab.data)
    command = _DRIFT.replace("DATA", str(lab.data))
    if not found:
        notes = Notes(["Look for it:"], command)
        return Page("Drift", "Nobody looked for drift yet.", [notes])
    parts = [found.get("scores"), found.get("queries"), found.get("results"), *found["features"]]
    rows = [
        (
            words(each["name"]),
            number(each["index"], ".3f"),
            words(each["state"]),
            *(number(_float(each[key]), ".4g") for key in ("distance", "p", "before", "now")),
        )
        for each in parts
        if each
    ]
    heads = ("what", "stability index", "state", "K-S distance", "p", "median then", "median now")
    table = Table(
        "drift", "What moved since training", heads, rows, "Too little was logged to tell."
    )
    days = [
        f"{moment(begin)} to {moment(end)}" for begin, end in (found["reference"], found["recent"])
    ]
    lines = [f"Looked at {moment(found['checked'])} UTC."]
    if found["recent"][0] < found["recent"][1]:
        lines.append(f"Compared: {days[0]}, which the model learned from, with {days[1]}.")
    notes = Notes(lines, command)
    title = "Drift since training: stability indices and both limits"
    blocks: list[Block] = [notes, table]
    if rows:
        blocks.insert(1, Picture("drift", title, lambda: _draw_drift(found)))
    return Page("Drift", found["sentence"], blocks)


def read_drift_file(data: Path) -> dict[str, Any]:
    """The latest look for drift; empty without one, or when its file cannot be read."""
    found = _read(data / DRIFT_FILE)
    needed = {"checked", "sentence", "features", "reference", "recent"}
    return found if needed <= set(found) else {}


def _draw_drift(found: Mapping[str, Any]) -> str:
    from training.drift import Drift, Moved, draw_drift

    def moved(each: Mapping[str, Any] | None) -> Moved | None:
        if not each:
            return None
        figures = (_float(each[key]) for key in ("index", "distance", "p", "before", "now"))
        return Moved(each["name"], each["state"], *figures)

    features = tuple(each for each in map(moved, found["features"]) if each)
    drift = Drift(
        tuple(found["reference"]),
        tuple(found["recent"]),
        moved(found.get("scores")),
        moved(found.get("queries")),
        moved(found.get("results")),
        features,
        bool(found.get("retrain")),
        found["sentence"],
    )
    return draw_drift(drift)


def learning_curve_page(lab: Lab, asked: Asked) -> Page:
    """What more judged queries are worth."""
    path = lab.data / CURVE_FILE
    found = _read(path)
    command = _CURVE.replace("DATA", str(lab.data))
    if not found.get("points"):
        notes = Notes(["It takes some minutes, and judgments; draw it by:"], command)
        return Page(
            "Learning curve", "What more judgments are worth was not measured yet.", [notes]
        )
    points = sorted(found["points"], key=lambda point: (point["queries"], point["kind"]))
    rows = [
        (
            number(point["queries"]),
            words(point["kind"]),
            *(number(point["against"][key], "+.4f") for key in ("delta", "low", "high")),
        )
        for point in points
    ]
    heads = ("judged queries", "model", "gain in nDCG@10", "low", "high")
    best = max(points, key=lambda point: point["against"]["delta"])
    sentence = (
        f"With {best['queries']:,} judged queries the {best['kind']} model gains "
        f"{best['against']['delta']:+.3f} nDCG@10 over the fused order, as of "
        f"{moment(_modified(path))} UTC."
    )
    title = "Gain in nDCG@10 over the fused order, by the number of judged queries"
    blocks: list[Block] = [
        Picture("learning-curve", title, lambda: draw_gains(points, title)),
        Table("learning-curve", title, heads, rows),
        Notes(["Draw it again by:"], command),
    ]
    return Page("Learning curve", sentence, blocks)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _float(value: float | None) -> float:
    return math.nan if value is None else float(value)
