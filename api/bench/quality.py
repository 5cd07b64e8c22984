"""Quality on judged catalogues: the shipped configuration beside plain baselines and a random
floor, and the nested cross-validation that chose it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from api.bench.catalogue import share_encodings
from api.bench.misspelled import kept, measure_misspelled
from api.evaluation import IndexSearcher
from eval import (
    Judgments,
    Mode,
    Report,
    Run,
    evaluate,
    evaluate_systems,
    load_judgments,
    nested_selection,
    report_json,
)
from fixtures import generate_shop
from indexer.build import build_index
from indexer.catalogue import open_catalogue
from search.build import open_search
from search.settings import Settings

PLAIN = {"title": 1, "description": 1, "tags": 1, "brand": 1, "color": 1, "category": 1}
"""Weights of a plain BM25 over concatenated text."""
TITLE_WEIGHTS = (3, 1, 2, 4, 5)
BONUSES = (0.1, 0.0, 0.2, 0.4)
MEANING_WEIGHTS = (0.5, 0.3, 0.7, 0.9, 1.2)
"""The grid that nested selection chooses from; the shipped values come first and so win ties."""
METRIC = "ndcg@10"
SHOP = "shop"
"""The generated demo shop, judged by construction: made, not read."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A catalogue with human judgments. `mode` is `rerank` where raters saw few products each."""

    name: str
    preset: str | None
    mode: Mode = "full"


CATALOGUES = (
    Judged("esci", "esci"),
    Judged("icecat", "icecat"),
    Judged("crowdflower", None),
    Judged("homedepot", None, "rerank"),
    Judged(SHOP, "aisle"),
)
CHOSEN_ON = ("esci", "icecat")


@dataclass(frozen=True, slots=True)
class Configuration:
    """One point of the grid."""

    title_weight: int
    bonus: float
    meaning_weight: float

    def settings(self, data: Path) -> Settings:
        """The shipped settings with this point's values."""
        shipped = Settings(data=data)
        weights = {**shipped.index.weights, "title": self.title_weight}
        return shipped.model_copy(
            update={
                "index": shipped.index.model_copy(update={"weights": weights}),
                "words": shipped.words.model_copy(update={"every_word_bonus": self.bonus}),
                "fusion": shipped.fusion.model_copy(update={"meaning_weight": self.meaning_weight}),
            }
        )


def variants(data: Path) -> dict[str, tuple[Settings, str]]:
    """Systems by name: the settings each runs with, and the pipeline it names."""
    shipped = Settings(data=data)
    no_bonus = shipped.words.model_copy(update={"every_word_bonus": 0.0})
    plain = Settings(data=data.with_name(f"{data.name}-plain"), words=no_bonus)
    ranked = shipped.fusion.model_copy(update={"method": "reciprocal_rank"})
    return {
        "plain bm25": (plain, "bm25-raw"),
        "bm25": (shipped, "bm25"),
        "dense": (shipped, "dense"),
        "reciprocal rank": (shipped.model_copy(update={"fusion": ranked}), "hybrid"),
        "hybrid, as typed": (shipped, "hybrid-raw"),
        "bm25, as typed": (shipped, "bm25-raw"),
        "hybrid": (shipped, "hybrid"),
    }


@dataclass(frozen=True, slots=True)
class VariantSearcher:
    """Runs each named system on its own opened index."""

    systems: Mapping[str, tuple[IndexSearcher, str]]

    async def run(
        self,
        system: str,
        queries: Sequence[str],
        depth: int,
        candidates: Mapping[str, Sequence[str]] | None,
    ) -> Run:
        """See `eval.Searcher`."""
        searcher, name = self.systems[system]
        return await searcher.run(name, queries, depth, candidates)


@asynccontextmanager
async def opened(variants: Mapping[str, tuple[Settings, str]]) -> AsyncIterator[VariantSearcher]:
    """Opens every variant; closes them at the end."""
    searches = {}
    for name, (settings, _) in variants.items():
        searches[name] = await open_search(settings, query_cache=100_000)
    try:
        yield VariantSearcher({n: (IndexSearcher(s), variants[n][1]) for n, s in searches.items()})
    finally:
        for search in searches.values():
            await search.close()


def index(judged: Judged, real: Path, settings: Settings) -> None:
    """Indexes one catalogue of `real`."""
    files = sorted((real / judged.name).glob("products.*"))
    rejects = settings.data.with_suffix(".rejects.jsonl")
    share_encodings(settings.data, settings.data.parent / "encoders")
    rows = open_catalogue(files, preset=judged.preset, mapping_file=None, rejects_path=rejects)
    build_index(rows, settings)


