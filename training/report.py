"""What training found, as JSON for machines and as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from training.comparison import Difference, Standing, chosen_kinds, pooled, standings
from training.measures import CUTOFFS
from training.nested import CHOSEN
from training.pairs import DECISIVE
from training.scorers import Gain, Kind
from training.train import Trained

NAMES: Mapping[str, str] = {
    "fused": "hybrid (fused order)",
    "linear": "linear",
    "trees": "trees on the fused score",
    "stacked": "trees on linear",
    "blend": "linear and trees blended",
    CHOSEN: "chosen in each fold",
}
_SHOWN = 12
"""Features that people are shown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One catalogue's training. `place` is its data directory, `path` the model file; `missed`
    are judged queries for which nothing is found; `next` is the command to check it with."""

    place: str
    path: str
    trained: Trained
    missed: tuple[str, ...] = ()
    next: str = ""


def report_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The report of one catalogue; of several, each of them and what they say together."""
    if len(outcomes) == 1:
        return _outcome_json(outcomes[0])
    together = pooled([each.trained.validation for each in outcomes])
    return {
        "model": [each.path for each in outcomes],
        "cv": {"system": "ltr", **_difference_json(together)},
        "features": sorted({i.name for each in outcomes for i in each.trained.importances}),
        "catalogues": [_outcome_json(each) for each in outcomes],
    }


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    trained = outcome.trained
    found = standings(trained.validation)
    chosen = next(each for each in found if each.name == CHOSEN)
    return {
        "model": outcome.path,
        "data": outcome.place,
        "kind": trained.choice.kind,
        "cv": {
            "system": f"ltr:{outcome.path}",
            **_difference_json(chosen.against),
            "seeds": trained.validation.seeds,
            "chosen": chosen_kinds(trained.validation),
            "kinds": {each.name: _standing_json(each) for each in found},
        },
        "choice": asdict(trained.choice),
        "features": [asdict(each) for each in trained.importances],
        "missed_queries": list(outcome.missed),
    }


def _standing_json(standing: Standing) -> dict[str, Any]:
    accuracy = standing.pairwise_against
    return {
        **{f"ndcg@{k}": value for k, value in zip(CUTOFFS, standing.ndcg, strict=True)},
        **_difference_json(standing.against),
        "by_seed": [_difference_json(each) for each in standing.by_seed],
        "pairwise": standing.pairwise,
        "pairwise_vs_hybrid": None if accuracy is None else _difference_json(accuracy),
    }


def _difference_json(found: Difference) -> dict[str, Any]:
    numbers = asdict(found)
    return {"delta_vs_hybrid": numbers.pop("delta"), **numbers}


def format_report(outcomes: Sequence[Outcome]) -> RenderableType:
    """The report as text: for each catalogue what was gained on queries never seen, what was
    chosen and why, and what to do next."""
    parts: list[RenderableType] = []
    for outcome in outcomes:
        parts += [*_sections(outcome), Text()]
    if len(outcomes) > 1:
        together = pooled([each.trained.validation for each in outcomes])
        parts.append(Text(f"All {together.queries} queries together: {_against(together)}."))
    return Group(*parts)


def _sections(outcome: Outcome) -> Iterator[RenderableType]:
    trained = outcome.trained
    yield Text(f"{outcome.path}: {_worth(trained)}")
    yield Text(explain_choice(trained))
    yield Text()
    yield _kinds(trained)
    yield Text(_chosen(trained))
    yield Text()
    yield _features(trained)
    if outcome.missed:
        yield Text(
            f"Nothing was found for {len(outcome.missed)} judged queries; they are left out."
        )
    if outcome.next:
        yield Text(f"Next: {outcome.next}")


def _worth(trained: Trained) -> str:
    """What choosing and training are worth on queries that had no part in either."""
    found = next(each for each in standings(trained.validation) if each.name == CHOSEN).against
    return f"{_against(found)}. Cross-validated on {_queries(trained)}."


def _queries(trained: Trained) -> str:
    times = {1: "once", 2: "twice"}
    seeds = trained.validation.seeds
    often = times.get(seeds, f"{seeds} times")
    return f"{len(trained.validation.queries):,} queries, split {often}"


def explain_choice(trained: Trained) -> str:
    """Which kind was adopted and why, in a sentence or two. The gains of inner validation choose:
    they do not say what the choice is worth."""
    gains, kind = trained.choice.gains, trained.choice.kind
    tried = ", ".join(
        f"{NAMES[each]} {gain.mean:+.4f} ± {gain.error:.4f}"
        for each, gain in gains.items()
        if each != "fused"
    )
    if kind == "fused":
        return (
            "Adopted: the fused order, for in inner validation, on queries held out in training, no"
            f" kind was above it by more than its standard error ({tried}). More judgments or"
            " better features may change that."
        )
    return (
        f"Adopted: {NAMES[kind]}, {_reason(kind, gains)} in inner validation, on queries held out"
        f" in training ({tried}). That is what chooses, not what the model is worth."
    )


def _reason(kind: Kind, gains: Mapping[Kind, Gain]) -> str:
    if kind != max(gains, key=lambda each: gains[each].mean):
        return "the simplest of those that were about as good as the best"
    if len(gains) > 2:
        return "for it was furthest above the fused order"
    return "for it was above the fused order by more than its standard error"


def _chosen(trained: Trained) -> str:
    counts = chosen_kinds(trained.validation)
    often = ", ".join(f"{NAMES[kind]} {count}" for kind, count in counts.items())
    return f"Chosen in the folds: {often}."


def _against(found: Difference) -> str:
    numbers = f"{found.delta:+.4f} [{found.low:+.4f}, {found.high:+.4f}], p = {found.p:.4f}"
    return f"nDCG@{DECISIVE} against hybrid {numbers}: {_verdict(found)}"


def _verdict(found: Difference) -> str:
    if not (found.low or found.high):
        return "no difference"
    if found.p >= 0.05:
        return "could be chance"
    return "significantly better" if found.delta > 0 else "significantly worse"


def _kinds(trained: Trained) -> Table:
    found = standings(trained.validation)
    title = f"On queries never seen: {_queries(trained)}"
    accuracy = any(each.pairwise is not None for each in found)
    table = _plain(title)
    for header in ("ranker", f"ndcg@{DECISIVE}", "− hybrid", "p"):
        table.add_column(header, no_wrap=True)
    if accuracy:
        table.add_column("pairs in order")
    for each in found:
        against = each.against
        delta = f"{against.delta:+.4f} [{against.low:+.4f}, {against.high:+.4f}]"
        first = each.name == "fused"
        cells = [NAMES[each.name], f"{each.ndcg[-1]:.4f}", "" if first else delta]
        cells.append("" if first else f"{against.p:.4f}")
        if accuracy:
            cells.append("" if each.pairwise is None else f"{each.pairwise:.4f}")
        table.add_row(*cells)
    return table


def _features(trained: Trained) -> Table:
    table = _plain("What counts most")
    for header in ("feature", "weight", "share of the trees' gain"):
        table.add_column(header)
    for each in trained.importances[:_SHOWN]:
        table.add_row(each.name, f"{each.weight:+.3f}", f"{each.gain:.1%}" if each.gain else "")
    return table


def _plain(title: str) -> Table:
    """A table without lines, which leaves its columns the whole width of a terminal."""
    return Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None,
        pad_edge=False,
    )  # fmt: skip
