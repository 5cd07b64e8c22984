"""Asks each system for its rankings of the judged queries, and evaluates them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from eval.judgments import Judgments
from eval.metrics import DEFAULT_METRICS
from eval.results import Report
from eval.runs import Run, pool, random_run
from eval.scoring import evaluate
from search.errors import BadInput

Mode = Literal["full", "rerank"]
"""`full`: search the whole catalogue. `rerank`: order the judged products of each query only."""

RANDOM = "random"
"""The name of the floor: it is made here, not asked for."""
DEPTH = 1000


class Searcher(Protocol):
    """Whatever can rank products with the systems it knows by name."""

    async def run(
        self,
        system: str,
        queries: Sequence[str],
        depth: int,
        candidates: Mapping[str, Sequence[str]] | None,
    ) -> Run:
        """For each query at most `depth` product ids by (−score, id). With `candidates`, only
        those of the query, all that the system can score.

        Raises:
            BadInput: there is no such system.
        """
        ...


async def evaluate_systems(
    searcher: Searcher,
    judgments: Judgments,
    systems: Sequence[str],
    *,
    mode: Mode = "full",
    metrics: Sequence[str] = DEFAULT_METRICS,
    depth: int = DEPTH,
    seed: int = 0,
) -> Report:
    """Runs the systems on the judged queries and evaluates them, `random` among them if named.

    Raises:
        BadInput: no system, one named twice, or as for `collect_runs` and `evaluate`.
    """
    runs, notes = await collect_runs(
        searcher, judgments, systems, mode=mode, depth=depth, seed=seed
    )
    return evaluate(judgments, runs, metrics=metrics, seed=seed, notes=notes)


async def collect_runs(
    searcher: Searcher,
    judgments: Judgments,
    systems: Sequence[str],
    *,
    mode: Mode = "full",
    depth: int = DEPTH,
    seed: int = 0,
) -> tuple[dict[str, Run], tuple[str, ...]]:
    """The rankings of each system, in the order named, and notes on what was odd about them.

    `random` shuffles the judged products when reranking. In full mode it shuffles the products
    that the other systems found for the query, so that it tells what their order is worth (a
    shuffle of a whole catalogue scores 0 and tells nothing).

    Raises:
        BadInput: no system, one named twice, or `random` alone in full mode.
    """
    _check(systems, mode)
    queries = judgments.relevant_queries()
    candidates = judgments.candidates() if mode == "rerank" else None
    if candidates is not None:
        depth = max(map(len, candidates.values()), default=0)
    runs: dict[str, Run] = {}
    notes: list[str] = []
    for system in systems:
        if system != RANDOM:
            run = await searcher.run(system, queries, depth, candidates)
            runs[system] = run if candidates is None else _complete(system, run, candidates, notes)
    if RANDOM in systems:
        drawn = random_run(pool(runs.values()) if candidates is None else candidates, seed)
        runs[RANDOM] = {query: products[:depth] for query, products in drawn.items()}
    return {system: runs[system] for system in systems}, tuple(notes)


def _check(systems: Sequence[str], mode: Mode) -> None:
    if not systems:
        raise BadInput("no system named; try --systems bm25,hybrid,random", field="systems")
    if len(set(systems)) != len(systems):
        raise BadInput(f"a system is named twice in {', '.join(systems)}", field="systems")
    if mode == "full" and set(systems) == {RANDOM}:
        raise BadInput(
            "random shuffles what other systems find; name one beside it, or use --mode rerank",
            field="systems",
        )


def _complete(
    system: str, run: Run, candidates: Mapping[str, Sequence[str]], notes: list[str]
) -> Run:
    """Every candidate exactly where the system put it; those it did not score last, by id."""
    complete: dict[str, Sequence[str]] = {}
    strangers = unscored = 0
    for query, products in candidates.items():
        known, ranked = set(products), run.get(query, ())
        kept = [product for product in ranked if product in known]
        rest = sorted(known.difference(kept))
        strangers += len(ranked) - len(kept)
        unscored += len(rest)
        complete[query] = (*kept, *rest)
    if strangers:
        notes.append(f"{system} returned {strangers} products that were not asked for; ignored")
    if unscored:
        notes.append(
            f"{system} did not score {unscored} judged products (not in the index, or nothing in"
            " common with the query); they stand last, by id"
        )
    return complete
