"""Two kept runs compared as if they had been made together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.evaluating.outcome import Outcome, as_scored, look_into
from eval import (
    Judgments,
    Report,
    Stages,
    StoredRun,
    check_gate,
    evaluate,
    parse_condition,
    parse_metric,
)
from eval.stored import checksum
from search.errors import BadInput


def compare_kept(
    one: StoredRun,
    other: StoredRun,
    metrics: Sequence[str] | None = None,
    fail_if: Sequence[str] = (),
) -> Report:
    """The report over both, as `one` and `other` are called. With conditions, `other` is held to
    `one`.

    Raises:
        BadInput: they were scored by different judgments, in another mode or by other metrics.
    """
    conditions = [parse_condition(each) for each in fail_if]
    _check(one, other)
    wanted = [*(metrics or _shared(one, other)), *(each.metric for each in conditions)]
    asked = list(dict.fromkeys(str(parse_metric(metric)) for metric in wanted))
    names = _names(one, other)
    stored = dict(zip(names, (one, other), strict=True))
    judged = Judgments(one.gains, one.slices.get("kind", {}))
    for name, run in stored.items():
        missing = [metric for metric in asked if metric not in run.values]
        if missing:
            raise BadInput(
                f"{name} was not scored by {', '.join(missing)}, but by {', '.join(run.values)}",
                field="metrics",
            )
    labels = {name: parts for name, parts in one.slices.items() if name != "kind"}
    runs = {name: run.rankings for name, run in stored.items()}
    report = evaluate(
        judged,
        runs,
        metrics=asked,
        seed=one.seed,
        notes=_changed(names, one, other),
        labels=labels,
        scored={name: as_scored(run, asked, judged) for name, run in stored.items()},
    )
    if conditions:
        report = check_gate(report, names[1], names[0], conditions, one.slices)
    stages = {
        name: Stages(run.places, run.first_stage)
        for name, run in stored.items()
        if run.places is not None
    }
    titles = {**one.titles, **other.titles}
    return look_into(Outcome(report, judged, runs, labels, titles, stages), one.mode)


def _check(one: StoredRun, other: StoredRun) -> None:
    if checksum(one.gains) != checksum(other.gains):
        raise BadInput(
            f"{one.name} and {other.name} were scored by different judgments, so their scores do"
            " not compare; score both by the same: aisle eval --judgments FILE --systems"
            f" run:{one.name},run:{other.name}"
        )
    if one.mode != other.mode:
        raise BadInput(
            f"{one.name} was made with --mode {one.mode}, {other.name} with --mode {other.mode};"
            " make both in the same"
        )


def _shared(one: StoredRun, other: StoredRun) -> list[str]:
    shared = [metric for metric in one.values if metric in other.values]
    if not shared:
        raise BadInput(f"{one.name} and {other.name} have no metric in common", field="metrics")
    return shared


def _names(one: StoredRun, other: StoredRun) -> tuple[str, str]:
    if one.name != other.name:
        return one.name, other.name
    return f"{one.name} (first)", f"{other.name} (second)"


def _changed(names: tuple[str, str], one: StoredRun, other: StoredRun) -> tuple[str, ...]:
    """What the two runs were made from that is not the same."""
    pairs: tuple[tuple[str, Mapping[str, str], Mapping[str, str]], ...] = (
        ("", one.inputs, other.inputs),
        ("version of ", one.versions, other.versions),
        ("", {"system": one.system, "seed": str(one.seed)}, _own(other)),
    )
    return tuple(
        f"{what}{key}: {names[0]} has {a.get(key, 'none')}, {names[1]} {b.get(key, 'none')}"
        for what, a, b in pairs
        for key in dict.fromkeys([*a, *b])
        if a.get(key) != b.get(key)
    )


def _own(run: StoredRun) -> dict[str, str]:
    return {"system": run.system, "seed": str(run.seed)}
