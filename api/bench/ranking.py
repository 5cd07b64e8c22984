"""What two stages lose against scoring every candidate, and what ranking costs by stage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from api.bench.latency import one_client
from api.bench.tables import table
from api.evaluation import IndexSearcher
from eval import Judgments, collect_runs, evaluate
from search.build import LTR, Search, open_search
from search.settings import RankingSettings, Settings
from search.types import SearchRequest

DEPTHS = (50, 100, 200, 400, 1000)
METRIC = "ndcg@10"
_STAGES = ("fused", "linear")
_PATIENCE = 60.0
"""Seconds a stage may take while quality is measured: a busy machine must not change it."""


async def run_ranking(
    settings: Settings, judgments: Judgments, model: Path, say: Callable[[str], None],
    depths: Sequence[int] = DEPTHS, speed_queries: int = 300,
) -> dict[str, Any]:  # fmt: skip
    """nDCG@10 at each depth, by what chooses the candidates to score, and the difference from
    scoring all of them; then milliseconds by stage at each depth, one client, nothing cached.

    Raises:
        NotFound, BadInput: the model cannot be used on this index.
    """
    runs = {}
    for stage in _STAGES:
        for depth in depths:
            say(f"Ranking the best {depth} by the {stage} score ...")
            runs[f"{stage} {depth}"] = await _run(settings, judgments, model, stage, depth)
    report = evaluate(judgments, runs, metrics=(METRIC,))
    whole = f"fused {max(depths)}"
    speed = {}
    queries = judgments.relevant_queries()[:speed_queries]
    for depth in depths:
        say(f"Measuring {len(queries)} queries, {depth} candidates ranked ...")
        speed[depth] = await _speed(settings, model, depth, queries)
    return {
        "model": str(model),
        "queries": len(report.queries),
        "quality": {name: asdict(each.scores[METRIC]) for name, each in report.systems.items()},
        "against": whole,
        "loss": _losses(report, whole),
        "milliseconds": speed,
    }


def _with(settings: Settings, stage: str, depth: int) -> Settings:
    chosen = {"first_stage": stage, "depth": depth}
    ranking = RankingSettings(**{**settings.ranking.model_dump(), **chosen, "enabled": False})
    limits = settings.limits.model_copy(update={"stage_seconds": _PATIENCE})
    return settings.model_copy(update={"ranking": ranking, "limits": limits})


async def _run(
    settings: Settings, judgments: Judgments, model: Path, stage: str, depth: int
) -> Mapping[str, Sequence[str]]:
    name = f"{LTR}{model}"
    search = await (await open_search(_with(settings, stage, depth))).with_model(name)
    try:
        runs, _ = await collect_runs(IndexSearcher(search), judgments, [name], depth=100)
    finally:
        await search.close()
    return runs[name]


def _losses(report: Any, whole: str) -> dict[str, dict[str, float]]:
    """How much less each run scores than the one that scored everything: mean, interval, p."""
    losses = {}
    for pair in report.comparisons:
        if whole in (pair.a, pair.b):
            name, sign = (pair.b, 1) if pair.a == whole else (pair.a, -1)
            low, high = sorted((sign * pair.low, sign * pair.high))
            found = {"loss": sign * pair.delta, "low": low, "high": high, "p": pair.p}
            losses[name] = {each: value + 0.0 for each, value in found.items()}  # no -0
    return losses


async def _speed(
    settings: Settings, model: Path, depth: int, queries: Sequence[str]
) -> dict[str, Any]:
    name = f"{LTR}{model}"
    search: Search = await open_search(_with(settings, "fused", depth))
    search = await search.with_model(name)
    try:
        measured = await one_client(search, queries, lambda text: SearchRequest(text, system=name))
    finally:
        await search.close()
    return {stage: asdict(spent) for stage, spent in measured.stages.items()}


def ranking_tables(result: dict[str, Any]) -> str:
    """Quality by depth, then milliseconds by stage."""
    quality = [
        [name, f"{score['mean']:.4f}", _loss(result["loss"].get(name))]
        for name, score in result["quality"].items()
    ]
    stages: dict[str, list[object]] = defaultdict(list)
    depths = list(result["milliseconds"])
    for name in dict.fromkeys(s for depth in depths for s in result["milliseconds"][depth]):
        for depth in depths:
            spent = result["milliseconds"][depth].get(name)
            stages[name].append(f"{spent['p50']:.2f} / {spent['p99']:.2f}" if spent else "")
    head = ["milliseconds, p50 / p99", *(f"{depth} ranked" for depth in depths)]
    return "\n\n".join((
        f"### {METRIC} over {result['queries']} queries by what is ranked",
        table(["first stage and depth", METRIC, f"loss against {result['against']}"], quality),
        table(head, [[name, *cells] for name, cells in stages.items()]),
    ))  # fmt: skip


def _loss(found: dict[str, float] | None) -> str:
    if found is None:
        return ""
    return f"{found['loss']:+.4f} [{found['low']:+.4f}, {found['high']:+.4f}] ({found['p']:.3f})"
