"""Why the ranking model put a hit where it is, as answers tell it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat

from search.types import Hit, ModelUsed


@dataclass(frozen=True, slots=True)
class ModelBody:
    """The ranking model that ordered the hits."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature of a hit: its `label` for people; its value, null where unknown, and that as
    `text` for people; and what it adds to the score (below 0 where it counts against the product),
    null where that cannot be told. A `shared` one has the same value for every product of the
    query: no reason to stand above another."""

    feature: str
    label: str
    value: float | None
    text: str
    contribution: float | None
    shared: bool


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why the ranking model put a hit where it is: `base`, which is the same for all hits, and the
    contributions of the `features`, the greatest first, sum to `score`; `query` is the sum of those
    that are shared."""

    score: float
    base: float
    query: float
    features: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One feature of two products: their values, as numbers and for people, and how much more it
    adds to the score of the other one, which is above. A `shared` one has the same value for
    both."""

    feature: str
    label: str
    value: float | None
    text: str
    other: float | None
    other_text: str
    difference: float
    shared: bool

    @staticmethod
    def between(own: Reason, other: Reason) -> Difference:
        """What one feature makes of the other product beside one's own."""
        difference = (other.contribution or 0.0) - (own.contribution or 0.0)
        return Difference(
            own.feature,
            own.label,
            own.value,
            own.text,
            other.value,
            other.text,
            difference,
            own.shared,
        )


def model_body(model: ModelUsed | None) -> ModelBody | None:
    """The model as answers name it."""
    return None if model is None else ModelBody(model.name, model.version)


def reasons_of(hit: Hit, model: ModelUsed | None) -> Reasons | None:
    """The reasons for a hit's place; None without a model, where nothing is to be explained, and
    for hits that the model did not look at."""
    scored = hit.scored
    if scored is None or model is None or not hit.why:
        return None
    added = scored.contributions or repeat(None)
    features = [
        Reason(name, phrase(name), _known(value), _text(name, value), each, is_shared(name))
        for name, value, each in zip(model.features, scored.values, added, strict=False)
    ]
    features.sort(key=lambda reason: -abs(reason.contribution or 0.0))
    query = sum(each.contribution or 0.0 for each in features if each.shared)
    return Reasons(scored.score, scored.base, query, tuple(features))


_SHARED = frozenset({"best_cosine", "device", "hour"})


def is_shared(feature: str) -> bool:
    """Whether a feature is about the query or the shopper alone, not about the product."""
    return feature.startswith("query_") or feature in _SHARED


def phrase(feature: str) -> str:
    """A feature's name for people to read, as it declares it."""
    from rankers.features import FEATURES  # numba: only where a model is used

    declared = FEATURES.get(feature)
    return declared.label if declared else feature.replace("_", " ")


def _text(feature: str, value: float) -> str:
    from rankers.features import FEATURES, number_text

    declared = FEATURES.get(feature)
    return declared.text(value) if declared else number_text(value)


def _known(value: float) -> float | None:
    return value if value == value else None  # NaN is not equal to itself
