"""Models in words: what they are, what they learned from, how good they were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rankers import Model
    from training.registry import Entry

_CENTURY = 946_684_800
_HEAVIEST = 10
"""Features of the linear part that are named."""
_NAMED = 8
"""Features that one model has and another has not, which are named."""


def about_model(model: Model, checksum: str) -> dict[str, Any]:
    """All of a model but its trees."""
    heaviest = sorted(zip(model.weights.tolist(), model.features, strict=False), key=_size)
    return {
        "name": model.name,
        "version": checksum[:12],
        "kind": model.kind,
        "features": len(model.features),
        "feature_version": model.feature_version,
        "depth": model.depth,
        "trees": model.trees.count("\nTree="),
        "heaviest": {name: round(weight, 4) for weight, name in heaviest[:_HEAVIEST] if weight},
        "training": model.training,
        "metrics": model.metrics,
    }


def _size(weighed: tuple[float, str]) -> float:
    return -abs(weighed[0])


def held_out(metrics: Mapping[str, Any]) -> str | Mapping[str, Any]:
    """What cross-validation found, in a sentence."""
    try:
        chosen = metrics["held_out"]["chosen"]
        against, ndcg = chosen["against"], chosen["ndcg"][-1]
        return (
            f"nDCG@10 {ndcg:.4f} on {against['queries']} queries held out in turn, "
            f"{against['delta']:+.4f} [{against['low']:+.4f}, {against['high']:+.4f}] against the "
            f"fused order, p {against['p']:.4f}"
        )
    except (KeyError, IndexError, TypeError):
        return metrics


def shown(value: object) -> str:
    """As people read it: days instead of seconds, three digits instead of sixteen."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(each)}" for name, each in value.items()) or "–"
    if isinstance(value, list | tuple) and len(value) == 2 and _moments(value):
        days = (datetime.fromtimestamp(each, UTC) for each in (value[0], value[1] - 1))
        return " to ".join(each.strftime("%Y-%m-%d") for each in days)
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return "–" if value is None or value == "" else str(value)


def _moments(values: Sequence[object]) -> bool:
    """Whether these are seconds since 1970, of this century."""
    return all(isinstance(each, int | float) and each > _CENTURY for each in values)


def side(model: Model, entry: Entry, other: Model, serving: str | None) -> dict[str, str]:
    """A model for who compares it with another, line by line."""
    notes = {**model.training, **entry.lineage}
    return {
        "made": _moment(entry.created) + (", serves" if entry.version == serving else ""),
        "ranks by": _parts(model),
        "learned by": str(notes.get("learner") or "judgments alone"),
        "learned from": _source(notes),
        "held out": shown(notes.get("held_out")),
        "found then": shown(held_out(model.metrics)),
        "the gate": _gate(entry.verdict),
        "goes most by": ", ".join(_heaviest(model)) or "–",
        "only here": _strangers(model, other),
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _parts(model: Model) -> str:
    trees = model.trees.count("\nTree=")
    kind = f"{trees} trees" if trees else "the fused order" if model.kind == "fused" else "weights"
    if trees and model.weights.any():
        kind += " and weights"
    count = "1 feature" if len(model.features) == 1 else f"{len(model.features)} features"
    return f"{kind} over {count}, of the best {model.depth}"


def _source(notes: Mapping[str, Any]) -> str:
    """The days and the counts of what a model learned from."""
    counts = [f"{shown(notes[n])} {n}" for n in ("searches", "clicks", "queries") if notes.get(n)]
    if notes.get("judged") or not notes.get("clicks"):
        counts.append(f"{shown(notes.get('judged') or notes.get('judgments'))} judged queries")
    days = f"{shown(notes['window'])}: " if notes.get("window") else ""
    return days + ", ".join(counts)


def _gate(verdict: Mapping[str, Any] | None) -> str:
    """What the gate said, with the differences over all queries; or why it refused."""
    if verdict is None:
        return "not asked"
    checks = verdict.get("checks", ())
    if not verdict.get("passed"):
        return "refused: " + "; ".join(each["sentence"] for each in checks if not each["passed"])
    whole = [each for each in checks if each["name"] in ("judgments", "clicks")]
    return "passed: " + ", ".join(f"{each['name']} {each['delta']:+.4f}" for each in whole)


def _heaviest(model: Model) -> list[str]:
    """The features that the linear part weighs most; without one, those that trees gain most by."""
    if model.weights.any():
        weighed = sorted(zip(model.weights.tolist(), model.features, strict=False), key=_size)
        return [f"{name} {weight:+.2f}" for weight, name in weighed[:5] if weight]
    _, _, listed = model.trees.partition("feature_importances:\n")
    rows = [line.partition("=") for line in listed.split("\n\n")[0].splitlines()]
    places = [name.removeprefix("Column_") for name, _, count in rows if count][:5]
    return [model.features[int(at)] if at.isdigit() else at for at in places]


def _strangers(model: Model, other: Model) -> str:
    """Features that the other does not know."""
    own = [name for name in model.features if name not in set(other.features)]
    more = f" and {len(own) - _NAMED} more" if len(own) > _NAMED else ""
    return (", ".join(own[:_NAMED]) + more) or "–"
