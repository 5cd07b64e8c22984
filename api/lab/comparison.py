"""`/lab/runs/compare` and `/lab/runs/query`: two runs, query by query."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from api.lab.charts import draw_differences
from api.lab.lab import Lab
from api.lab.listing import RUNS, stamps
from api.lab.page import Asked, Block, Cell, Field, Form, Notes, Page, Pair, Picture, Table
from api.lab.runs import choice, keep_one, listing
from api.lab.text import (
    DASH,
    PAGE,
    address,
    interval,
    number,
    p_value,
    page_number,
    paging,
    plural,
    said_p,
    signed,
    words,
)
from search.errors import NotFound

SURE = 0.05
WAYS = (("", "either way"), ("up", "better with B"), ("down", "worse with B"))
_ORDERS = {"up": "b > a", "down": "b < a"}


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison's file, opened, and what it says of all queries; `metric` is looked at."""

    a: str
    b: str
    connection: sqlite3.Connection
    report: dict[str, Any]
    metric: dict[str, Any]

    def link(self, path: str, **values: str | int) -> str:
        """A page about the same two runs and the same metric."""
        return address(path, a=self.a, b=self.b, metric=self.metric["metric"], **values)


def compare_page(lab: Lab, asked: Asked) -> Page:
    """Two runs: the finding, the metrics, the parts, and every query."""
    a, b = asked.get("a"), asked.get("b")
    above = ("/lab/runs", "Runs")
    if not (a and b):
        names = list(listing(lab)[0])
        block = choice(names) if names else keep_one(lab)
        return Page("Compare runs", "Choose two runs to compare.", [block], above=above)
    with compared(lab, asked, a, b) as found:
        if isinstance(found, Page):
            return found
        blocks = [*_about(found), *_queries(found, asked)]
        return Page(f"{b} against {a}", _sentence(found), blocks, above=above)


def query_page(lab: Lab, asked: Asked) -> Page:
    """One query: both lists side by side."""
    a, b, text = asked.get("a"), asked.get("b"), asked.query.get("q", "")
    with compared(lab, asked, a, b) as found:
        if isinstance(found, Page):
            return found
        row = found.connection.execute(
            "SELECT number, a, b, missed FROM queries WHERE query = ?", (text,)
        ).fetchone()
        if row is None:
            raise NotFound(f"{a} and {b} were not scored on the query {text[:100]!r}")
        above = (found.link("/lab/runs/compare"), f"{b} against {a}")
        values = found.connection.execute(
            "SELECT metric, a, b FROM differences WHERE number = ?", (row[0],)
        ).fetchall()
        own = {metric: (before, after) for metric, before, after in values}
        before, after = own[found.metric["metric"]]
        sentence = (
            f"{found.metric['metric']} is {before:.3f} with {a} and {after:.3f} with {b}: "
            f"{signed(after - before)}."
        )
        blocks = [*_lists(found, *(orjson.loads(each) for each in row[1:])), _values(found, own)]
        return Page(f"“{text}”", sentence, blocks, above=above)


@contextlib.contextmanager
def compared(lab: Lab, asked: Asked, a: str, b: str) -> Iterator[Compared | Page]:
    """The comparison of two runs; while there is none, a page that says so.

    Raises:
        NotFound: there is no such run, or no such metric.
    """
    marks = stamps(lab.data / RUNS)
    for name in (a, b):
        if name not in marks:
            raise NotFound(f"there is no run {name[:100]!r}; /lab/runs lists those there are")
    task = lab.comparison(a, b, (marks[a], marks[b]))
    outcome = lab.jobs.ask(task)
    if outcome.path is None:
        yield _waiting(a, b, outcome.fault, list(marks))
        return
    lab.forget_comparisons()
    with contextlib.closing(_open(outcome.path)) as connection:
        report = orjson.loads(connection.execute("SELECT body FROM report").fetchone()[0])
        wanted = asked.get("metric", report["metrics"][0]["metric"])
        metric = next((m for m in report["metrics"] if m["metric"] == wanted), None)
        if metric is None:
            raise NotFound(f"{a} and {b} were not both scored by {wanted[:50]!r}")
        yield Compared(a, b, connection, report, metric)


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)


def _waiting(a: str, b: str, fault: str, names: Sequence[str]) -> Page:
    above = ("/lab/runs", "Runs")
    if fault:
        sentence = "These runs could not be compared."
        return Page(
            f"{b} against {a}", sentence, [Notes([fault]), choice(names, a, b)], above=above
        )
    sentence = "The runs are being compared; this page looks again by itself."
    return Page(f"{b} against {a}", sentence, waiting=True, above=above)


def _sentence(found: Compared) -> str:
    metric, count = found.metric, found.report["queries"]
    if not metric["better"] and not metric["worse"]:
        return f"{found.a} and {found.b} are the same by {metric['metric']} on every query."
    ends = interval(metric["low"], metric["high"])
    asked_of = plural(count, "query", "queries")
    told = f"{metric['metric']} {signed(metric['delta'])} {ends} over {asked_of}"
    if metric["p"] >= SURE:
        return f"{found.b} and {found.a} cannot be told apart: {told}, {said_p(metric['p'])}."
    side = "better" if metric["delta"] > 0 else "worse"
    return f"{found.b} is {side} than {found.a}: {told}, {said_p(metric['p'])}."


def _about(found: Compared) -> Iterator[Block]:
    notes = found.report["notes"]
    if notes:
        yield Notes(notes, title="To know")
    yield _metrics(found)
    metric = found.metric
    title = (
        f"Differences in {metric['metric']}, query by query, sorted: {metric['better']:,} are "
        f"better with {found.b}, {metric['worse']:,} worse"
    )
    names = (found.a, found.b)
    yield Picture(
        "differences",
        title,
        lambda: draw_differences(
            metric["places"], metric["gaps"], found.report["queries"], names, metric["metric"]
        ),
    )
    if metric["parts"]:
        yield _parts(found)


