"""From a log split in time to a model and what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from eval import folds
from rankers import Model
from search.errors import BadInput
from training.clicks.counts import ClickCounts
from training.learners.clicked import About, ClickedTables, clicked_tables
from training.learners.comparing import (
    CLICKS,
    JUDGMENTS,
    LOGGING,
    NAIVE,
    Comparison,
    compare,
    logged_order,
    on_clicks,
    on_judgments,
    verdict,
)
from training.learners.evidence import gathered
from training.learners.logger import LoggerStrength, strength_of_logger
from training.learners.periods import clicked_periods
from training.learners.registry import LEARNERS, USUAL_LEARNER, learners_named
from training.learners.seams import LearnerSettings
from training.propensity.seams import Propensities
from training.repeatable import repeatable
from training.scorers import Scorer, spread
from training.tables import Tables, Values, stack

JUDGED_FOLDS = 3
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SplitLog:
    """Counts of a whole log, and of what came before and after a moment in it; `after` is None
    where the log has no times, then `before` is everything. `periods` are what is learned from
    everything, `periods_before` from what came before, one each period (`training.learners.
    periods`), of which the last holds what came after; where there are none, all is one period."""

    everything: ClickCounts
    before: ClickCounts
    after: ClickCounts | None = None
    periods: tuple[ClickCounts, ...] = ()
    periods_before: tuple[ClickCounts, ...] = ()


@dataclass(frozen=True, slots=True)
class ClickPlan:
    """`learner` is one of `LEARNERS` or `all`; `judgment_weight` is how many looks a judgment
    counts as; `unseen` how many looks without a click not being shown counts as (None: the log
    decides); `depth` how many candidates the model will score."""

    learner: str = USUAL_LEARNER
    judgment_weight: float = 10.0
    unseen: float | None = None
    depth: int = 200
    settings: LearnerSettings = field(default_factory=LearnerSettings)


@dataclass(frozen=True, slots=True)
class LearnedFromClicks:
    """A model of `learner`, and how it stands beside the others."""

    model: Model
    learner: str
    comparisons: tuple[Comparison, ...]
    logger: LoggerStrength
    verdict: tuple[str, ...]
    left_out: float


@repeatable
def learn(
    tables: Sequence[Tables],
    log: SplitLog,
    propensities: Propensities,
    plan: ClickPlan,
    name: str,
    about: About | None = None,
    learned_from: Mapping[str, object] | None = None,
    progress: Progress = lambda done, total: None,
) -> LearnedFromClicks:
    """Trains naive and the learners asked for on what came before, sets them side by side on what
    came after and on judgments (`Tables.gains`), then trains the chosen one on everything. `tables`
    are the same candidates with features as they were when each period of the log began; the last
    is what orders are compared on.

    Judgments that are learned from judge only orders that were learned without them.

    Raises:
        BadInput: no such learner, no clicks on candidates, or nothing to compare on.
    """
    names = list(dict.fromkeys([NAIVE, *(each.name for each in learners_named(plan.learner))]))
    now = tables[-1]
    before = clicked_tables(now, log.before, propensities, about)
    earlier = clicked_periods(tables, log.periods_before or (log.before,), propensities, about)
    learning = _Learning(plan, names, progress, _total(now, plan, len(names)))
    found = []
    if (judged := learning.on_judgments(earlier, before)) is not None:
        found.append(judged)
    if log.after is not None:
        after = clicked_tables(now, log.after, propensities, about)
        scores = {LOGGING: logged_order(before), **learning.scores(earlier, now)}
        found.append(compare(CLICKS, on_clicks(after, scores)))
    if not found:
        raise BadInput(
            "there is nothing to compare learners on: the log has no times to split by and there"
            " are no judgments; give --judgments",
            field="judgments",
        )
    chosen = plan.learner if plan.learner in LEARNERS else _best(found[0], names)
    periods = clicked_periods(tables, log.periods or (log.everything,), propensities, about)
    scorer = learning.fit(periods, chosen)
    everything = clicked_tables(tables[0], log.everything, propensities, about)
    logger = strength_of_logger(everything)
    notes = {**(learned_from or {}), **_notes(everything, chosen, plan)}
    model = as_model(now, name, scorer, plan.depth, notes, _metrics(found, chosen))
    said = verdict(found, chosen, logger)
    return LearnedFromClicks(model, chosen, tuple(found), logger, said, everything.left_out)


@dataclass(slots=True)
class _Learning:
    """Fits learners, and says how far it is."""

    plan: ClickPlan
    names: Sequence[str]
    progress: Progress
    total: int
    done: int = 0

    def fit(self, clicked: ClickedTables, name: str) -> Scorer:
        """One learner on all evidence."""
        plan = self.plan
        evidence = gathered(clicked, plan.judgment_weight, plan.unseen, plan.settings.seed)
        scorer = LEARNERS[name](evidence, plan.settings.for_periods(evidence))
        self.done += 1
        self.progress(self.done, self.total)
        return scorer

    def scores(self, clicked: ClickedTables, now: Tables) -> dict[str, Values]:
        """The scores of every learner for all candidates of `now`."""
        return {name: self.fit(clicked, name).scores(now.values) for name in self.names}

    def on_judgments(self, clicked: ClickedTables, now: ClickedTables) -> Comparison | None:
        """By judgments of the candidates of `now`, held back in turn where they are learned from;
        None without any."""
        tables = now.tables
        judged = judged_and_logged(now)
        if not judged:
            return None
        scores = {LOGGING: logged_order(now)}
        if self.plan.judgment_weight <= 0 or len(judged) < JUDGED_FOLDS:
            scores |= self.scores(_without_judgments(clicked, judged), tables)
        else:
            scores |= {name: np.zeros(len(tables.query)) for name in self.names}
            for fold in folds(judged, JUDGED_FOLDS, self.plan.settings.seed):
                held = _rows_of(tables, fold.test)
                left = _without_judgments(clicked, fold.test)
                for name, own in self.scores(left, tables).items():
                    scores[name][held] = own[held]
        return compare(JUDGMENTS, on_judgments(tables, judged, scores))


def judged_and_logged(clicked: ClickedTables) -> list[str]:
    """The queries with a relevant product and with an order that was logged."""
    tables = clicked.tables
    seen = np.bincount(tables.query, clicked.impressions, minlength=len(tables)) > 0
    return [
        each.query
        for each, logged in zip(tables.queries, seen.tolist(), strict=True)
        if logged and each.judged.max(initial=0.0) > 0
    ]


def _total(tables: Tables, plan: ClickPlan, learners: int) -> int:
    rounds = JUDGED_FOLDS if plan.judgment_weight > 0 else 1
    return learners * (1 + rounds * bool(np.isfinite(tables.gains).any())) + 1


def _rows_of(tables: Tables, texts: Sequence[str]) -> np.ndarray:
    wanted = set(texts)
    chosen = np.array([each.query in wanted for each in tables.queries])
    return np.flatnonzero(chosen[tables.query])


def _without_judgments(clicked: ClickedTables, texts: Sequence[str]) -> ClickedTables:
    """As if nobody had judged these queries."""
    wanted = set(texts)
    queries = [
        replace(each, gains=np.full(len(each.gains), np.nan)) if each.query in wanted else each
        for each in clicked.tables.queries
    ]
    return replace(clicked, tables=stack(queries, clicked.tables.schema))


def _best(found: Comparison, names: Sequence[str]) -> str:
    """The usual learner, unless another beats it beyond chance; chosen on what is reported, so its
    own figure flatters it a little."""
    usual = found.row(USUAL_LEARNER)
    best = max((found.row(name) for name in names), key=lambda each: each.ndcg)
    spread = (best.against_naive.high - best.against_naive.low) / 2
    return best.name if best.ndcg > usual.ndcg + spread else usual.name


def as_model(
    tables: Tables,
    name: str,
    scorer: Scorer,
    depth: int,
    notes: Mapping[str, object],
    metrics: Mapping[str, object],
) -> Model:
    """As data, for serving. Trees know their features by place, so they keep all."""
    linear, count = scorer.linear, len(tables.schema.names)
    kept = np.arange(count) if scorer.trees else np.flatnonzero(linear.weights)
    return Model(
        name=name,
        kind="trees" if scorer.trees else "linear",
        features=tuple(tables.schema.names[i] for i in kept),
        feature_version=tables.schema.version,
        weights=linear.weights[kept],
        centers=linear.centers[kept],
        scales=linear.scales[kept],
        trees=scorer.trees.text() if scorer.trees else "",
        tree_weight=scorer.tree_weight,
        depth=depth,
        training={**notes, "spread": spread(scorer.scores(tables.values), tables)},
        metrics=metrics,
    )


def _notes(clicked: ClickedTables, learner: str, plan: ClickPlan) -> dict[str, object]:
    found = clicked.propensities
    return {
        "learner": learner,
        "queries": len(clicked.tables),
        "impressions": float(clicked.impressions.sum()),
        "clicks": float(clicked.clicks.sum()),
        "judged": int(np.isfinite(clicked.tables.gains).sum()),
        "judgment_weight": plan.judgment_weight,
        "propensities": {
            "estimator": found.estimator,
            "positions": found.positions.tolist(),
            "values": found.values.tolist(),
        },
        "trained": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _metrics(found: Sequence[Comparison], chosen: str) -> dict[str, object]:
    return {
        each.measure: {row.name: row.ndcg for row in each.rows if row.name in (LOGGING, chosen)}
        for each in found
    }
