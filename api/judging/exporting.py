"""Grades as files: CSV as `aisle eval --judgments` reads it, or TREC qrels, with their agreement
beside them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from api.judging.results import Rated, Results, rating
from indexer.storage import replace_file, storage_errors
from search.errors import BadInput


def export_csv(found: Results, path: Path, by: str) -> list[Path]:
    """query, product_id, rating (the mean or median of the raters), both of these, how many rated,
    and a column a rater; returns what was written.

    Raises:
        BadInput: nothing is graded yet.
        StorageFailed: the disk refused.
    """
    _check(found)
    names = [each.rater for each in found.raters]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    # The prefix keeps a rater called "grade" from being taken for the column of that name.
    heads = ("query", "product_id", "rating", "rating_mean", "rating_median", "raters")
    writer.writerow([*heads, *(f"rater_{name}" for name in names)])
    for each in found.products:
        given = list(each.grades.values())
        means = [f"{rating(given, kind):.6g}" for kind in (by, "mean", "median")]
        columns = [each.grades.get(name, "") for name in names]
        writer.writerow([each.query, each.product, *means, len(given), *columns])
    return [_write(path, out.getvalue()), _agreement(found, path, by)]


def export_qrels(found: Results, path: Path, by: str) -> list[Path]:
    """TREC qrels: query, 0, product, grade; grades are whole (halves go up), and queries are named
    by id, whose texts stand in a file beside; returns what was written.

    Raises:
        BadInput: nothing is graded yet, or a product's id has a space, which qrels cannot hold.
        StorageFailed: the disk refused.
    """
    _check(found)
    ids = {each.query: f"q{number}" for number, each in enumerate(found.task.queries, 1)}
    lines = [_qrel(ids[each.query], each, by) for each in found.products]
    graded = {each.query for each in found.products}
    texts = [f"{ids[query]}\t{query}\n" for query in ids if query in graded]
    beside = path.with_name(f"{path.name}.queries.tsv")
    return [
        _write(path, "".join(lines)),
        _write(beside, "".join(("query_id\tquery\n", *texts))),
        _agreement(found, path, by),
    ]


def _qrel(query: str, each: Rated, by: str) -> str:
    if each.product.split() != [each.product]:
        raise BadInput(
            f"product {each.product!r} has a space in its id, which TREC qrels cannot hold; use"
            " --format csv",
            field="format",
        )
    grade = math.floor(rating(list(each.grades.values()), by) + 0.5)
    return f"{query} 0 {each.product} {grade}\n"


def _check(found: Results) -> None:
    if not found.products:
        raise BadInput(
            f"nothing of {found.task.name} is graded yet; raters do it at /lab/judge/"
            f"{found.task.name} of aisle serve",
            field="name",
        )


def _agreement(found: Results, path: Path, by: str) -> Path:
    told = {
        "task": found.task.name,
        "rating": by,
        "products": len(found.products),
        "drawn": found.drawn,
        "agreement": agreement_json(found),
        "raters": raters_json(found),
    }
    text = orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    return _write(path.with_name(f"{path.name}.agreement.json"), text)


def agreement_json(found: Results) -> dict[str, dict[str, Any]]:
    """α of each level."""
    return {level: asdict(each) for level, each in found.agreement.items()}


def raters_json(found: Results) -> list[Mapping[str, Any]]:
    """Each rater's progress and mean grade."""
    return [
        {
            "rater": each.rater,
            **asdict(each.progress),
            "done": each.progress.done,
            "mean": each.mean,
        }
        for each in found.raters
    ]


def _write(path: Path, text: str) -> Path:
    with storage_errors(path):
        replace_file(path, text.encode())
    return path
