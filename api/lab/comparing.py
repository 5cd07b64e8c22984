"""Two runs compared query by query, written to an SQLite file that pages are read from."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from api.evaluating.kept import compare_kept
from eval import Report, StoredRun
from eval.slicing import slice_scores

PLACES = 10
"""How many products of each list are kept, and of those that are relevant and in neither."""
POINTS = 400
"""Through how many queries the curve of differences goes at most."""
_TABLES = """
CREATE TABLE report (body TEXT);
CREATE TABLE queries (number INTEGER PRIMARY KEY, query TEXT, a TEXT, b TEXT, missed TEXT);
CREATE TABLE differences (metric TEXT, number INTEGER, a REAL, b REAL, moved REAL);
"""
_INDEXES = """
CREATE INDEX by_query ON queries (query);
CREATE INDEX by_move ON differences (metric, moved DESC, number);
"""


def write_comparison(one: StoredRun, other: StoredRun, path: Path) -> None:
    """Compares `other` (b) with `one` (a): differences are b − a.

    Raises:
        BadInput: they do not compare.
    """
    report = compare_kept(other, one)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(f"PRAGMA synchronous = OFF; {_TABLES}")
        connection.execute("BEGIN")
        connection.execute("INSERT INTO report VALUES (?)", (_json(_about(report, one, other)),))
        connection.executemany(
            "INSERT INTO queries VALUES (?, ?, ?, ?, ?)", _lists(report, one, other)
        )
        connection.executemany("INSERT INTO differences VALUES (?, ?, ?, ?, ?)", _moves(report))
        connection.execute("COMMIT")
        connection.executescript(_INDEXES)


def _about(report: Report, one: StoredRun, other: StoredRun) -> dict[str, Any]:
    """Everything but the queries."""
    return {
        "queries": len(report.queries),
        "excluded": report.excluded_queries,
        "notes": list(report.notes),
        "metrics": [_metric(report, metric, other.slices) for metric in report.metrics],
        "made": {side: _origin(run) for side, run in (("a", one), ("b", other))},
    }


def _origin(run: StoredRun) -> dict[str, Any]:
    told = {"created": run.created, "command": run.command, "system": run.system, "mode": run.mode}
    return {**told, "versions": dict(run.versions), "inputs": dict(run.inputs)}


def _metric(report: Report, metric: str, slices: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    found = next(each for each in report.comparisons if each.metric == metric)
    means = {side: report.systems[name].scores[metric] for side, name in _sides(report)}
    gaps = np.sort(_gaps(report, metric))[::-1]
    places = np.unique(np.linspace(0, len(gaps) - 1, min(len(gaps), POINTS)).round())
    return {
        "metric": metric,
        "a": means["a"],
        "b": means["b"],
        "delta": found.delta,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "p_t": found.p_t,
        "effect": found.effect_size,
        "better": found.a_wins,
        "worse": found.b_wins,
        "parts": list(_parts(report, metric, slices)),
        "places": places.astype(int).tolist(),
        "gaps": gaps[places.astype(int)].tolist(),
    }


def _parts(
    report: Report, metric: str, slices: Mapping[str, Mapping[str, str]]
) -> Iterator[dict[str, Any]]:
    """The difference in every part of the queries."""
    systems = {
        name: replace(each, values={metric: each.values[metric]})
        for name, each in report.systems.items()
    }
    for dimension, labels in slices.items():
        for part, found in slice_scores(labels, systems, report.queries).items():
            [gap] = found.differences
            means = {side: found.systems[name][metric].mean for side, name in _sides(report)}
            told = {"dimension": dimension, "part": part, "queries": found.queries, **means}
            yield {**told, "delta": gap.delta, "low": gap.low, "high": gap.high}


def _sides(report: Report) -> tuple[tuple[str, str], tuple[str, str]]:
    b, a = report.systems
    return ("a", a), ("b", b)


def _gaps(report: Report, metric: str) -> NDArray[np.float64]:
    values = {side: report.systems[name].values[metric] for side, name in _sides(report)}
    return values["b"] - values["a"]


def _moves(report: Report) -> Iterator[tuple[str, int, float, float, float]]:
    for metric in report.metrics:
        sides = dict(_sides(report))
        a = report.systems[sides["a"]].values[metric].tolist()
        b = report.systems[sides["b"]].values[metric].tolist()
        for number, (before, after) in enumerate(zip(a, b, strict=True)):
            yield metric, number, before, after, abs(after - before)


def _lists(
    report: Report, one: StoredRun, other: StoredRun
) -> Iterator[tuple[int, str, str, str, str]]:
    titles = {**one.titles, **other.titles}
    for number, query in enumerate(report.queries):
        gains = one.gains[query]
        a, b = (run.rankings.get(query, ())[:PLACES] for run in (one, other))
        relevant = sorted((p for p, g in gains.items() if g > 0), key=lambda p: (-gains[p], p))
        missed = islice((p for p in relevant if p not in a and p not in b), PLACES)
        first, second, third = (_json(_products(e, gains, titles)) for e in (a, b, missed))
        yield number, query, first, second, third


def _products(
    products: Iterable[str], gains: Mapping[str, float], titles: Mapping[str, str]
) -> list[tuple[str, str, float | None]]:
    return [(product, titles.get(product, ""), gains.get(product)) for product in products]


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()
