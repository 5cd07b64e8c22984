"""Synonyms from clicks: queries that lead to the same products and differ in one phrase."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from pathlib import Path

from query.expansion.synonyms import Phrase
from query.stem import stems
from query.text import words
from search.errors import BadInput

FEWEST_SHARED = 3
"""Products that two queries must both have led to."""
ALIKE = 0.5
"""Cosine of two queries' clicks by product, from which on they ask for the same thing."""
_LONGEST = 3
_MOST_QUERIES = 50
"""Queries compared for one product; what more lead to is a bestseller, no evidence."""

Clicks = Mapping[Phrase, Mapping[str, int]]
"""How often each query, as words, led to each product."""


@dataclass(frozen=True, slots=True)
class CoClick:
    """Two phrases that queries exchange: `pairs` of queries do, with a mean cosine of `alike`."""

    first: str
    second: str
    pairs: int
    alike: float


def read_clicks(path: Path) -> Clicks:
    """A CSV of clicks: columns `query` and `product_id`, and `count` if one line is several.

    Raises:
        BadInput: the file cannot be read, a column is missing, or a count is none.
    """
    clicks: dict[Phrase, Counter[str]] = defaultdict(Counter)
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            missing = {"query", "product_id"} - set(reader.fieldnames or ())
            if missing:
                raise BadInput(
                    f"{path} has no column {' nor '.join(sorted(missing))}; its first line must be "
                    "query,product_id or query,product_id,count",
                    field="query_log",
                )
            for row in reader:
                count = _count(row.get("count"), f"{path}, line {reader.line_num}")
                clicks[tuple(words(row["query"] or ""))][row["product_id"] or ""] += count
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(
            f"{path} cannot be read as clicks ({error}); it must be CSV in UTF-8", field="query_log"
        ) from error
    return clicks


def _count(text: str | None, place: str) -> int:
    if not (text or "").strip():
        return 1
    try:
        return max(0, int(text or ""))
    except ValueError:
        raise BadInput(f"{place}: count is {text!r}, not a whole number", field="count") from None


def co_clicks(clicks: Clicks) -> list[CoClick]:
    """Phrases exchanged between queries that lead to the same products, most often first."""
    evidence: dict[tuple[str, str], list[float]] = defaultdict(list)
    for first, second in _neighbors(clicks):
        changed = exchanged(first, second)
        alike = _cosine(clicks[first], clicks[second])
        if changed and alike >= ALIKE:
            evidence[changed].append(alike)
    found = [CoClick(a, b, len(each), sum(each) / len(each)) for (a, b), each in evidence.items()]
    return sorted(found, key=lambda one: (-one.pairs, -one.alike, one.first, one.second))


def _neighbors(clicks: Clicks) -> Iterator[tuple[Phrase, Phrase]]:
    by_product: dict[str, list[Phrase]] = defaultdict(list)
    for query, products in clicks.items():
        for product in products:
            by_product[product].append(query)
    shared: Counter[tuple[Phrase, Phrase]] = Counter()
    for queries in by_product.values():
        if len(queries) <= _MOST_QUERIES:
            shared.update(combinations(sorted(queries), 2))
    return (pair for pair, n in shared.items() if n >= FEWEST_SHARED)


def exchanged(first: Phrase, second: Phrase) -> tuple[str, str] | None:
    """What two queries differ in, in alphabetical order, when it is one phrase of at most three
    words in each; None else."""
    start, short = 0, min(len(first), len(second))
    while start < short and first[start] == second[start]:
        start += 1
    end = 0
    while end < short - start and first[-1 - end] == second[-1 - end]:
        end += 1
    one, other = first[start : len(first) - end], second[start : len(second) - end]
    if not (0 < len(one) <= _LONGEST and 0 < len(other) <= _LONGEST):
        return None
    if set(stems(one)) & set(stems(other)) or "".join(one) == "".join(other):
        return None
    a, b = sorted((" ".join(one), " ".join(other)))
    return a, b


def _cosine(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    dot = sum(n * second.get(product, 0) for product, n in first.items())
    sizes = [sqrt(sum(n * n for n in each.values())) for each in (first, second)]
    return dot / (sizes[0] * sizes[1]) if all(sizes) else 0.0
