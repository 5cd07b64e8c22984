"""After ranking: stock, age, variety, pins and sponsored slots, over a real index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from query.text import words
from rankers.diversity import diversify
from rankers.rules import RuleSet, parse_rules
from search.arranging import ArrangingStage
from search.build import FixedRules, analyze
from search.errors import CursorExpired
from search.pipeline import Pipeline
from search.settings import DiversitySettings, RankingSettings, Settings
from search.types import (
    CategoryProbability,
    Delete,
    Filter,
    Product,
    Query,
    Ranking,
    SearchRequest,
    SearchResponse,
)
from search.understandings import Understandings
from tests.search.engines import shops
from tests.search.test_pipeline import WordVectors, pipeline
from tests.search.test_understood_search import Change, entity, understanding

NOON = 1_795_262_400.0
"""2026-11-21 12:00 UTC, in seconds since 1970."""
WORDS = frozenset({"words"})
PRODUCTS = [
    Product("best", "kettle kettle", brand="Acme", stock=0, sales_rank=3),
    Product("good", "kettle steel", brand="Acme", stock=5, group="g", sales_rank=4),
    Product("twin", "kettle steel", brand="Acme", stock=5, group="g", sales_rank=5),
    Product("fair", "kettle steel red", brand="Bo", created=date(2026, 11, 20), sales_rank=6),
    Product("poor", "kettle steel red tall", brand="Cleo", stock=1, sales_rank=7),
    Product("stand", "lamp stand", brand="Bo", price=5.0, sales_rank=1),
    Product("gone", "kettle left over", brand="Dun", sales_rank=8),
    Product("empty", "desk", brand="Bo", stock=0, sales_rank=2),
]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Pipeline]:
    shops.build(tmp_path, PRODUCTS, WordVectors().encode([p.title for p in PRODUCTS]))
    shops.change(tmp_path, [Delete("gone")])
    opened = pipeline(tmp_path, WORDS, WordVectors())
    yield opened
    await opened.engine.close()


def rules(*lines: str, when: str = '{ query = "kettle" }') -> RuleSet:
    text = f'[[rule]]\nid = "r"\nwhen = {when}\n' + "\n".join(lines)
    return parse_rules(text, analyze, most=2)


def stage_of(
    shop: Pipeline,
    found: RuleSet | None = None,
    stock: str = "keep",
    freshness: float = 0.0,
    diversity: DiversitySettings | None = None,
) -> ArrangingStage:
    ranking = RankingSettings.model_validate(
        {"out_of_stock": stock, "out_of_stock_loss": 0.3, "freshness": freshness}
    )
    chosen = diversity or DiversitySettings()
    settings = shop.settings.model_copy(update={"ranking": ranking, "diversity": chosen})
    return ArrangingStage(FixedRules(found or RuleSet()), diversify, settings, lambda: NOON)


def arranging(shop: Pipeline, found: RuleSet | None = None, **wanted: Any) -> Pipeline:
    return replace(shop, arranging=stage_of(shop, found, **wanted))


def ids(answer: SearchResponse) -> list[str]:
    return [hit.product.id for hit in answer.hits]


async def ask(shop: Pipeline, query: str = "kettle", **members: object) -> SearchResponse:
    return await shop.search(replace(SearchRequest(query), **members))  # type: ignore[arg-type]


async def test_without_rules_the_order_is_the_ranked_one(shop: Pipeline) -> None:
    assert ids(await ask(arranging(shop))) == ids(await ask(shop))
    assert ids(await ask(shop))[0] == "best"


async def test_what_is_sold_out_goes_down_and_not_away(shop: Pipeline) -> None:
    kept, down = await ask(arranging(shop)), await ask(arranging(shop, stock="down"))
    assert ids(kept)[0] == "best"
    assert ids(down)[0] == "good"
    assert sorted(ids(down)) == sorted(ids(kept))
    assert [each for each in ids(down) if each != "best"] == ids(kept)[1:]


async def test_what_is_sold_out_goes_down_in_a_list_without_words_too(shop: Pipeline) -> None:
    assert ids(await ask(arranging(shop), ""))[:4] == ["stand", "empty", "best", "good"]
    assert ids(await ask(arranging(shop, stock="down"), ""))[:4] == [
        "stand",
        "empty",  # so popular that it stays before those in stock
        "good",
        "best",
    ]


async def test_an_explanation_says_what_is_sold_out(shop: Pipeline) -> None:
    answer = await ask(arranging(shop, stock="down"), explain=True)
    told = {hit.product.id: [move.kind for move in hit.moves] for hit in answer.hits}
    assert told["best"] == ["stock"]
    assert told["good"] == []


async def test_a_sorted_list_keeps_the_shoppers_order(shop: Pipeline) -> None:
    found = rules('pin = [{ id = "poor", position = 1 }]', 'redirect = "/kettles"')
    asked = await ask(arranging(shop, found, stock="down"), sort="newest")
    assert ids(asked)[0] == "fair"
    assert (asked.redirect, asked.rules) == ("/kettles", ("r",))


async def test_what_is_new_gains_when_freshness_is_wanted(shop: Pipeline) -> None:
    assert ids(await ask(arranging(shop, freshness=1.0)))[0] == "fair"


async def test_boost_and_bury_move_by_a_share_of_the_best_score(shop: Pipeline) -> None:
    up = rules('boost = [{ filters = [{ name = "brand", values = ["Cleo"] }], weight = 1 }]')
    down = rules('bury = [{ filters = [{ name = "brand", values = ["Acme"] }], weight = 1 }]')
    raised = await ask(arranging(shop, up), explain=True)
    assert ids(raised)[0] == "poor"
    assert [(move.rule, move.kind) for move in raised.hits[0].moves] == [("r", "boost")]
    assert raised.hits[1].moves == ()
    assert ids(await ask(arranging(shop, down)))[:2] == ["fair", "poor"]


async def test_a_pin_may_bring_in_what_the_query_did_not_find(shop: Pipeline) -> None:
    found = arranging(shop, rules('pin = [{ id = "stand", position = 2 }]'))
    answer = await ask(found, explain=True, facets=("brand",))
    plain = await ask(shop, facets=("brand",))
    assert ids(answer)[1] == "stand"
    assert answer.hits[1].moves[0].before is None
    assert answer.total == plain.total + 1
    counts = {value.value: value.count for value in answer.facets[0].values}
    assert counts["Bo"] == 2
    assert (await ask(found)).total == answer.total


async def test_a_pin_where_nothing_matches_is_no_match(shop: Pipeline) -> None:
    found = rules('pin = [{ id = "stand", position = 1 }]', when='{ query = "zzz" }')
    answer = await ask(arranging(shop, found), "zzz")
    assert (ids(answer), answer.relaxation) == (["stand"], "none")


@pytest.mark.parametrize("pinned", ["gone", "never", "empty", "stand"])
async def test_a_pin_that_is_deleted_sold_out_or_filtered_away_is_not_shown(
    shop: Pipeline, pinned: str
) -> None:
    found = arranging(shop, rules(f'pin = [{{ id = "{pinned}", position = 1 }}]'))
    filters = (Filter("brand", ("Acme",)),) if pinned == "stand" else ()
    assert pinned not in ids(await ask(found, filters=filters))


async def test_a_sold_out_pin_holds_its_place_when_asked(shop: Pipeline) -> None:
    found = rules('pin = [{ id = "empty", position = 1, sold_out = true }]')
    assert ids(await ask(arranging(shop, found, stock="down")))[0] == "empty"


async def test_variants_of_a_pin_are_not_shown_beside_it(shop: Pipeline) -> None:
    found = arranging(shop, rules('pin = [{ id = "twin", position = 3 }]'))
    answer = await ask(found, group=True)
    assert ids(answer) == ["best", "fair", "twin", "poor"]
    assert answer.hits[2].variants == 1


async def test_sponsored_products_are_marked_matching_and_shown_once(shop: Pipeline) -> None:
    found = rules('sponsored = { positions = [1, 3], ids = ["stand", "poor", "fair"] }')
    answer = await ask(arranging(shop, found))
    assert ids(answer) == ["poor", "best", "fair", "good", "twin"]
    assert [hit.sponsored for hit in answer.hits] == [True, False, True, False, False]


async def test_forced_sponsored_products_need_not_match(shop: Pipeline) -> None:
    found = rules('sponsored = { positions = [2], ids = ["empty", "stand"], force = true }')
    answer = await ask(arranging(shop, found))
    assert ids(answer)[1] == "stand"
    assert answer.hits[1].sponsored


async def test_sponsored_products_may_be_chosen_by_a_filter(shop: Pipeline) -> None:
    found = rules(
        'sponsored = { positions = [1], filters = [{ name = "brand", values = ["Bo"] }] }'
    )
    answer = await ask(arranging(shop, found))
    assert [(hit.product.id, hit.sponsored) for hit in answer.hits[:2]] == [
        ("fair", True),
        ("best", False),
    ]


async def test_a_rules_filter_narrows_hits_facets_and_total(shop: Pipeline) -> None:
    found = rules('filters = [{ name = "brand", values = ["Acme"] }]')
    answer = await ask(arranging(shop, found), facets=("color", "brand"))
    assert sorted(ids(answer)) == ["best", "good", "twin"]
    assert answer.total == 3


async def test_a_filter_that_the_index_has_not_is_left_out_and_said(shop: Pipeline) -> None:
    found = rules('filters = [{ name = "attributes.unheard", values = ["x"] }]')
    answer = await ask(arranging(shop, found))
    assert len(answer.hits) == 5
    assert any("attributes.unheard" in each for each in answer.fallbacks)


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_pages_neither_repeat_nor_miss_a_product(shop: Pipeline, size: int) -> None:
    found = arranging(
        shop,
        rules(
            'pin = [{ id = "poor", position = 2 }, { id = "stand", position = 4 }]',
            'sponsored = { positions = [1, 3], ids = ["fair", "good"] }',
        ),
        stock="down",
    )
    whole = ids(await ask(found))
    assert whole[1] == "poor"
    assert whole[3] == "stand"
    first = await ask(found, size=size)
    pages, cursor = ids(first), first.cursor
    while cursor:
        page = await ask(found, size=size, cursor=cursor)
        pages, cursor = pages + ids(page), page.cursor
    assert sorted(pages) == sorted(whole)


@dataclass
class Changing:
    """Rules that a test changes while a shopper turns pages."""

    rules: RuleSet
    kept: tuple[RuleSet, ...] = ()
    fault: str | None = None

    def current(self) -> RuleSet:
        return self.rules

    def at(self, version: str) -> RuleSet | None:
        return next((each for each in self.kept if each.version == version), None)


async def test_further_pages_heed_the_rules_and_the_moment_of_the_first(shop: Pipeline) -> None:
    expiring = rules('pin = [{ id = "poor", position = 1 }]', "until = 2026-11-21T12:00:01Z")
    source, now = Changing(expiring, (expiring,)), [NOON]
    stage = replace(stage_of(shop), rules=source, clock=lambda: now[0])
    searching = replace(shop, arranging=stage)
    first = await ask(searching, size=2)
    assert ids(first) == ["poor", "best"]
    now[0] += 3600
    source.rules = rules('pin = [{ id = "best", position = 5 }]')
    second = await ask(searching, size=3, cursor=first.cursor)
    assert sorted(ids(first) + ids(second)) == ["best", "fair", "good", "poor", "twin"]
    source.kept = ()
    with pytest.raises(CursorExpired, match="rules"):
        await ask(searching, size=3, cursor=first.cursor)


async def test_a_rule_that_begins_today_holds(shop: Pipeline) -> None:
    found = rules('pin = [{ id = "poor", position = 1 }]', "from = 2026-11-21")
    assert ids(await ask(arranging(shop, found)))[0] == "poor"


async def test_forced_products_heed_the_shoppers_own_filters(shop: Pipeline) -> None:
    found = rules('sponsored = { positions = [1], ids = ["stand"], force = true }')
    acme = (Filter("brand", ("Acme",)),)
    assert "stand" not in ids(await ask(arranging(shop, found), filters=acme))


def understanding_as(shop: Pipeline, change: Change, refine: Change | None = None) -> Pipeline:
    opened = Understandings(lambda _: understanding(change, refine), words)
    return replace(shop, understandings=opened)


async def test_a_pin_that_an_understood_filter_keeps_out_is_counted(shop: Pipeline) -> None:
    def for_acme(query: Query) -> Query:
        return replace(query, entities=(entity("brand", "Acme", "acme"),))

    searching = understanding_as(shop, for_acme)
    found = arranging(searching, rules('pin = [{ id = "stand", position = 1 }]'))
    plain = await ask(searching, facets=("brand",))
    answer = await ask(found, facets=("brand",))
    assert ids(answer) == ["stand", *ids(plain)]
    assert answer.total == plain.total + 1


async def test_a_filter_for_a_category_known_late_still_holds(shop: Pipeline) -> None:
    def in_kitchen(query: Query) -> Query:
        return replace(query, categories=(CategoryProbability(("Kitchen",), 0.9),))

    acme = rules(
        'filters = [{ name = "brand", values = ["Acme"] }]', when='{ category = "Kitchen" }'
    )
    found = arranging(understanding_as(shop, lambda query: query, in_kitchen), acme)
    answer = await ask(found, facets=("brand",))
    assert sorted(ids(answer)) == ["best", "good", "twin"]
    assert answer.total == 3


async def test_a_product_asked_for_by_name_stays_first(shop: Pipeline) -> None:
    searching = understanding_as(
        shop, lambda query: query, lambda query: replace(query, intent="product_lookup")
    )
    found = arranging(searching, stock="down")
    for asked in ({}, {"diversity": 0.9}):
        assert ids(await ask(found, "kettle kettle", **asked))[0] == "best"


async def test_variety_is_asked_for_by_the_request(shop: Pipeline) -> None:
    varied = await ask(arranging(shop), diversity=0.9)
    plain = await ask(arranging(shop, diversity=DiversitySettings(strength=0.9)), diversity=0.0)
    assert sorted(ids(varied)) == sorted(ids(plain))
    assert ids(plain) == ids(await ask(shop))
    assert ids(varied) != ids(plain)
    copies = [ids(varied).index(each) for each in ("good", "twin")]
    assert abs(copies[0] - copies[1]) > 1


async def test_caps_bound_a_brand_among_the_first(shop: Pipeline) -> None:
    capped = DiversitySettings.model_validate({"caps": {"brand": 1}, "within": 3})
    answer = await ask(arranging(shop, diversity=capped))
    assert len({hit.product.brand for hit in answer.hits[:3]}) == 3


async def test_a_rule_that_breaks_leaves_the_ranked_order(shop: Pipeline) -> None:
    def broken(*args: object, **options: object) -> Ranking:
        raise RuntimeError("broken")

    stage = replace(stage_of(shop), diversify=broken)
    answer = await ask(replace(shop, arranging=stage), diversity=0.5)
    assert ids(answer) == ids(await ask(shop))
    assert any("rules failed" in each for each in answer.fallbacks)


def test_settings_refuse_a_cap_of_nothing_known() -> None:
    with pytest.raises(ValueError, match="caps"):
        Settings.model_validate({"diversity": {"caps": {"colour": 2}}})
    assert np.isclose(Settings().ranking.out_of_stock_loss, 0.1)
