"""The stage that reads the best hits: what it moves, what it leaves, and what it falls back to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.candidates import Candidates
from search.errors import EncoderUnavailable
from search.pipeline import Pipeline
from search.ranking import RankingStage
from search.reader import PairScorer, Read, Reader
from search.reading import ReadingStage, best_hits, moved
from search.resilience import within
from search.seams import Ranker
from search.settings import RankingSettings
from search.types import (
    FeatureTable,
    Filter,
    Product,
    Query,
    Ranked,
    Ranking,
    Scores,
    SearchRequest,
    WordMatches,
)
from tests.search.arranged import understanding_as
from tests.search.test_pipeline import every_page
from tests.search.test_ranking_stage import REQUEST, Broken, ByTitleLength, Models, plain, shop

__all__ = ["plain", "shop"]


def by_length(query: str, text: str) -> float:
    return -float(len(text))


@dataclass
class Scorer:
    """A small honest cross-encoder; as it is, the shortest titles answer best."""

    likes: Callable[[str, str], float] = by_length
    name: str = "cross"
    weight: float = 1000.0
    spread: float = 1.0
    seconds: float = 0.0
    asked: list[tuple[str, Sequence[str]]] = field(default_factory=list)

    def scores(self, query: str, texts: Sequence[str]) -> Scores:
        self.asked.append((query, texts))
        time.sleep(self.seconds)
        return np.array([self.likes(query, text) for text in texts], np.float32)


def reading(search: Pipeline, scorer: PairScorer, most: int = 20) -> Pipeline:
    """The same with a cross-encoder."""
    ranking = RankingSettings(cross_encoder=scorer.name, read=most)
    settings = search.settings.model_copy(update={"ranking": ranking})
    reader = Reader(scorer.name, lambda name: scorer, settings)
    return replace(search, reading=ReadingStage(reader, settings))


def patient(search: Pipeline) -> Pipeline:
    """The same, with time for every stage however busy the machine is."""
    limits = search.settings.limits.model_copy(update={"stage_seconds": 30.0})
    settings = search.settings.model_copy(update={"limits": limits})
    retrieval = replace(search.retrieval, settings=settings)
    return replace(search, settings=settings, retrieval=retrieval)


def ranked_by(search: Pipeline, ranker: Ranker | None) -> Pipeline:
    settings = search.reading.settings if search.reading else search.settings
    return replace(search, ranking=RankingStage(Models(ranker), settings))


async def hits(search: Pipeline, request: SearchRequest = REQUEST) -> list[Product]:
    return [hit.product for hit in (await search.search(request)).hits]


async def ids(search: Pipeline, request: SearchRequest = REQUEST) -> list[str]:
    return [each.id for each in await hits(search, request)]


@st.composite
def candidates(draw: st.DrawFn) -> Candidates:
    """A fused order with ties, of which a model scored some, and the query names the first few."""
    count = draw(st.integers(2, 30))
    steps = draw(st.lists(st.sampled_from([0.0, 1e-7, 0.5]), min_size=count, max_size=count))
    scores = (np.cumsum(steps[::-1])[::-1] - 3).astype(np.float32)
    ordinals = np.array(draw(st.permutations(range(count))), np.int32)
    fused = Ranking(ordinals, scores)
    found = Candidates(
        fused,
        {"words": fused},
        WordMatches(fused),
        True,
        named=ordinals[: draw(st.integers(0, 3))],
    )
    if draw(st.booleans()):
        return found
    seen = np.sort(
        ordinals[np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))]
    )
    values = np.array(draw(st.lists(st.integers(-2, 2), min_size=len(seen), max_size=len(seen))))
    table = FeatureTable((), seen, np.empty((len(seen), 0), np.float32))
    spread = draw(st.sampled_from([None, 0.5]))
    ranker = cast(Ranker, SimpleNamespace(spread=spread, version="1"))
    return replace(found, ranked=Ranked(fused, table, values.astype(np.float64)), ranker=ranker)


@given(candidates(), st.integers(2, 25), st.randoms(use_true_random=False), st.floats(0, 3))
def test_only_the_best_that_were_scored_change_places(
    found: Candidates, most: int, drawn: Any, worth: float
) -> None:
    best = best_hits(found, most)
    if len(best.places) < 2:
        return
    scores = np.array([drawn.randint(-3, 3) for _ in best.places], np.float32)
    made = moved(found, best, Read(scores, worth))
    before, after = found.fused.ordinals, made.fused.ordinals
    assert sorted(after) == sorted(before)
    others = np.setdiff1d(np.arange(len(before)), best.places)
    assert after[others].tolist() == before[others].tolist()
    totals = best.base + worth * best.spread * scores.astype(np.float64)
    named = [before[place] not in found.named for place in best.places]
    order = sorted(range(len(totals)), key=lambda i: (named[i], -totals[i], i))
    assert after[best.places].tolist() == before[best.places][order].tolist()
    head = made.fused.scores[: best.places[-1] + 2]
    assert (np.diff(head) < 0).all()
    np.testing.assert_allclose(made.fused.scores, found.fused.scores, atol=1e-5)
    assert made.fused.scores[len(head) :].tolist() == found.fused.scores[len(head) :].tolist()
    told = made.stages["cross_encoder"]
    assert set(told.ordinals) == set(before[best.places])
    assert (np.diff(told.scores) <= 0).all()


@given(candidates(), st.integers(2, 25))
def test_what_is_read_counts_beside_what_the_model_gave(found: Candidates, most: int) -> None:
    best = best_hits(found, most)
    assert best.places.tolist() == sorted(set(best.places.tolist()))
    assert best.spread > 0
    for place, score in zip(best.places.tolist(), best.base.tolist(), strict=True):
        assert place < most
        if found.ranked is None or not len(found.ranked.scores):
            assert score == found.fused.scores[place]
            continue
        row = found.ranked.table.ordinals.tolist().index(found.fused.ordinals[place])
        assert score == found.ranked.scores[row]
    if found.ranked is not None and found.ranker is not None and found.ranker.spread:
        assert best.spread == 0.5 or not len(found.ranked.scores)


def test_scores_that_do_not_differ_have_a_spread_of_one() -> None:
    fused = Ranking(np.arange(3, dtype=np.int32), np.ones(3, np.float32))
    found = Candidates(fused, {}, WordMatches(fused), True)
    assert best_hits(found, 2).spread == 1.0


async def test_the_best_are_read_and_reordered_and_the_rest_follow(plain: Pipeline) -> None:
    scorer = Scorer()
    before = (await plain.search(REQUEST)).hits
    answer = await reading(plain, scorer).search(REQUEST)
    lengths = [len(hit.product.title) for hit in answer.hits[:20]]
    assert lengths == sorted(lengths)
    assert {hit.product.id for hit in answer.hits[:20]} == {hit.product.id for hit in before[:20]}
    assert [hit.product.id for hit in answer.hits[20:]] == [hit.product.id for hit in before[20:]]
    ((query, texts),) = scorer.asked
    assert query == "red kettle"
    assert texts == [hit.product.title for hit in before[:20]]
    scores = [hit.score for hit in answer.hits]
    assert (np.diff(scores[:21]) < 0).all()
    assert scores == pytest.approx([hit.score for hit in before])
    assert not answer.fallbacks
    assert answer.timings["read"] > 0


async def test_what_was_understood_of_the_query_is_what_is_read(plain: Pipeline) -> None:
    def corrected(query: Query) -> Query:
        return replace(query, corrected="red kettles")

    scorer = Scorer()
    await ids(reading(understanding_as(plain, corrected), scorer))
    assert scorer.asked[0][0] == "red kettles"


async def test_the_model_counts_beside_it(plain: Pipeline) -> None:
    ranker = ByTitleLength(spread=2.0)  # the longest titles first, at a point a letter
    for weight, sign in ((1.9, 1), (2.1, -1)):
        search = ranked_by(reading(plain, Scorer(weight=weight, spread=4.0)), ranker)
        lengths = [sign * -len(each.title) for each in (await hits(search))[:20]]
        assert lengths == sorted(lengths)


@pytest.mark.parametrize("request_", [replace(REQUEST, sort="price_asc"), SearchRequest("")])
async def test_sorted_searches_and_those_without_words_are_not_read(
    plain: Pipeline, request_: SearchRequest
) -> None:
    scorer = Scorer()
    assert await ids(reading(plain, scorer), request_) == await ids(plain, request_)
    assert not scorer.asked


async def test_a_single_hit_is_not_read(plain: Pipeline) -> None:
    scorer = Scorer()
    request = replace(REQUEST, filters=(Filter("id", ((await ids(plain))[0],)),))
    assert len(await ids(reading(plain, scorer), request)) == 1
    assert not scorer.asked


async def test_explained_hits_say_where_the_cross_encoder_has_them(plain: Pipeline) -> None:
    search = ranked_by(reading(plain, Scorer()), ByTitleLength())
    answer = await search.search(replace(REQUEST, explain=True))
    fused = {hit.product.id: hit.position for hit in (await plain.search(REQUEST)).hits}
    for hit in answer.hits:
        why = {each.stage: each for each in hit.why}
        assert why["fused"].rank == fused[hit.product.id]
        assert list(why)[-1] == "cross_encoder"
        if hit.position <= 20:
            assert why["cross_encoder"].rank == hit.position
            assert why["cross_encoder"].score == -len(hit.product.title)
        else:
            assert why["cross_encoder"].rank is None


@pytest.mark.parametrize("size", [1, 7, 24])
@pytest.mark.parametrize("ranker", [None, ByTitleLength()])
async def test_pages_neither_repeat_nor_miss_hits(
    plain: Pipeline, size: int, ranker: Ranker | None
) -> None:
    search = ranked_by(reading(patient(plain), Scorer()), ranker)
    pages = await every_page(search, replace(REQUEST, size=size))
    assert pages == await ids(search)
    assert len(set(pages)) == len(pages)


async def test_pages_that_began_unread_go_on_unread(plain: Pipeline) -> None:
    scorer = Scorer(seconds=1.0)
    search = ranked_by(reading(plain, scorer), ByTitleLength())
    unread = await ids(replace(search, reading=None))
    first = await search.search(replace(REQUEST, size=7))
    assert first.fallbacks == ("reading took too long: ranked order",)
    scorer.seconds = 0.0
    rest = await every_page(search, replace(REQUEST, size=7, cursor=first.cursor))
    assert [*(hit.product.id for hit in first.hits), *rest] == unread
    assert await ids(search) != unread


async def test_one_that_is_too_slow_leaves_the_order(plain: Pipeline) -> None:
    start = time.perf_counter()
    answer = await reading(plain, Scorer(seconds=1.5)).search(REQUEST)
    assert time.perf_counter() - start < 1.2
    assert [hit.product.id for hit in answer.hits] == await ids(plain)
    assert answer.fallbacks == ("reading took too long: ranked order",)


async def test_it_ends_with_its_share_of_the_requests_time(plain: Pipeline) -> None:
    search = reading(plain, Scorer(seconds=1.0))
    with within(0.2):
        answer = await search.search(replace(REQUEST, facets=()))
    assert answer.fallbacks == ("reading took too long: ranked order",)


async def test_one_that_is_too_slow_again_and_again_is_not_asked_for_a_while(
    plain: Pipeline,
) -> None:
    scorer = Scorer(seconds=0.4)
    search = reading(plain, scorer)
    said = [(await search.search(REQUEST)).fallbacks for _ in range(6)]
    assert said[:5] == [("reading took too long: ranked order",)] * 5
    assert said[5] == ("no cross-encoder: ranked order",)
    assert search.reading is not None
    await search.reading.reader.close()


@pytest.mark.parametrize("score", [np.nan, np.inf])
async def test_scores_that_are_no_numbers_leave_the_order(plain: Pipeline, score: float) -> None:
    answer = await reading(plain, Scorer(lambda query, text: score)).search(REQUEST)
    assert [hit.product.id for hit in answer.hits] == await ids(plain)
    assert answer.fallbacks == ("reading failed: ranked order only",)


async def test_a_server_starts_whatever_its_cross_encoder_does(
    plain: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    search = reading(plain, Scorer(lambda query, text: np.nan))
    assert search.reading is not None
    await search.reading.reader.open()
    assert "gave scores that are not numbers" in caplog.text


async def test_one_that_cannot_be_opened_leaves_the_order_and_says_so_once(
    plain: Pipeline, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = ["it is broken; train it again"]

    def opened(name: str) -> Scorer:
        if wrong:
            raise EncoderUnavailable(wrong[0])
        return Scorer()

    search = reading(plain, Scorer())
    assert search.reading is not None
    reader = Reader("cross", opened, plain.settings)
    search = replace(search, reading=replace(search.reading, reader=reader))
    await reader.open()
    for _ in range(3):
        answer = await search.search(REQUEST)
        assert [hit.product.id for hit in answer.hits] == await ids(plain)
        assert answer.fallbacks == ("no cross-encoder: ranked order",)
    assert reader.fault == wrong[0]
    assert [each.message for each in caplog.records] == [f"cross-encoder cross: {wrong[0]}"]
    wrong.clear()
    monkeypatch.setattr("search.encoders.RETRY_SECONDS", 0.0)
    assert not (await search.search(REQUEST)).fallbacks
    assert reader.fault is None


async def test_a_model_that_fails_is_read_after_all(plain: Pipeline) -> None:
    answer = await ranked_by(reading(plain, Scorer()), Broken()).search(REQUEST)
    assert [hit.product.id for hit in answer.hits] == await ids(reading(plain, Scorer()))
    assert answer.fallbacks == ("ranking failed: fused order only",)


async def test_what_the_query_names_stays_first(plain: Pipeline) -> None:
    title = (await hits(plain))[3].title

    def lookup(query: Query) -> Query:
        return replace(query, intent="product_lookup")

    request = replace(REQUEST, query=title)
    named = understanding_as(plain, lookup)
    against = reading(named, Scorer(lambda query, text: -1.0 if text == title else 1.0))
    for search in (against, ranked_by(against, ByTitleLength())):
        found = [each.title for each in await hits(search, request)]
        assert found[0] == title
        assert found[: found.count(title)] == [title] * found.count(title)


async def test_a_search_does_not_wait_long_for_others_that_read(plain: Pipeline) -> None:
    search = reading(plain, Scorer(seconds=0.25))
    found = await asyncio.gather(*(search.search(REQUEST) for _ in range(4)))
    unread = ["no cross-encoder: ranked order" in answer.fallbacks for answer in found]
    assert sorted(unread) == [False, True, True, True]
