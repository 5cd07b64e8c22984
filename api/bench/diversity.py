"""What variety and stock cost in quality, and what they win, on a judged catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from api.bench.tables import table
from eval import Judgments, evaluate, load_judgments, paired_t, rank_by_score
from search.build import Search, open_search
from search.pipeline import Pipeline
from search.seams import View
from search.settings import DiversitySettings, RankingSettings, RulesSettings, Settings
from search.types import Ordinals, SearchRequest

FIRST = 10
METRIC = f"ndcg@{FIRST}"
STRENGTHS = (0.1, 0.2, 0.3, 0.5, 0.7)
CAPS: Sequence[Mapping[str, int]] = ({"brand": 3}, {"brand": 2}, {"category": 5})
LOSSES = (0.1, 0.2, 0.3, 1.0)
OFF = "as ranked"
PLAIN = DiversitySettings()
WITHOUT = RulesSettings(enabled=False)
KEPT = RankingSettings(out_of_stock="keep")


@dataclass(frozen=True, slots=True)
class Variant:
    """How hits are arranged."""

    name: str
    diversity: DiversitySettings = PLAIN
    ranking: RankingSettings = KEPT


@dataclass(frozen=True, slots=True)
class Measured:
    """One variant: its nDCG@10, what that differs by and how surely (paired t-test over queries),
    and of the first ten hits the different brands and categories, the mean inner product of every
    two, and the share that is sold out (null where a catalogue does not say)."""

    name: str
    ndcg: float
    delta: float
    p: float
    brands: float
    categories: float
    similarity: float | None
    sold_out: float | None


def variants() -> list[Variant]:
    """The plain order first."""
    found = [Variant(OFF)]
    found += [Variant(f"strength {s:g}", DiversitySettings(strength=s)) for s in STRENGTHS]
    found += [
        Variant(" ".join(f"{name} at most {cap}" for name, cap in caps.items()), _capped(caps))
        for caps in CAPS
    ]
    found += [
        Variant(f"sold out loses {loss:g}", ranking=RankingSettings(out_of_stock_loss=loss))
        for loss in LOSSES
    ]
    return found


def _capped(caps: Mapping[str, int]) -> DiversitySettings:
    return DiversitySettings(caps=dict(caps))


async def measure_diversity(data: Path, judgments: Path, system: str = "hybrid") -> list[Measured]:
    """Every variant over the queries with a relevant product, on an index that exists.

    Raises:
        BadInput, IndexMissing: there is no such system, index or file of judgments.
    """
    judged = load_judgments(judgments)
    search = await open_search(Settings(data=data, rules=WITHOUT), query_cache=100_000)
    try:
        pipeline = search.system(SearchRequest("", system=system))
        runs, looks = {}, {}
        for each in variants():
            arranged = _pipeline(pipeline, each)
            runs[each.name], looks[each.name] = await _run(search, arranged, judged)
    finally:
        await search.close()
    report = evaluate(judged, runs, metrics=[METRIC])
    values = {name: report.systems[name].values[METRIC] for name in runs}
    return [_measured(name, values, looks[name]) for name in runs]


def _pipeline(pipeline: Pipeline, variant: Variant) -> Pipeline:
    assert pipeline.arranging is not None
    settings = pipeline.settings.model_copy(
        update={"diversity": variant.diversity, "ranking": variant.ranking}
    )
    return replace(pipeline, arranging=replace(pipeline.arranging, settings=settings))


async def _run(
    search: Search, pipeline: Pipeline, judged: Judgments
) -> tuple[dict[str, Sequence[str]], list[tuple[float, ...]]]:
    view = await search.engine.view()
    run: dict[str, Sequence[str]] = {}
    looks = []
    for query in judged.relevant_queries():
        found = await pipeline.search(SearchRequest(query, size=FIRST))
        run[query] = rank_by_score({hit.product.id: -hit.position for hit in found.hits})
        places = [await view.find(hit.product.id) for hit in found.hits]
        looks.append(await _look(view, np.array(places, np.int32)))
    return run, looks


async def _look(view: View, page: Ordinals) -> tuple[float, ...]:
    """Different brands and categories, similarity and the share that is sold out."""
    if not len(page):
        return (np.nan,) * 4
    kinds = [np.unique(np.take(view.columns.codes(n), page)) for n in ("brand", "category")]
    vectors = await view.compute(lambda facts: facts.vectors(page))
    near = np.nan
    if vectors is not None and len(page) > 1:
        near = float((vectors @ vectors.T)[np.triu_indices(len(page), 1)].mean())
    stock = np.take(view.columns.numbers("stock"), page)
    out = float((stock <= 0).mean()) if not np.isnan(stock).all() else np.nan
    return float((kinds[0] >= 0).sum()), float((kinds[1] >= 0).sum()), near, out


def _measured(
    name: str, values: Mapping[str, np.ndarray], looks: Sequence[tuple[float, ...]]
) -> Measured:
    difference = values[name] - values[OFF]
    means = [
        None if np.isnan(column).all() else float(np.nanmean(column))
        for column in np.array(looks).T
    ]
    return Measured(
        name=name,
        ndcg=float(values[name].mean()),
        delta=float(difference.mean()),
        p=float(paired_t(difference[:, None])[0]),
        brands=means[0] or 0.0,
        categories=means[1] or 0.0,
        similarity=means[2],
        sold_out=means[3],
    )


def diversity_table(rows: Sequence[Measured]) -> str:
    """The figures as a Markdown table."""
    head = ("", METRIC, "difference", "p", "brands", "categories", "similarity", "sold out")
    return table(head, (_cells(row) for row in rows))


def _cells(row: Measured) -> list[str]:
    return [
        row.name,
        f"{row.ndcg:.4f}",
        f"{row.delta:+.4f}",
        f"{row.p:.3f}",
        f"{row.brands:.2f}",
        f"{row.categories:.2f}",
        *("–" if value is None else f"{value:.3f}" for value in (row.similarity, row.sold_out)),
    ]
