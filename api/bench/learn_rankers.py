"""`aisle bench learn --part learners`: what correcting clicks is worth where the truth is known.

Clicks are simulated (ULTRA's model) on LETOR's example files and on the generated shop, under a
weak, a random and a strong logging ranker. Every seed draws its own queries to learn from, loggers
and clicks; propensities are estimated from these clicks; models are judged by true labels on
queries that no part of learning saw.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.bench.learn import LearnPlan
from api.settings import load_settings
from api.training import collect
from eval import load_judgments
from fixtures import generate_shop
from search.build import open_search
from search.errors import BadInput
from training import Tables, read_letor, stack
from training.comparison import difference
from training.learners import LEARNERS, LearnerSettings, clicked_tables
from training.learners.clicked import ClickedTables
from training.learners.evidence import gathered
from training.learners.lambdamart import fit_labels
from training.learners.logger import strength_of_logger
from training.measures import yardstick
from training.propensity import estimator
from training.scorers import Scorer
from training.simulation import click_model, product_id, query_text, simulate_counts
from training.simulation.worlds import World
from training.trees import fit_trees

Say = Callable[[str], None]
Values = NDArray[np.float64]
DEPTH = 10
SESSIONS = 200_000
SEEDS, QUICK_SEEDS = 10, 2
MODEL = "ultra"
TRUTH = "truth"
LOGGERS = ("weak", "random", "strong")
QUICK = ("naive", "poisson", "eb-labels")
_RANDOM = 200
_NOISE = 0.3
"""What a strong logger's scores are off the truth, in grades: a near-oracle."""
_CANDIDATES = 60
_TRAIN = 250
PLAIN = (("sales_rank_log", -1), ("price", -1), ("rating", 1))
"""The shop's weak loggers: best sellers, cheapest, best rated first, whatever was asked for."""


@dataclass(frozen=True, slots=True)
class Data:
    """Queries with true gains on all candidates. `top` is the best gain; `split` gives the queries
    to learn from and to judge on for a seed; `weak` the scores of a weak logger's rankers."""

    name: str
    top: float
    split: Callable[[int], tuple[Tables, Tables]]
    weak: Callable[[Tables, int], list[Values]]


@dataclass(frozen=True, slots=True)
class Gate:
    """One promise, and whether it was kept."""

    name: str
    value: float
    bound: str
    kept: bool


def letor_data(folder: Path) -> Data:
    """LightGBM's ranking example; the weak logger's rankers learned from 1% of the labels each
    (Joachims et al., WSDM 2017)."""
    train = read_letor(folder / "rank.train")
    width = train.values.shape[1]
    test = read_letor(folder / "rank.test", width)
    train = read_letor(folder / "rank.train", max(width, test.values.shape[1]))
    long = [i for i in range(len(train)) if np.diff(train.offsets)[i] >= DEPTH]
    kept = train.take(long)
    return Data("letor", 4.0, lambda _: (kept, test), _learned_from_little)


