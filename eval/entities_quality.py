"""How well what a query names is recognized: precision, recall and F1 against labels.

Labels are JSON lines, one query each:
`{"query", "brand": [], "color": [], "product_type": [], "price": {"min", "max"},
"measures": [{"value", "unit"}], "negated": []}`, and further attributes by name (`"material": []`).
A missing key is not judged; an empty one says that the query names none.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput
from search.types import Measure, PriceBounds, Query

LEAST_PROBABILITY = 0.5
"""An entity counts as recognized from here, or when something is done with it."""
DRAWS = 2_000
BINS = 10
PRICE, MEASURES, NEGATED, PRODUCT_TYPE = "price", "measures", "negated", "product_type"
NOT_TYPES = frozenset({"query", "part"})
UNITS = {
    **{"inch": "in", "inches": "in", '"': "in", "foot": "ft", "feet": "ft", "'": "ft"},
    **{"liter": "l", "liters": "l", "litre": "l", "litres": "l", "watt": "w", "watts": "w"},
    **{"ounce": "oz", "ounces": "oz", "pound": "lb", "pounds": "lb", "lbs": "lb"},
    **{"meter": "m", "meters": "m", "metre": "m", "volt": "v", "volts": "v"},
    **{"piece": "pieces", "pcs": "pieces", "pc": "pieces", "count": "pieces", "ct": "pieces"},
    **{"hour": "h", "hours": "h", "gigabyte": "gb", "terabyte": "tb", "cup": "cups"},
    **{"page": "pages", "person": "persons", "people": "persons", "fl oz": "floz"},
}
"""Ways to write a unit, and the one they are compared in."""
FACTORS = {
    **{"mm": (1.0, "mm"), "cm": (10.0, "mm"), "m": (1000.0, "mm"), "in": (25.4, "mm")},
    **{"ft": (304.8, "mm"), "ml": (1.0, "ml"), "l": (1000.0, "ml"), "floz": (29.5735, "ml")},
    **{"g": (1.0, "g"), "kg": (1000.0, "g"), "lb": (453.592, "g"), "oz": (28.3495, "g")},
    **{"mb": (0.001, "gb"), "gb": (1.0, "gb"), "tb": (1000.0, "gb"), "kw": (1000.0, "w")},
}
"""What one of a unit is in the unit of its dimension."""

Understand = Callable[[Query], Query]
Item = tuple[str, str]
"""A type and a value in the form in which values are compared."""


@dataclass(frozen=True, slots=True)
class LabeledQuery:
    """A query, the types that are judged for it, and what it names of these."""

    text: str
    judged: frozenset[str]
    items: frozenset[Item]


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its bootstrap 95% interval over queries."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TypeQuality:
    """Micro-averaged over queries; `named` values are labeled, `recognized` were found, `right` of
    them are labeled."""

    named: int
    recognized: int
    right: int
    precision: Share
    recall: Share
    f1: Share


@dataclass(frozen=True, slots=True)
class EntitiesQuality:
    """Of `queries`: quality overall and by type, the expected calibration error of the entities'
    probabilities (equal-width bins; None without entities), and the wrong and missed ones, as lines
    to read."""

    queries: int
    overall: TypeQuality
    by_type: Mapping[str, TypeQuality]
    calibration_error: float | None
    mistakes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return asdict(self)


def load_entity_labels(path: Path, part: str | None = None) -> tuple[LabeledQuery, ...]:
    """Reads a file of labels; with `part`, only the lines that are marked with it.

    Raises:
        BadInput: the file, line and key that cannot be used, and what to write there.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}; give a file of JSON lines") from error
    rows = [(i, _row(path, i, line)) for i, line in enumerate(lines, 1) if line.strip()]
    labels = tuple(_labeled(path, i, row) for i, row in rows if part in (None, row.get("part")))
    if not labels:
        wanted = f" marked {part!r}" if part else ""
        raise BadInput(f'{path} has no query{wanted}; write lines like {{"query": "red mug"}}')
    return labels


def evaluate_entities(
    labels: Sequence[LabeledQuery], understand: Understand, seed: int = 0
) -> EntitiesQuality:
    """Scores what `understand` recognizes in every labeled query."""
    read = [(label, understand(Query(label.text))) for label in labels]
    counted = [(label, predicted(query) & _judgeable(label, query)) for label, query in read]
    kinds = sorted({kind for label in labels for kind in label.judged})
    by_type = {
        kind: _quality(
            [(_of(label.items, kind), _of(found, kind)) for label, found in counted], seed
        )
        for kind in kinds
    }
    return EntitiesQuality(
        queries=len(labels),
        overall=_quality([(label.items, found) for label, found in counted], seed),
        by_type={k: q for k, q in by_type.items() if q.named or q.recognized},
        calibration_error=_calibration_error(read),
        mistakes=tuple(_mistakes(counted)),
    )


def predicted(query: Query) -> frozenset[Item]:
    """What a query was understood to name."""
    used = (e for e in query.entities if e.use != "none" or e.probability >= LEAST_PROBABILITY)
    items = {_item(entity.type, entity.value) for entity in used}
    items.update(_measure(measure) for measure in query.measures)
    items.update((NEGATED, _plain(negation.text)) for negation in query.negations)
    return frozenset(items | _price(query.price))


