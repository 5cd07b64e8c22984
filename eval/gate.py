"""A gate for continuous integration: conditions on how a system differs from a baseline.

`ndcg@10 < -0.01` fails when the mean difference, candidate − baseline, is below −0.01;
`ndcg@10.low < -0.02` when the lower bound of its 95% interval is; `ndcg@10[kind=brand] < -0.05`
looks at one part of the queries only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import ge, gt, le, lt
from typing import Literal

import numpy as np

from eval.metric_names import parse_metric
from eval.results import Check, Gate, Report
from eval.significance import t_interval
from eval.slicing import Labels
from search.errors import BadInput

_FORM = re.compile(
    r"\s*(?P<metric>[^\s\[<>]+?(?:\([^()]*\))?(?:@\d+)?)"
    r"(?:\.(?P<one>mean|low|high))?"
    r"(?:\[(?P<dimension>[^\]=]+)=(?P<part>[^\]]+)\])?"
    r"(?:\.(?P<other>mean|low|high))?"
    r"\s*(?P<sign><=|>=|<|>)\s*(?P<bound>[-+−]?[\d.]+(?:e[-+]?\d+)?)\s*",
    re.IGNORECASE,
)
_SIGNS = {"<": lt, "<=": le, ">": gt, ">=": ge}
_REMEDIES = {
    "kind": "; for kinds add a column kind to the judgments, or give --queries a table of query"
    " and kind",
    "frequency": "; for frequencies give --log, a table of query and count",
}
"""What makes a dimension known."""
EXAMPLE = "ndcg@10 < -0.01, ndcg@10.low < -0.02, ndcg@10[kind=brand] < -0.05"


@dataclass(frozen=True, slots=True)
class Condition:
    """When a candidate fails: the `value` (mean or a bound) of the difference in `metric` over the
    queries of a part (None: over all) is beyond `bound`."""

    expression: str
    metric: str
    value: Literal["mean", "low", "high"]
    part: tuple[str, str] | None
    sign: str
    bound: float


def parse_condition(text: str) -> Condition:
    """A condition such as `ndcg@10 < -0.01`.

    Raises:
        BadInput: it is not of that form, or its metric is not known.
    """
    match = _FORM.fullmatch(text)
    if match is None or (match["one"] and match["other"]):
        raise BadInput(f"{text!r} is no condition; write it like {EXAMPLE}", field="fail-if")
    try:
        bound = float(match["bound"].replace("−", "-"))
    except ValueError:
        raise BadInput(f"{text!r}: {match['bound']} is no number", field="fail-if") from None
    value: Literal["mean", "low", "high"] = match["one"] or match["other"] or "mean"  # type: ignore[assignment]
    part = (match["dimension"].strip(), match["part"].strip()) if match["dimension"] else None
    return Condition(
        text.strip(), str(parse_metric(match["metric"])), value, part, match["sign"], bound
    )


def check_gate(
    report: Report,
    candidate: str,
    baseline: str,
    conditions: Sequence[Condition],
    labels: Labels,
) -> Report:
    """The report with the gate's verdict on the candidate.

    Raises:
        BadInput: there is no such part, or no query in it.
    """
    checks = tuple(_check(report, candidate, baseline, each, labels) for each in conditions)
    return replace(report, gate=Gate(candidate, baseline, checks))


def _check(
    report: Report, candidate: str, baseline: str, condition: Condition, labels: Labels
) -> Check:
    one, other = (report.systems[name].values[condition.metric] for name in (candidate, baseline))
    rows = _rows(report, condition, labels)
    mean, low, high = (float(x[0]) for x in t_interval((one - other)[rows, None], bound=1.0))
    value = {"mean": mean, "low": low, "high": high}[condition.value]
    # A difference that should be 0 differs in the last bits.
    value = 0.0 if math.isclose(value, 0.0, abs_tol=1e-12) else value
    return Check(condition.expression, value, _SIGNS[condition.sign](value, condition.bound))


def _rows(report: Report, condition: Condition, labels: Labels) -> np.ndarray:
    if condition.part is None:
        return np.arange(len(report.queries))
    dimension, part = condition.part
    if dimension not in labels:
        known = ", ".join(labels) or "none"
        how = _REMEDIES.get(dimension, "")
        raise BadInput(
            f"{condition.expression}: no dimension {dimension!r}; known are {known}{how}",
            field="fail-if",
        )
    rows = [i for i, query in enumerate(report.queries) if labels[dimension].get(query) == part]
    if not rows:
        known = ", ".join(sorted(set(labels[dimension].values())))
        raise BadInput(
            f"{condition.expression}: no query of {dimension} {part!r}; known are {known}",
            field="fail-if",
        )
    return np.array(rows)


def gate_sentence(gate: Gate) -> str:
    """The verdict, with the value of every condition."""
    failed = [check for check in gate.checks if check.failed]
    against = f"{gate.candidate} against {gate.baseline}"
    if failed:
        said = "; ".join(f"{c.expression} (it is {c.value:+.4f})" for c in failed)
        return f"Gate: {against} fails: {said}."
    said = "; ".join(f"not {c.expression} (it is {c.value:+.4f})" for c in gate.checks)
    return (
        f"Gate: {against} passes: {said}." if said else f"Gate: {against}: nothing to hold it to."
    )
