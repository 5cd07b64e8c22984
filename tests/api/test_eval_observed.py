"""What is noted while an index answers: where relevant products stood before the model ordered
them, and what products that nobody returned are called."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from api.evaluating.observed import Observed
from api.evaluation import IndexSearcher
from api.settings import load_settings
from eval import load_judgments
from search import fallbacks
from search.build import open_search
from search.engines.embedded.view import EmbeddedView
from search.errors import AisleError
from search.resilience import note
from search.retrieval import Trace
from search.types import Ranking, SearchRequest, WordMatches
from tests.api.ranked import written


async def test_places_are_those_of_the_candidates_and_the_model_saw_the_first(
    indexed: Path, shop_files: Path, tmp_path: Path
) -> None:
    judged = load_judgments(shop_files / "judgments.csv")
    queries = judged.relevant_queries()[:8]
    model = f"ltr:{written(tmp_path / 'turned.json', -1.0)}"
    search = await (await open_search(load_settings(indexed))).with_model(model)
    try:
        observed = Observed(judged)
        searcher = IndexSearcher(search, observed)
        run = await searcher.run("bm25", queries, 1000, None)
        await searcher.run(model, queries, 50, None)
        view = await search.engine.view()
        stages = observed.stages()
        assert (stages["bm25"].first_stage, observed.version) == (None, view.version)
        counts = []
        for query in queries:
            found = await search.systems["bm25"].candidates(view, SearchRequest(query), Trace())
            ids = [product.id for product in await view.products(found.fused.ordinals)]
            relevant = {p for p, gain in judged.gains[query].items() if gain > 0}
            ranked = {p: place for place, p in enumerate(run[query], 1) if p in relevant}
            assert stages["bm25"].places[query] == ranked
            expected = {p: place for place, p in enumerate(ids, 1) if p in relevant}
            counts.append(len(found.fused))
            # Words and meaning find the same where there is no meaning; the model saw 100 of it.
            assert stages[model].places[query] == expected
        assert stages[model].first_stage == min(100, max(counts))
        assert observed.models.keys() == {model}
    finally:
        await search.close()


async def test_products_that_no_system_returned_are_looked_up(
    indexed: Path, shop_files: Path
) -> None:
    judged = load_judgments(shop_files / "judgments.csv")
    query = judged.relevant_queries()[0]
    known = max(judged.gains[query], key=lambda p: judged.gains[query][p])
    judged = judged.only([query])
    search = await open_search(load_settings(indexed))
    try:
        view = await search.engine.view()
        observed = Observed(judged)
        assert await observed.look_up(view, {query: (known, "no such product")}) == (1, 2)
        assert list(observed.titles) == [known]
        await IndexSearcher(search, observed).run("bm25", [query], 1, None)
        await observed.complete(view)
        relevant = {p for p, gain in judged.gains[query].items() if gain > 0}
        assert relevant <= observed.titles.keys()
        assert observed.categories[known]
        assert observed.unknown() == 0
    finally:
        await search.close()


@pytest.mark.parametrize("late", [1, 99])
async def test_an_answer_that_lacks_a_part_of_the_index_is_not_measured(
    indexed: Path, shop_files: Path, monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    """As of a busy server: the query is asked again, and refused when that goes on."""
    query = load_judgments(shop_files / "judgments.csv").relevant_queries()[0]
    answer, calls = EmbeddedView.words, count(1)

    async def partly(self: EmbeddedView, *asked: Any, **how: Any) -> WordMatches:
        if next(calls) > late:
            return await answer(self, *asked, **how)
        note(fallbacks.PART)
        return WordMatches(Ranking.empty())

    search = await open_search(load_settings(indexed))
    try:
        whole = await IndexSearcher(search).run("bm25", [query], 10, None)
        assert whole[query]
        monkeypatch.setattr(EmbeddedView, "words", partly)
        if late == 1:
            assert await IndexSearcher(search).run("bm25", [query], 10, None) == whole
        else:
            with pytest.raises(AisleError, match=r"did not rank .*: part of the index unavail"):
                await IndexSearcher(search).run("bm25", [query], 10, None)
    finally:
        await search.close()