def _metrics(found: Compared) -> Table:
    rows = [
        (
            words(
                m["metric"], address("/lab/runs/compare", a=found.a, b=found.b, metric=m["metric"])
            ),
            number(m["a"]["mean"], ".3f"),
            number(m["b"]["mean"], ".3f"),
            number(m["delta"], "+.3f"),
            words(interval(m["low"], m["high"])),
            p_value(m["p"]),
            p_value(m["p_t"]),
            number(m["effect"], "+.2f"),
            number(m["better"]),
            number(m["worse"]),
        )
        for m in found.report["metrics"]
    ]
    heads = ("metric", "A", "B", "B − A", "95% interval", "p", "p (t-test)", "d", "better", "worse")
    return Table("metrics", f"Metrics: A is {found.a}, B is {found.b}", heads, rows)


def _parts(found: Compared) -> Table:
    metric = found.metric
    rows = [
        (
            words(f"{part['dimension']}: {part['part']}"),
            number(part["queries"]),
            number(part["a"], ".3f"),
            number(part["b"], ".3f"),
            number(part["delta"], "+.3f"),
            words(interval(part["low"], part["high"])),
        )
        for part in metric["parts"]
    ]
    heads = ("queries by", "number", "A", "B", "B − A", "95% interval")
    caption = f"Parts of the queries, by {metric['metric']} (where to look; decides nothing)"
    return Table("parts", caption, heads, rows)


def _queries(found: Compared, asked: Asked) -> Iterator[Block]:
    """A page of the queries, those that moved most first."""
    way, text = asked.get("way"), asked.get("find")
    metric = found.metric["metric"]
    fields = (
        Field("a", "", found.a),
        Field("b", "", found.b),
        Field("metric", "Metric", metric, [(m["metric"],) * 2 for m in found.report["metrics"]]),
        Field("find", "Words in the query", text),
        Field("way", "Moved", way, WAYS),
    )
    yield Form("queries", asked.path, "Show", fields)
    every = asked.whole == "queries"
    shown, total = _moved(found, text, way, None if every else page_number(asked))
    rows = [
        (
            words(query, found.link("/lab/runs/query", q=query)),
            number(a, ".3f"),
            number(b, ".3f"),
            number(b - a, "+.3f"),
        )
        for query, a, b in shown
    ]
    parts = paging(asked, total, len(rows)) if total > PAGE and not every else None
    heads = ("query", "A", "B", "B − A")
    caption = f"Queries by {metric}, those that moved most first"
    yield Table("queries", caption, heads, rows, "No query matches.", parts)


def _moved(
    found: Compared, text: str, way: str, page: int | None
) -> tuple[list[tuple[str, float, float]], int]:
    """The queries of a page (all without one) with both values, and how many there are."""
    where, given = "metric = ?", [found.metric["metric"]]
    where += f" AND {_ORDERS[way]}" if way in _ORDERS else ""
    if text:
        where += " AND number IN (SELECT number FROM queries WHERE query LIKE ? ESCAPE '\\')"
        given.append("%" + "".join(f"\\{c}" if c in "%_\\" else c for c in text) + "%")
    part = "" if page is None else f"LIMIT {PAGE} OFFSET {(page - 1) * PAGE}"
    # The part first, so that only its queries are looked up.
    chosen = f"SELECT number, a, b, moved FROM differences WHERE {where}"
    chosen += f" ORDER BY moved DESC, number {part}"
    shown = found.connection.execute(
        f"SELECT query, d.a, d.b FROM ({chosen}) d JOIN queries USING (number)"
        " ORDER BY moved DESC, number",
        given,
    ).fetchall()
    if not text and way not in _ORDERS:
        return shown, int(found.report["queries"])
    count = f"SELECT COUNT(*) FROM differences WHERE {where}"
    return shown, int(found.connection.execute(count, given).fetchone()[0])


Product = tuple[str, str, float | None]


def _lists(
    found: Compared, a: list[Product], b: list[Product], missed: list[Product]
) -> Iterator[Block]:
    places = [{product: n for n, (product, *_) in enumerate(each, 1)} for each in (a, b)]
    sides = [
        _list("a", f"A: {found.a}", a, places[1], "B"),
        _list("b", f"B: {found.b}", b, places[0], "A"),
    ]
    yield Pair(*sides)
    yield Notes(
        [f"{DASH}: nobody judged the product, or the other run has it not among its first 10."]
    )
    if missed:
        rows = [
            (words(title or product), words(product), _gain(gain))
            for product, title, gain in missed
        ]
        heads = ("product", "id", "grade")
        yield Table("missed", "Relevant, and among the first 10 of neither", heads, rows)


def _list(
    name: str, caption: str, products: list[Product], elsewhere: dict[str, int], other: str
) -> Table:
    rows = [
        (
            number(place),
            words(title or product),
            _gain(gain),
            number(elsewhere.get(product)),
        )
        for place, (product, title, gain) in enumerate(products, 1)
    ]
    return Table(name, caption, ("place", "product", "grade", f"in {other}"), rows, "No product.")


def _gain(gain: float | None) -> Cell:
    return number(gain, ".3g")


def _values(found: Compared, own: dict[str, tuple[float, float]]) -> Table:
    rows = [
        (words(metric), number(a, ".3f"), number(b, ".3f"), number(b - a, "+.3f"))
        for metric, (a, b) in own.items()
    ]
    return Table("values", "Every metric of this query", ("metric", "A", "B", "B − A"), rows)
