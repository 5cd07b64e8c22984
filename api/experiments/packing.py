"""Experiments and their history as JSON, the same in every store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from api.experiments.seams import BOUNDS, Tally
from eval.experiments import Arm, Experiment, Guardrails, Ramp, Step

COUNTS = ("requests", "errors", "searches", "without_hits", "clicks", "purchases")
TIMES = tuple(f"time_{place}" for place in range(len(BOUNDS) + 1))
FIELDS = (*COUNTS, "revenue", *TIMES)
"""The numbers of a tally, in the order of `numbers`."""


def pack(value: Experiment | Step) -> str:
    """As JSON."""
    return orjson.dumps(asdict(value)).decode()


def experiment_of(text: str | bytes) -> Experiment:
    """An experiment as it was packed."""
    given: dict[str, Any] = orjson.loads(text)
    given["arms"] = tuple(Arm(**arm) for arm in given["arms"])
    given["guardrails"] = Guardrails(**given["guardrails"])
    ramp = given.pop("ramp", {})
    given["ramp"] = Ramp(**ramp | {"steps": tuple(ramp["steps"])}) if ramp else Ramp()
    given["slot"] = tuple(given["slot"])
    return Experiment(**given)


def step_of(text: str | bytes) -> Step:
    """A step as it was packed."""
    return Step(**orjson.loads(text))


def numbers(tally: Tally) -> tuple[float, ...]:
    """A tally's numbers, in the order of `FIELDS`."""
    return (*(getattr(tally, name) for name in COUNTS), tally.revenue, *tally.times)


def tally_of(values: tuple[float, ...], sums: Mapping[str, float]) -> Tally:
    """A tally of its numbers and its further sums."""
    own = dict(zip(FIELDS, values, strict=True))
    counts = {name: int(own[name]) for name in COUNTS}
    times = tuple(int(own[name]) for name in TIMES)
    return Tally(**counts, revenue=own["revenue"], times=times, sums=sums)
