"""What an off-policy evaluation found: as plain values, a sentence and assumptions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from api.off_policy.asking import LOGGING, Answer
from eval.off_policy import METHODS, OffPolicy

NAMES = {"ips": "IPS", "snips": "SNIPS", "dr": "doubly robust"}
HEADLINE = "snips"
"""The estimate that sentences name: in simulation the one with the smallest error."""


def report_json(answer: Answer) -> dict[str, Any]:
    """`estimates` by method, null where refused, and which of them to go by (`headline`); clicks a
    search everywhere."""
    task, found = answer.task, answer.found
    return {
        "candidate": task.candidate,
        "against": task.against,
        "estimates": {name: _estimate(found, name) for name in METHODS},
        "headline": HEADLINE if HEADLINE in found.differences else None,
        "logged": found.logged,
        "identical": found.identical,
        "refused": found.refused or None,
        "sentence": sentence(answer),
        "effective_sample_size": found.effective,
        "overlap": {name: _number(value) for name, value in asdict(found.overlap).items()},
        "weights": asdict(found.weights) if found.weights else None,
        "assumptions": list(assumptions(answer)),
        "method": found.method,
        "source": answer.source,
        "searches": found.searches,
        "queries": found.queries,
        "shoppers": found.units,
        "clicks": found.clicks,
        "tied": found.tied,
        "draws": found.draws,
        "seed": task.plan.seed,
        "propensities": {
            "estimator": task.estimator,
            "values": [_number(value) for value in found.curve.tolist()],
        },
        "misfit": answer.misfit or None,
        "remarks": list(answer.remarks),
    }


def _estimate(found: OffPolicy, name: str) -> dict[str, float] | None:
    if name not in found.differences:
        return None
    values = {"candidate": found.candidate[name], "against": found.against[name]}
    return {**asdict(found.differences[name]), **values}


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def sentence(answer: Answer) -> str:
    """The answer in one sentence."""
    task, found = answer.task, answer.found
    other = "the order that was logged" if task.against == LOGGING else task.against
    if found.refused:
        return f"No answer: {found.refused}."
    if found.identical:
        return (
            f"{task.candidate} puts every product where {other} does: they differ by 0 clicks a "
            "search, for certain."
        )
    gain = found.differences[HEADLINE]
    base = found.against[HEADLINE]
    share = f" ({gain.delta / base:+.1%})" if base > 0 else ""
    verdict = "more" if gain.low > 0 else "fewer" if gain.high < 0 else ""
    told = f"{gain.delta:+.3f} clicks a search{share}, 95% from {gain.low:+.3f} to {gain.high:+.3f}"
    doubt = (
        " But this log's clicks are not position-based, so that it may be far off."
        if answer.misfit and found.method == "position"
        else ""
    )
    if not verdict:
        return f"{task.candidate} cannot be told from {other}: {told}.{doubt}"
    return f"{task.candidate} would get {verdict} clicks than {other}: {told}.{doubt}"


def assumptions(answer: Answer) -> tuple[str, ...]:
    """What the answer takes for granted, the click model first."""
    found = answer.found
    said = [_click_model(answer), *_of_method(found), _on_products(answer)]
    if found.method == "position":
        said.append(
            "propensities are estimated from the same log, again in every resample, by "
            f"{answer.task.estimator}; the intervals hold that error, not one of the click model"
        )
    said.append(
        "what attracts does not change: neither within the log nor between it and what comes"
    )
    said.append("shoppers click independently of each other; one shopper's searches do not")
    return tuple(said)


def _click_model(answer: Answer) -> str:
    if answer.found.method == "randomized":
        return (
            "a product is clicked as often at the same place whatever stands beside it; the logged "
            "chances are those that it was put there with"
        )
    text = (
        "position-based clicks: a product is clicked when its place is looked at and it attracts, "
        "each independently of what else is shown"
    )
    return f"{text}. The log speaks against it: {answer.misfit}" if answer.misfit else text


def _of_method(found: OffPolicy) -> tuple[str, ...]:
    if found.method == "randomized":
        return ()
    return (
        "no trust bias: a high place makes a product seen, not liked. Where shoppers trust it, or "
        "read from the top until satisfied, gains come out far too large",
    )


def _on_products(answer: Answer) -> str:
    text = (
        "only products that the log has shown for a query are ordered, in the places that were "
        "shown; "
    )
    shown = answer.found.overlap.shown
    if answer.source == "logged features" or shown is None:
        return text + "what else the candidate would find is not known"
    return (
        text + f"{1 - shown:.0%} of the top ten that would be shown was not, and counts for nothing"
    )
