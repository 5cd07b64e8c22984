"""`/lab/runs`: evaluations that were kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.lab.jobs import Outcome
from api.lab.lab import Lab
from api.lab.listing import RUNS, read_listing, stamps
from api.lab.page import Asked, Block, Cell, Field, Form, Notes, Page, Table
from api.lab.text import cut, matching, number, when, words

Listed = Mapping[str, Any]
KEEP = "aisle eval --data DATA --judgments judgments.csv --systems bm25,hybrid --save first"
_OFFERED = 200


def runs_page(lab: Lab, asked: Asked) -> Page:
    """Every kept run, the newest first, and a form to compare two."""
    found, outcome = listing(lab)
    rows = matching([_row(name, found[name]) for name in found], asked.get("q"))
    blocks: list[Block] = []
    if len(found) > 1:
        blocks += [choice(list(found)), _filter(asked)]
    if outcome.fault:
        blocks.append(Notes([f"Some runs could not be read: {outcome.fault}"]))
    blocks.append(cut(asked, _table(rows, "No run matches." if found else "")))
    if not found and not outcome.running:
        blocks.append(keep_one(lab))
    return Page("Runs", _sentence(found, outcome), blocks, waiting=outcome.running)


def listing(lab: Lab) -> tuple[dict[str, Listed], Outcome]:
    """What is known of the runs, the newest first; what is not known yet is being read."""
    task = lab.listing()
    outcome = lab.jobs.look(task)
    known = read_listing(outcome.path)
    there = stamps(lab.data / RUNS)
    if any(known.get(name, {}).get("stamp") != stamp for name, stamp in there.items()):
        outcome = lab.jobs.ask(task, fresh_seconds=0.5)
    found = {name: known[name] for name in there if name in known}
    order = sorted(found, key=lambda name: (-found[name].get("created", 0.0), name))
    return {name: found[name] for name in order}, outcome


def keep_one(lab: Lab) -> Notes:
    """How to keep a run."""
    told = "A run is kept by an evaluation with --save; then it is listed here."
    return Notes([told], KEEP.replace("DATA", str(lab.data)))


def choice(names: Sequence[str], one: str = "", other: str = "") -> Form:
    """Two runs to compare."""
    known = tuple(names[:_OFFERED])
    one, other = (one or names[min(1, len(names) - 1)], other or names[0])
    fields = (Field("a", "Run A", one, known=known), Field("b", "Run B", other, known=known))
    return Form("compare", "/lab/runs/compare", "Compare", fields)


def _filter(asked: Asked) -> Form:
    return Form("filter", asked.path, "Find", (Field("q", "Name or system", asked.get("q")),))


def _sentence(found: Mapping[str, Listed], outcome: Outcome) -> str:
    if not found:
        return "The runs are being read." if outcome.running else "No evaluation was kept yet."
    newest = next(iter(found))
    more = " More are being read." if outcome.running else ""
    is_kept = "run is" if len(found) == 1 else "runs are"
    return f"{len(found):,} {is_kept} kept; the newest is {newest}.{more}"


def first_score(about: Listed) -> tuple[str, Mapping[str, float]] | None:
    """The metric to decide by, and its mean and interval."""
    return next(iter(about.get("scores", {}).items()), None)


def _row(name: str, about: Listed) -> tuple[Cell, ...]:
    if about.get("fault"):
        return (words(name), words(about["fault"]), *(words("") for _ in range(6)))
    score = first_score(about)
    metric, mean = score or ("", {})
    ends = f"[{mean['low']:.3f}, {mean['high']:.3f}]" if mean else ""
    return (
        words(name),
        words(about["system"]),
        when(about["created"]),
        number(about["queries"]),
        words(metric),
        number(mean.get("mean"), ".3f"),
        words(ends),
        words(about["judgments"][:8]),
    )


def _table(rows: Sequence[Sequence[Cell]], empty: str) -> Table:
    heads = ("run", "system", "made (UTC)", "queries", "metric", "mean", "95% interval")
    return Table("runs", "Kept runs", (*heads, "judgments"), rows, empty)
