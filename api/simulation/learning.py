"""The demo's ranking model: shoppers are simulated, what they click is learned from, and the gate
decides. Half of the queries are never asked, so that they can say what the model is worth."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from api.click_training import ClickTask, train_from_clicks
from api.evaluation import IndexSearcher
from api.promotion import Evidence, Examined, examine
from api.registry import registry_of
from api.settings import AppSettings
from api.simulation.answers import Progress
from api.simulation.offline import Plan, simulate_log
from api.simulation.shoppers import Shoppers
from api.simulation.truth import truth_of
from eval import Judgments, collect_runs, evaluate, folds, load_judgments
from rankers import load_model
from search.build import HYBRID, Search, open_search
from search.settings import MODEL_FILE, ExplorationSettings
from training.learners.training import ClickPlan, LearnedFromClicks
from training.simulation import click_model

NAME = "learned-from-simulated-clicks"
"""What the model is called; shows on /readyz."""
SWAP = 0.25
"""The probability that two neighbors of the page change places, from the top on: without that
nobody could tell how much of the clicks is due to the place."""
_METRIC = "ndcg@10"


@dataclass(frozen=True, slots=True)
class Lesson:
    """What to learn the demo's model from."""

    judgments: Path
    shoppers: int = 20_000
    days: float = 14.0
    seed: int = 7
    model: str = "ultra"
    plan: ClickPlan = field(default_factory=ClickPlan)


@dataclass(frozen=True, slots=True)
class Learned:
    """What became of it. `asked` queries were searched by the shoppers; `before` and `after` are
    the mean nDCG@10 of the other `held_out` ones by the shop's own truth, as `against` (a system)
    orders them and as the model does. `version` is the model's, `promoted` whether it serves,
    `reasons` why not."""

    shoppers: int
    days: float
    click_model: str
    searches: int
    clicks: int
    asked: int
    held_out: int
    learner: str
    version: str
    against: str
    before: float
    after: float
    promoted: bool
    reasons: tuple[str, ...] = ()

    def told(self) -> str:
        """All of it in a paragraph for people."""
        said = (
            f"{self.shoppers:,} simulated shoppers searched for {self.asked} of the shop's "
            f"{self.asked + self.held_out} queries over {self.days:g} days: {self.searches:,} "
            f"searches, {self.clicks:,} clicks, drawn by the click model {self.click_model!r}. "
            f"The ranking model {self.version} learned from these clicks alone ({self.learner}, "
            "with the bias of positions corrected). "
        )
        order = "fused order" if self.against == HYBRID else "order of the model before"
        held = f"On the other {self.held_out} queries, which nobody asked, nDCG@10 by the shop's "
        held += f"own truth is {self.before:.3f} in the {order} and {self.after:.3f} by the model"
        if self.promoted:
            return f"{said}{held}, so the gate let it serve."
        return (
            f"{said}{held}. The gate refused it, and the {order} stays: {'; '.join(self.reasons)}."
        )


def may_learn(settings: AppSettings) -> bool:
    """Whether a model that was learned here would replace nothing but another such."""
    ranking, served = settings.ranking, settings.data / MODEL_FILE
    if not ranking.enabled or ranking.model is not None:
        return False
    return not served.exists() or load_model(served).name == NAME


async def learn_shop(settings: AppSettings, lesson: Lesson, progress: Progress) -> Learned:
    """Simulates, learns, asks the gate, and puts the model to use if it may.

    Raises:
        BadInput: the judgments or the index cannot be used, or nothing was clicked.
        StorageFailed: the disk refused.
    """
    judged = load_judgments(lesson.judgments)
    half = folds(judged.relevant_queries(), 2, lesson.seed)[0]
    asked, held_out = judged.only(set(half.train)), judged.only(set(half.test))
    search = await open_search(settings)
    try:
        simulated = await simulate_log(settings.data, search, _plan(lesson, asked), progress)
        with tempfile.TemporaryDirectory(prefix="aisle-demo-") as folder:
            path = Path(folder, f"{NAME}.json")
            learned = await _train(settings, lesson, path, progress)
            progress("asking the gate", 0, 1)
            examined = await examine(search, path, Evidence(held_out))
            version = _keep(settings, path, lesson, examined)
        before = await _ndcg(search, examined.against, held_out)
        progress("asking the gate", 1, 1)
    finally:
        await search.close()
    verdict = examined.verdict
    return Learned(
        shoppers=lesson.shoppers,
        days=lesson.days,
        click_model=lesson.model,
        searches=simulated.tally.searches,
        clicks=simulated.tally.clicks,
        asked=len(half.train),
        held_out=len(half.test),
        learner=learned.learner,
        version=version,
        against=examined.against,
        before=before,
        after=before + next(c.delta for c in verdict.checks if c.name == "judgments"),
        promoted=verdict.passed,
        reasons=verdict.reasons,
    )


def _plan(lesson: Lesson, asked: Judgments) -> Plan:
    positions = 10
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Plan(
        Shoppers(truth_of(asked), lesson.shoppers, lesson.seed),
        click_model(lesson.model),
        midnight.timestamp(),
        lesson.days,
        positions,
        HYBRID,
        ExplorationSettings(method="swap", probability=SWAP, first=1, last=positions),
    )


async def _train(
    settings: AppSettings, lesson: Lesson, path: Path, progress: Progress
) -> LearnedFromClicks:
    """The one place where the demo meets training from clicks."""
    task = ClickTask(settings.data, (settings.data,), path, lesson.plan)
    return await train_from_clicks(task, lambda remark: None, progress)


async def _ndcg(search: Search, system: str, judgments: Judgments) -> float:
    """A system's mean nDCG@10."""
    runs, _ = await collect_runs(IndexSearcher(search), judgments, (system,), depth=100)
    report = evaluate(judgments, runs, metrics=(_METRIC,))
    return float(np.mean(report.systems[system].values[_METRIC]))


def _keep(settings: AppSettings, path: Path, lesson: Lesson, examined: Examined) -> str:
    """Adds the model to the registry, and promotes it if it may serve; its version."""
    registry = registry_of(settings)
    model = load_model(path)
    made_by = {
        "shoppers": lesson.shoppers,
        "days": lesson.days,
        "seed": lesson.seed,
        "click_model": lesson.model,
        "swap": SWAP,
    }
    lineage = {**model.training, "simulated": made_by}
    entry = registry.add(model, lineage, asdict(examined.verdict))
    if examined.verdict.passed:
        registry.promote(entry.version, "aisle demo: the gate passed")
    return entry.version