async def measure(
    judged: Judged, real: Path, data: Path, say: Callable[[str], None]
) -> tuple[Report, Report]:
    """Indexes a catalogue twice, plainly and as shipped, and scores every variant; then what
    misspelled queries cost."""
    chosen = variants(data)
    say(f"Indexing {judged.name} ...")
    index(judged, real, chosen["hybrid"][0])
    plain = chosen["plain bm25"][0]
    without = plain.meaning.model_copy(update={"encoder": "none"})
    text = plain.index.model_copy(update={"weights": {**PLAIN, "attributes": 1}})
    index(judged, real, plain.model_copy(update={"meaning": without, "index": text}))
    say(f"Scoring {judged.name} ...")
    judgments = load_judgments(real / judged.name / "judgments.csv")
    async with opened(chosen) as searcher:
        names = (*chosen, "random")
        report = await evaluate_systems(searcher, judgments, names, mode=judged.mode)
        shipped, _ = searcher.systems["hybrid"]
        return report, await measure_misspelled(shipped, judgments, judged.mode)


async def cross_validate(real: Path, directory: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Nested five-fold selection over the grid, ten repeats, both catalogues with one
    configuration: what is chosen, and the held-out scores of the whole procedure."""
    grid = [Configuration(*p) for p in itertools.product(TITLE_WEIGHTS, BONUSES, MEANING_WEIGHTS)]
    scores: dict[str, list[np.ndarray[Any, Any]]] = {}
    queries: dict[str, tuple[str, ...]] = {}
    for judged in (c for c in CATALOGUES if c.name in CHOSEN_ON):
        judgments = load_judgments(real / judged.name / "judgments.csv")
        rows = []
        for weight in TITLE_WEIGHTS:
            data = directory / f"{judged.name}-title-{weight}"
            points = [point for point in grid if point.title_weight == weight]
            say(f"{judged.name}: {len(points)} configurations with title weight {weight} ...")
            index(judged, real, points[0].settings(data))
            for point in points:
                rows.append(await _score(point.settings(data), judgments))
        queries[judged.name] = judgments.relevant_queries()
        scores[judged.name] = rows
    names = [f"{name}: {query}" for name in scores for query in queries[name]]
    strata = [name for name in scores for _ in queries[name]]
    matrix = np.array([np.concatenate(row) for row in zip(*scores.values(), strict=True)])
    selection = nested_selection(matrix, names, strata=strata, repeats=10)
    labels = np.array(strata)
    picked, times = np.unique(selection.chosen, return_counts=True)
    return {
        "configurations": len(grid),
        "final": str(grid[selection.final]),
        "chosen": {str(grid[row]): int(n) for row, n in zip(picked, times, strict=True)},
        "held_out": {n: float(selection.held_out[labels == n].mean()) for n in scores},
        "shipped": {n: float(matrix[0][labels == n].mean()) for n in scores},
    }


async def _score(settings: Settings, judgments: Judgments) -> np.ndarray[Any, Any]:
    # What was typed: retrieval is chosen apart from what understanding adds.
    async with opened({"hybrid": (settings, "hybrid-raw")}) as searcher:
        run = await searcher.run("hybrid", judgments.relevant_queries(), 10, None)
    report = evaluate(judgments, {"hybrid": run}, metrics=[METRIC])
    return report.systems["hybrid"].values[METRIC]


def made_shop(directory: Path) -> Path:
    """The folder that holds the generated shop's."""
    made = directory / "made"
    generate_shop(made / SHOP)
    return made


async def run_quality(
    real: Path, directory: Path, say: Callable[[str], None], *, choose: bool
) -> dict[str, Any]:
    """Every figure of docs/quality.md, as plain values.

    Raises:
        BadInput: the catalogues are not there.
    """
    catalogues = {}
    for judged in CATALOGUES:
        source = made_shop(directory) if judged.name == SHOP else real
        if (source / judged.name).is_dir():
            report, hurt = await measure(judged, source, directory / judged.name, say)
            catalogues[judged.name] = {
                "mode": judged.mode,
                **report_json(report),
                "misspelled": {
                    "queries": len(hurt.queries),
                    "ndcg@10": {
                        name: asdict(system.scores[METRIC]) for name, system in hurt.systems.items()
                    },
                    "kept": {name: kept(hurt, name) for name in hurt.systems if name != "hybrid"},
                },
            }
    found: dict[str, Any] = {"catalogues": catalogues}
    if choose:
        found["selection"] = await cross_validate(real, directory, say)
    return found
