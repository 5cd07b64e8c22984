"""Logs of experiments as tables on disk, made without a server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from api.experiments.reading import Found, Window, read
from api.experiments.report import Report, report
from eval.experiments import Arm, Experiment
from training.events.schema import struct

BEGUN = 1_790_000_000.0
DAY = 86_400.0
AB = Experiment("test", "ab", (Arm("a", "hybrid"), Arm("b", "bm25")), created=BEGUN)
MIXED = replace(AB, kind="interleave")
WINDOW = Window(BEGUN, BEGUN + DAY)


def search(number: int, unit: str, arm: str, **changes: Any) -> dict[str, Any]:
    """One answered search of the experiment `test`, a second after the one before."""
    attributes = {"milliseconds": 10.0 + number % 5, **changes.pop("attributes", {})}
    return {
        "search_id": f"q{number}", "time": BEGUN + number, "query": "mug", "normalized": "mug",
        "session": unit, "client": f"c-{unit}", "experiment": "test", "arm": arm, "first": 1,
        "total": 2, "products": ["p1", "p2", "p3", "p4"], "attributes": json.dumps(attributes),
        **changes,
    }  # fmt: skip


def mixed(number: int, unit: str, teams: Sequence[str], **changes: Any) -> dict[str, Any]:
    """An interleaved answer: whom each hit stands for; `a` has p1 to p4 in that order, `b` the
    other way round."""
    said = {
        "arms": ["a", "b"],
        "ranks": [[1, 4], [2, 3], [3, 2], [4, 1]],
        "items": [1, 2, 3, 4],
        "rankings": [[1, 2, 3, 4], [4, 3, 2, 1]],
    }
    changes["attributes"] = {**said, **changes.get("attributes", {})}
    return search(number, unit, "", teams=list(teams), **changes)


def did(asked: Mapping[str, Any], product: str, action: str = "click", **changes: Any) -> Any:
    """What somebody did with a hit of a search, three seconds later."""
    return {
        "event_id": f"{asked['search_id']}-{action}-{product}", "action": action,
        "time": asked["time"] + 3, "search_id": asked["search_id"], "session": asked["session"],
        "client": asked["client"], "product": product, "position": 1, **changes,
    }  # fmt: skip


def written(root: Path, searches: Sequence[Any], events: Sequence[Any] = ()) -> Path:
    """These as a directory of tables; without rows it has none."""
    with duckdb.connect() as connection:
        for table, rows in (("searches", searches), ("events", events)):
            if not rows:
                continue
            folder = root / table
            folder.mkdir(parents=True)
            lines = folder.parent / f"{table}.ndjson"
            lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
            connection.execute(
                f"COPY (SELECT * FROM read_json('{lines}', format='newline_delimited', "
                f"columns={struct(table)})) TO '{folder / 'part.parquet'}' (FORMAT parquet)"
            )
    return root


def found(
    root: Path, experiment: Experiment, searches: Sequence[Any], events: Sequence[Any] = ()
) -> tuple[Found, Report]:
    """What is read of these as a log, and what is said of it."""
    read_ = read([written(root, searches, events)], experiment, WINDOW)
    return read_, report(experiment, read_, WINDOW)
