"""The stage that orders candidates by a model: what it hands over, and what it falls back to."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from query.text import words
from query.understanding import Understanding
from search.engines import ENGINES
from search.errors import CursorExpired
from search.fusion import FUSIONS
from search.pipeline import Pipeline
from search.ranking import RankingStage
from search.retrieval import Retrieval
from search.seams import Facts, Ranker
from search.settings import LimitSettings, Settings
from search.types import (
    Contributions,
    FeatureTable,
    Pool,
    Product,
    Ranked,
    Ranking,
    SearchRequest,
    Shopper,
)
from search.understandings import Understandings
from tests.search.engines import shops
from tests.search.test_pipeline import WordVectors, every_page, products


@dataclass
class ByTitleLength:
    """A small honest ranker: the longest titles first."""

    version: str = "1"
    name: str = "longest"
    depth: int = 40
    sign: float = 1.0
    seconds: float = 0.0
    spread: float | None = None
    pools: list[Pool] = field(default_factory=list)

    def rank(self, facts: Facts, pool: Pool) -> Ranked:
        self.pools.append(pool)
        time.sleep(self.seconds)
        head = pool.ranking.ordinals[: self.depth]
        values = np.take(facts.columns.numbers("title_length"), head)[:, None]
        scores = self.sign * values[:, 0].astype(np.float64)
        order = np.argsort(-scores, kind="stable")
        ordinals = np.concatenate([head[order], pool.ranking.ordinals[self.depth :]])
        falling = -np.arange(len(ordinals), dtype=np.float32)
        return Ranked(Ranking(ordinals, falling), FeatureTable(("length",), head, values), scores)

    def explain(self, table: FeatureTable) -> Contributions:
        return Contributions(1.0, self.sign * table.values.astype(np.float64) - 1)


class Broken(ByTitleLength):
    def rank(self, facts: Facts, pool: Pool) -> Ranked:
        raise ZeroDivisionError("a defect")


class Unexplained(ByTitleLength):
    def explain(self, table: FeatureTable) -> Contributions:
        raise OSError("no library")


@dataclass
class Models:
    """The model in use, and those lately in use."""

    now: Ranker | None
    fault: str | None = None
    held: dict[str, Ranker] = field(default_factory=dict)

    def current(self) -> Ranker | None:
        return self.now

    def at(self, version: str) -> Ranker | None:
        known = self.held if self.now is None else {self.now.version: self.now} | self.held
        return known.get(version)


@pytest.fixture
def shop(tmp_path: Path) -> list[Product]:
    made = products()
    shops.build(tmp_path, made, WordVectors().encode([each.title for each in made]))
    return made


@pytest.fixture
async def plain(shop: list[Product], tmp_path: Path) -> AsyncIterator[Pipeline]:
    settings = Settings(data=tmp_path, threads=2, limits=LimitSettings(stage_seconds=0.3))
    encoder = WordVectors()
    fusion = FUSIONS[settings.fusion.method](settings.fusion)
    opened = Pipeline(
        "plain",
        ENGINES["embedded"](settings),
        Understandings(lambda _: Understanding(), words),
        Retrieval(lambda _: encoder, fusion, frozenset({"words", "meaning"}), settings),
        settings,
    )
    await opened.search(SearchRequest("red kettle"))
    yield opened
    await opened.engine.close()


def ranked_by(plain: Pipeline, models: Models) -> Pipeline:
    return replace(plain, name="ranked", ranking=RankingStage(models, plain.settings))


REQUEST = SearchRequest("red kettle", size=100)


async def ids(search: Pipeline, request: SearchRequest = REQUEST) -> list[str]:
    return [hit.product.id for hit in (await search.search(request)).hits]


async def test_the_best_candidates_are_reordered_and_the_rest_follow(plain: Pipeline) -> None:
    ranker = ByTitleLength()
    fused = await plain.search(REQUEST)
    answer = await ranked_by(plain, Models(ranker)).search(REQUEST)
    titles = [hit.product.title for hit in answer.hits]
    before = {hit.product.id: hit.position for hit in fused.hits}
    head = sorted(fused.hits[:40], key=lambda hit: (-len(hit.product.title), hit.position))
    assert [hit.product.id for hit in answer.hits[:40]] == [hit.product.id for hit in head]
    assert [before[hit.product.id] for hit in answer.hits[40:]] == list(range(41, len(titles) + 1))
    assert answer.model is not None
    assert (answer.model.name, answer.model.version) == ("longest", "1")
    assert not answer.fallbacks
    assert answer.timings["rank"] > 0


async def test_the_model_is_given_what_each_retriever_found(plain: Pipeline) -> None:
    ranker = ByTitleLength()
    shopper = Shopper(clicked=("p003", "gone", "p001"), bought=("p007",), device="mobile", hour=9)
    await ranked_by(plain, Models(ranker)).search(replace(REQUEST, shopper=shopper))
    (pool,) = ranker.pools
    assert {"words", "meaning"} <= set(pool.stages)
    assert pool.vector is not None
    view = await plain.engine.view()
    assert pool.clicked.tolist() == [await view.find("p003"), await view.find("p001")]
    assert pool.bought.tolist() == [await view.find("p007")]
    assert pool.shopper is shopper
    assert pool.today == pytest.approx(time.time() / 86_400, abs=1)


async def test_a_model_that_fails_leaves_the_fused_order_and_is_named(plain: Pipeline) -> None:
    answer = await ranked_by(plain, Models(Broken())).search(REQUEST)
    assert [hit.product.id for hit in answer.hits] == await ids(plain)
    assert answer.fallbacks == ("ranking failed: fused order only",)
    assert answer.model is None


async def test_a_model_that_takes_too_long_leaves_the_fused_order(plain: Pipeline) -> None:
    start = time.perf_counter()
    answer = await ranked_by(plain, Models(ByTitleLength(seconds=1.5))).search(REQUEST)
    assert time.perf_counter() - start < 1.2
    assert [hit.product.id for hit in answer.hits] == await ids(plain)
    assert answer.fallbacks == ("ranking took too long: fused order",)


async def test_without_a_model_the_answer_says_so(plain: Pipeline) -> None:
    answer = await ranked_by(plain, Models(None)).search(REQUEST)
    assert [hit.product.id for hit in answer.hits] == await ids(plain)
    assert answer.fallbacks == ("no ranking model: fused order",)


@pytest.mark.parametrize("request_", [replace(REQUEST, sort="price_asc"), SearchRequest("")])
async def test_a_sorted_search_and_one_without_words_ask_no_model(
    plain: Pipeline, request_: SearchRequest
) -> None:
    ranker = ByTitleLength()
    answer = await ranked_by(plain, Models(ranker)).search(request_)
    assert not ranker.pools
    assert not answer.fallbacks


async def test_pages_go_on_with_the_model_of_the_first(plain: Pipeline) -> None:
    old, new = ByTitleLength("old"), ByTitleLength("new", sign=-1.0)
    models = Models(old)
    search = ranked_by(plain, models)
    whole = await ids(search)
    first = await search.search(replace(REQUEST, size=7))
    models.now, models.held = new, {"old": old}
    rest = await every_page(search, replace(REQUEST, size=7, cursor=first.cursor))
    assert [*(hit.product.id for hit in first.hits), *rest] == whole
    assert await ids(search) != whole


async def test_pages_that_began_without_a_model_go_on_without(plain: Pipeline) -> None:
    models = Models(Broken())
    search = ranked_by(plain, models)
    first = await search.search(replace(REQUEST, size=7))
    models.now = ByTitleLength()
    rest = await every_page(search, replace(REQUEST, size=7, cursor=first.cursor))
    assert [*(hit.product.id for hit in first.hits), *rest] == await ids(plain)


async def test_a_cursor_of_a_model_that_is_no_longer_held_has_expired(plain: Pipeline) -> None:
    models = Models(ByTitleLength("old"))
    search = ranked_by(plain, models)
    first = await search.search(replace(REQUEST, size=7))
    models.now = ByTitleLength("new")
    with pytest.raises(CursorExpired, match="start again from the first page"):
        await search.search(replace(REQUEST, size=7, cursor=first.cursor))


async def test_hits_carry_what_the_model_saw_and_with_explain_what_it_added(
    plain: Pipeline,
) -> None:
    search = ranked_by(plain, Models(ByTitleLength()))
    answer = await search.search(REQUEST)
    for hit in answer.hits[:40]:
        assert hit.scored is not None
        assert list(hit.scored.values) == [len(hit.product.title)]
        assert not hit.scored.contributions
    assert all(hit.scored is None for hit in answer.hits[40:])
    explained = await search.search(replace(REQUEST, explain=True))
    for hit in explained.hits[:40]:
        assert hit.scored is not None
        assert sum(hit.scored.contributions) + hit.scored.base == hit.scored.score
        assert {each.stage: each.rank for each in hit.why}["model"] == hit.position


async def test_scores_that_cannot_be_explained_are_given_without(plain: Pipeline) -> None:
    search = ranked_by(plain, Models(Unexplained()))
    answer = await search.search(replace(REQUEST, explain=True, size=3))
    assert answer.fallbacks == ("explanation failed: scores only",)
    scored = [hit.scored for hit in answer.hits]
    assert all(each is not None and each.contributions == () for each in scored)