def _learned_from_little(train: Tables, seed: int) -> list[Values]:
    rng = np.random.default_rng([seed, 11])
    found = []
    for _ in range(3):
        few = train.take(rng.choice(len(train), max(1, len(train) // 100), replace=False))
        settings = replace(LearnerSettings().trees, rounds=50, least_rows=5, seed=seed)
        trees = fit_trees(few, np.zeros(len(few.query)), settings)
        found.append(trees.scores(train.values))
    return found


async def shop_data(data: Path, judgments: Path) -> Data:
    """The generated shop: its index's candidates, judged by construction (what a query does not
    list is irrelevant)."""
    search = await open_search(load_settings(data))
    try:
        tables, _ = await collect(search, load_judgments(judgments), depth=_CANDIDATES)
    finally:
        await search.close()
    judged = [
        replace(each, gains=np.nan_to_num(each.gains))
        for each in tables.queries
        if len(each.products) >= DEPTH
    ]
    everything = stack(judged, tables.schema)

    def split(seed: int) -> tuple[Tables, Tables]:
        order = np.random.default_rng([seed, 12]).permutation(len(everything))
        return everything.take(order[:_TRAIN]), everything.take(order[_TRAIN:])

    return Data("shop", float(everything.gains.max()), split, _plain_orders)


def _plain_orders(train: Tables, seed: int) -> list[Values]:
    names = train.schema.names
    return [
        np.nan_to_num(sign * train.values[:, names.index(name)].astype(np.float64), nan=-1e9)
        for name, sign in PLAIN
    ]


def logging_scores(data: Data, train: Tables, logger: str, seed: int) -> list[Values]:
    """The scores of the rankers that answered, each as often as the others."""
    if logger == "weak":
        return data.weak(train, seed)
    rng = np.random.default_rng([seed, 13])
    size = len(train.query)
    if logger == "random":
        return [rng.random(size) for _ in range(_RANDOM)]
    noise = _NOISE * data.top / 3
    return [train.gains + noise * rng.standard_normal(size) for _ in range(3)]


def logged(data: Data, train: Tables, scores: Sequence[Values], seed: int) -> ClickedTables:
    """What shoppers of these rankers clicked, with propensities estimated from it."""
    width = int(np.diff(train.offsets).max())
    named = stack(
        [
            replace(
                each,
                query=query_text(i),
                products=tuple(product_id(i * width + d) for d in range(len(each.products))),
            )
            for i, each in enumerate(train.queries)
        ],
        train.schema,
    )
    counts = simulate_counts(_world(data, named, scores, width), click_model(MODEL), SESSIONS, seed)
    return clicked_tables(named, counts, estimator()(counts))


def _world(data: Data, tables: Tables, scores: Sequence[Values], width: int) -> World:
    count = len(tables)
    grades = np.zeros((count, width))
    orders = np.zeros((len(scores), count, DEPTH), np.int32)
    for i, (first, last) in enumerate(
        zip(tables.offsets[:-1].tolist(), tables.offsets[1:].tolist(), strict=True)
    ):
        grades[i, : last - first] = tables.gains[first:last] * 4 / data.top
        for ranker, each in enumerate(scores):
            orders[ranker, i] = np.argsort(-each[first:last], kind="stable")[:DEPTH]
    shares = np.full(len(scores), 1 / len(scores))
    return World(grades, orders, np.full(count, 1 / count), shares)


def measure(data: Data, logger: str, seed: int, names: Sequence[str]) -> dict[str, float]:
    """Mean nDCG@10 on true labels of queries never seen, by learner; `TRUTH` learned from the true
    labels of all candidates; `warned` is 1 where the report would warn."""
    train, test = data.split(seed)
    scores = logging_scores(data, train, logger, seed)
    clicked = logged(data, train, scores, seed)
    settings = replace(LearnerSettings(), seed=seed)
    evidence = gathered(clicked, 0.0, None, seed)
    measured = yardstick(test)

    def ndcg(scorer: Scorer) -> float:
        return float(measured.ndcg(scorer.scores(test.values)).mean())

    found = {name: ndcg(LEARNERS[name](evidence, settings)) for name in names}
    strength = strength_of_logger(clicked)
    shown = [yardstick(train).ndcg(each).mean() for each in scores[:3]]
    found |= {"logger": float(np.mean(shown)), "warned": float(bool(strength.warning))}
    found |= {"agreement": strength.agreement, "saturation": strength.saturation}
    found["unevenness"] = strength.unevenness
    if logger == "weak":
        found[TRUTH] = ndcg(fit_labels(clicked, np.asarray(train.gains), settings))
    return found


def run(plan: LearnPlan, say: Say) -> dict[str, Any]:
    """Everything, and the gates: LETOR files from the public data, the shop generated and indexed.

    Raises:
        BadInput: there are no LETOR files.
    """
    folder, directory = plan.real / "ltr", plan.directory / "learners"
    if not (folder / "rank.train").exists():
        raise BadInput(
            f"there is no {folder / 'rank.train'}; name the folder of public data with --real"
        )
    shop, index = indexed_shop(directory)
    sets = (letor_data(folder), asyncio.run(shop_data(index, shop / "judgments.csv")))
    return measured_on(sets, QUICK_SEEDS if plan.quick else SEEDS, say)


def measured_on(sets: Sequence[Data], seeds: int, say: Say) -> dict[str, Any]:
    """Every learner on each set under each logger, as plain values."""
    found = {each.name: _of(each, seeds, say) for each in sets}
    return {
        "seeds": seeds,
        "sessions": SESSIONS,
        "click_model": MODEL,
        "data": {name: {k: _summary(v) for k, v in own.items()} for name, own in found.items()},
        "gates": [asdict(gate) for name, own in found.items() for gate in gates(name, own)],
    }


def indexed_shop(directory: Path) -> tuple[Path, Path]:
    """The generated shop's files and its index, made where they are not there yet."""
    shop = directory / "shop"
    if not (shop / "judgments.csv").exists():
        generate_shop(shop)
    return shop, _indexed(shop, directory / "index")


def _indexed(shop: Path, data: Path) -> Path:
    from indexer.build import build_index
    from indexer.catalogue import open_catalogue

    if not (data / "CURRENT").exists():
        rejects = data.with_suffix(".rejects.jsonl")
        files = (shop / "products.jsonl",)
        rows = open_catalogue(files, preset="aisle", mapping_file=None, rejects_path=rejects)
        build_index(rows, load_settings(data))
    return data


Found = Mapping[str, Values]
"""What was measured, one value a seed."""


def _of(data: Data, seeds: int, say: Say) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for logger in LOGGERS:
        rows = []
        names = tuple(LEARNERS) if logger == "weak" else QUICK
        for seed in range(seeds):
            rows.append(measure(data, logger, seed, names))
            say(
                f"{data.name}, {logger} logger, seed {seed}: "
                + ", ".join(f"{name} {rows[-1][name]:.4f}" for name in QUICK)
            )
        found[logger] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return found


def _summary(found: Found) -> dict[str, Any]:
    naive = found["naive"]
    orders = [name for name in found if name in LEARNERS or name == TRUTH]
    rest = ("logger", "warned", "agreement", "saturation", "unevenness")
    return {
        "orders": {
            name: {
                "ndcg@10": float(found[name].mean()),
                "vs_naive": asdict(difference(found[name] - naive)),
            }
            for name in orders
        },
        **{name: float(found[name].mean()) for name in rest},
    }


def gates(name: str, found: Mapping[str, Found]) -> Iterator[Gate]:
    """What eb-labels, the usual learner, must show."""
    gaps = {kind: float((own["eb-labels"] - own["naive"]).mean()) for kind, own in found.items()}
    yield Gate(
        f"{name}: weak logger, corrected − naive", gaps["weak"], ">= .02", gaps["weak"] >= 0.02
    )
    even = gaps["random"]
    yield Gate(
        f"{name}: random logger, |corrected − naive|", abs(even), "<= .01", abs(even) <= 0.01
    )
    strong = gaps["strong"]
    yield Gate(f"{name}: strong logger, corrected − naive", strong, ">= -.015", strong >= -0.015)
    warned = float(found["strong"]["warned"].mean())
    yield Gate(f"{name}: strong logger, share of seeds warned", warned, "1", warned == 1.0)
    weak = found["weak"]
    room = float((weak[TRUTH] - weak["naive"]).mean())
    share = gaps["weak"] / room if room > 0 else float("nan")
    yield Gate(f"{name}: weak logger, share of the gap closed", share, ">= .6", share >= 0.6)


def tables(result: Mapping[str, Any]) -> str:
    """The same for people, in Markdown."""
    lines = ["| data | logger | order | nDCG@10 | − naive |", "|---|---|---|---|---|"]
    for data, loggers in result["data"].items():
        for logger, found in loggers.items():
            for name, own in found["orders"].items():
                gap = own["vs_naive"]
                interval = f"{gap['delta']:+.4f} [{gap['low']:+.4f}, {gap['high']:+.4f}]"
                lines.append(f"| {data} | {logger} | {name} | {own['ndcg@10']:.4f} | {interval} |")
    lines += ["", "| gate | value | bound | kept |", "|---|---|---|---|"]
    for gate in result["gates"]:
        kept = "yes" if gate["kept"] else "**no**"
        lines.append(f"| {gate['name']} | {gate['value']:.4f} | {gate['bound']} | {kept} |")
    return "\n".join(lines)
