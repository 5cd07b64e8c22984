"""What misspelled queries cost: judged queries with an error put into a word, searched with and
without understanding, beside the same queries spelled right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import numpy as np

from api.evaluation import IndexSearcher
from eval import Judgments, Mode, Report, Run, evaluate
from eval.runner import collect_runs
from query.spelling.noise import misspell_word
from query.text import tokens

METRIC = "ndcg@10"
SHORTEST = 4
"""Letters a word needs to be misspelled."""


def misspelled(query: str, random: Random) -> str:
    """The query with one typing error in one of its words; itself when it has none to err in."""
    lowered = query.lower()
    places = [t for t in tokens(lowered) if len(t.text) >= SHORTEST and t.text.isalpha()]
    if not places:
        return query
    place = random.choice(places)
    return lowered[: place.start] + misspell_word(place.text, random) + lowered[place.end :]


class Misspelling:
    """A searcher that asks the misspelled form of each query and answers for the right one."""

    def __init__(self, searcher: IndexSearcher, forms: Mapping[str, str]) -> None:
        self._searcher, self._forms = searcher, forms

    async def run(
        self,
        system: str,
        queries: Sequence[str],
        depth: int,
        candidates: Mapping[str, Sequence[str]] | None,
    ) -> Run:
        """See `eval.Searcher`."""
        named = None
        if candidates is not None:
            named = {self._forms[query]: candidates[query] for query in queries}
        forms = [self._forms[query] for query in queries]
        found = await self._searcher.run(system, forms, depth, named)
        return {query: found[form] for query, form in zip(queries, forms, strict=True)}


async def measure_misspelled(
    searcher: IndexSearcher, judgments: Judgments, mode: Mode, seed: int = 0
) -> Report:
    """Scores `hybrid` on the queries as judged, and on the misspelled ones with understanding
    (`misspelled`) and without (`misspelled, as typed`). Queries that hold no word to misspell are
    left out."""
    random = Random(seed)
    forms = {query: misspelled(query, random) for query in judgments.relevant_queries()}
    changed = {query: form for query, form in forms.items() if form != query}
    some = judgments.only(changed)
    wrong = Misspelling(searcher, changed)
    right, _ = await collect_runs(searcher, some, ["hybrid"], mode=mode, depth=10)
    hurt, _ = await collect_runs(wrong, some, ["hybrid", "hybrid-raw"], mode=mode, depth=10)
    runs = {
        "hybrid": right["hybrid"],
        "misspelled": hurt["hybrid"],
        "misspelled, as typed": hurt["hybrid-raw"],
    }
    return evaluate(some, runs, metrics=[METRIC], seed=seed)


def kept(report: Report, system: str, seed: int = 0, draws: int = 2_000) -> tuple[float, ...]:
    """The share of the right queries' mean nDCG@10 that a system keeps, with its 95% bootstrap
    interval over queries (percentile method; Efron and Tibshirani 1993, chapter 13)."""
    right = report.systems["hybrid"].values[METRIC]
    hurt = report.systems[system].values[METRIC]
    drawn = np.random.default_rng(seed).integers(0, len(right), (draws, len(right)))
    ratios = hurt[drawn].mean(axis=1) / np.maximum(right[drawn].mean(axis=1), 1e-12)
    low, high = np.percentile(ratios, [2.5, 97.5]).tolist()
    return float(hurt.mean() / right.mean()), low, high