def _judgeable(label: LabeledQuery, query: Query) -> frozenset[Item]:
    return frozenset(item for item in predicted(query) if item[0] in label.judged)


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}, line {number} is no JSON: {error.msg}") from error
    if not isinstance(row, dict) or not isinstance(row.get("query"), str):
        raise BadInput(f'{path}, line {number} has no "query" text; write {{"query": "red mug"}}')
    return row


def _labeled(path: Path, number: int, row: Mapping[str, Any]) -> LabeledQuery:
    items: set[Item] = set()
    try:
        for kind, given in row.items():
            if kind not in NOT_TYPES:
                items.update(_given(kind, given))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise BadInput(
            f"{path}, line {number}, key {kind!r} cannot be read: a price is"
            ' {"min": 10, "max": 20}, measures are [{"value": 1.5, "unit": "l"}], all else lists'
            " of texts",
            field=kind,
        ) from error
    return LabeledQuery(row["query"], frozenset(row) - NOT_TYPES, frozenset(items))


def _given(kind: str, given: Any) -> Iterable[Item]:
    if kind == PRICE:
        bounds = given or {}
        return _price(PriceBounds(_number(bounds.get("min")), _number(bounds.get("max"))))
    if not isinstance(given, list):
        raise TypeError("no list")
    if kind == MEASURES:
        return [_compared(float(each["value"]), each["unit"]) for each in given]
    return [_item(kind, str(each)) for each in given]


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _item(kind: str, value: str) -> Item:
    plain = _plain(value)
    return kind, _singular(plain) if kind == PRODUCT_TYPE else plain


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+(?:\.\d+)?", text.casefold().replace("&", " and ")))


def _singular(text: str) -> str:
    return " ".join(
        re.sub(r"ie$", "y", re.sub(r"(?<=ch|sh|ss)es$|(?<=x)es$|(?<![su])s$", "", word))
        for word in text.split()
    )


def _price(price: PriceBounds | None) -> set[Item]:
    if price is None:
        return set()
    bounds = {"min": price.low, "max": price.high}
    return {(PRICE, f"{name} {value:g}") for name, value in bounds.items() if value is not None}


def _measure(measure: Measure) -> Item:
    return _compared(measure.value, measure.unit)


def _compared(value: float, unit: str) -> Item:
    """A measure in the unit of its dimension, to three digits."""
    plain = unit.casefold().strip(" .").replace("fl. oz", "fl oz")
    name = UNITS.get(plain, plain)
    factor, base = FACTORS.get(name, (1.0, name))
    return MEASURES, f"{value * factor:.3g} {base}"


def _of(items: Iterable[Item], kind: str) -> frozenset[Item]:
    return frozenset(item for item in items if item[0] == kind)


def _quality(pairs: Sequence[tuple[frozenset[Item], frozenset[Item]]], seed: int) -> TypeQuality:
    counts = np.array([(len(a), len(b), len(a & b)) for a, b in pairs], np.float64)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(counts), (DRAWS, len(counts)))
    total, sums = counts.sum(0), counts[draws].sum(1)
    named, recognized, right = (int(x) for x in total)
    measures = (_precision, _recall, _f1)
    precision, recall, f1 = (_share(measure(total), measure(sums)) for measure in measures)
    return TypeQuality(named, recognized, right, precision, recall, f1)


Array = NDArray[np.float64]


def _precision(counts: Array) -> Array:
    return _divided(counts[..., 2], counts[..., 1])


def _recall(counts: Array) -> Array:
    return _divided(counts[..., 2], counts[..., 0])


def _f1(counts: Array) -> Array:
    return _divided(2 * counts[..., 2], counts[..., 0] + counts[..., 1])


def _divided(a: Array, b: Array) -> Array:
    """a / b; 1 where b is 0: nothing was there to be wrong about."""
    return np.divide(a, b, out=np.ones_like(np.asarray(a, np.float64)), where=b > 0)


def _share(value: Array, draws: Array) -> Share:
    low, high = np.quantile(draws, (0.025, 0.975))
    return Share(float(value), float(low), float(high))


def _calibration_error(read: Sequence[tuple[LabeledQuery, Query]]) -> float | None:
    """Expected calibration error (Naeini et al. 2015) of judged entities."""
    judged = [
        (entity.probability, _item(entity.type, entity.value) in label.items)
        for label, query in read
        for entity in query.entities
        if entity.type in label.judged
    ]
    if not judged:
        return None
    sure, right = np.array(judged, np.float64).T
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [
        abs(sure[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean()
        for b in range(BINS)
        if (bins == b).any()
    ]
    return float(sum(gaps))


def _mistakes(counted: Iterable[tuple[LabeledQuery, frozenset[Item]]]) -> Iterable[str]:
    for label, found in counted:
        wrong: dict[str, list[str]] = defaultdict(list)
        for kind, value in sorted(found - label.items):
            wrong["not labeled"].append(f"{kind} {value}")
        for kind, value in sorted(label.items - found):
            wrong["missed"].append(f"{kind} {value}")
        if wrong:
            yield f"{label.text}: " + "; ".join(
                f"{what}: {', '.join(each)}" for what, each in wrong.items()
            )
