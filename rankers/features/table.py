"""The one function that computes features, in training and in serving."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from rankers.associations import Associations
from rankers.features.declare import Feature, Group
from rankers.features.inputs import Behavior, Inputs
from rankers.features.registry import GROUPS
from search.errors import BadInput
from search.seams import Facts
from search.types import FeatureTable, Pool

CODE_VERSION = 4
"""Raised with every change to what a feature's value is."""
FEATURES: dict[str, Feature] = {
    feature.name: feature for group in GROUPS for feature in group.features
}
"""Every feature by name, in the order of the groups."""
NAMES: tuple[str, ...] = tuple(FEATURES)


def version_of(groups: Sequence[Group]) -> str:
    """Tells tables that mean the same from those that do not: a hash of all declarations, without
    what people call them, and of `CODE_VERSION`."""
    declared = repr(
        [(group.name, [_declared(each) for each in group.features]) for group in groups]
    )
    return hashlib.sha256(f"{CODE_VERSION} {declared}".encode()).hexdigest()[:12]


def _declared(feature: Feature) -> dict[str, Any]:
    return {name: value for name, value in asdict(feature).items() if name != "label"}


VERSION: str = version_of(GROUPS)


def compute(
    facts: Facts,
    pool: Pool,
    names: Sequence[str] | None = None,
    behavior: Behavior | None = None,
    associations: Associations | None = None,
) -> FeatureTable:
    """The features of all candidates of a pool, float32 of shape (candidates, len(names)), columns
    in the order of `names` (None: all, in the order of `NAMES`). Only groups with one of the names
    are computed. `associations` is what a model learned of words and meanings; what comes of it is
    unknown without.

    Raises:
        BadInput: there is no feature of that name.
    """
    wanted = NAMES if names is None else tuple(names)
    inputs = Inputs(facts, pool, behavior, associations)
    values = inputs.empty(len(wanted))
    for group, columns, places in _plan(wanted):
        if columns is None:
            group.fill(inputs, values[:, places])
        else:
            values[:, places] = group.compute(inputs)[:, columns]
    return FeatureTable(wanted, inputs.ordinals, values)


Plan = tuple[tuple[Group, list[int] | None, slice | list[int]], ...]
"""Groups, which of their columns are wanted (None: all, one beside another), and where they go."""


@lru_cache(64)
def _plan(wanted: tuple[str, ...]) -> Plan:
    unknown = [name for name in wanted if name not in FEATURES]
    if unknown:
        raise BadInput(f"unknown feature {unknown[0]!r}; `aisle features` lists them")
    plan = []
    for group in GROUPS:
        own = [feature.name for feature in group.features]
        pairs = [(own.index(name), i) for i, name in enumerate(wanted) if name in own]
        if pairs:
            columns, places = [c for c, _ in pairs], [p for _, p in pairs]
            run = _run(places)
            whole = columns == list(range(len(own))) and isinstance(run, slice)
            plan.append((group, None if whole else columns, run))
    return tuple(plan)


def _run(places: list[int]) -> slice | list[int]:
    """Adjacent places as a slice, which is copied to much faster."""
    run = list(range(places[0], places[0] + len(places)))
    return slice(run[0], run[-1] + 1) if places == run else places
