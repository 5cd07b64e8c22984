"""After ranking: stock, age, variety, pins and sponsored slots, over a real index."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from rankers import diversity
from rankers.rules import RuleSet
from search.errors import CursorExpired
from search.pipeline import Pipeline
from search.settings import DiversitySettings, Settings
from search.types import (
    CategoryProbability,
    Query,
    Ranking,
)
from tests.search.arranged import NOON, arranging, ask, ids, rules, shop, stage_of, understanding_as
from tests.search.test_reading import Scorer, reading

__all__ = ["shop"]


async def test_without_rules_the_order_is_the_ranked_one(shop: Pipeline) -> None:
    assert ids(await ask(arranging(shop))) == ids(await ask(shop))
    assert ids(await ask(shop))[0] == "best"


async def test_what_is_sold_out_goes_down_and_not_away(shop: Pipeline) -> None:
    kept, down = await ask(arranging(shop)), await ask(arranging(shop, stock="down"))
    assert ids(kept)[0] == "best"
    assert ids(down)[0] == "good"
    assert sorted(ids(down)) == sorted(ids(kept))
    assert [each for each in ids(down) if each != "best"] == ids(kept)[1:]


async def test_what_is_sold_out_goes_down_however_well_it_reads(shop: Pipeline) -> None:
    read = reading(shop, Scorer(lambda query, text: text == "kettle kettle"))
    kept, down = await ask(arranging(read)), await ask(arranging(read, stock="down"))
    assert ids(kept)[0] == "best"
    assert ids(down) == ids(await ask(arranging(shop, stock="down")))
    last = reading(shop, Scorer(lambda query, text: text != "kettle kettle"))
    assert ids(await ask(arranging(last, stock="down")))[-1] == "best"


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
    best = next(hit for hit in answer.hits if hit.product.id == "best")
    assert [move.before for move in best.moves] == [1]
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
    assert raised.hits[0].moves[0].before == ids(await ask(arranging(shop))).index("poor") + 1
    assert raised.hits[1].moves == ()
    assert ids(await ask(arranging(shop, down)))[:2] == ["fair", "poor"]


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


async def test_no_search_compiles_what_chooses_varied_hits(shop: Pipeline) -> None:
    before = list(diversity._choose.signatures)  # type: ignore[attr-defined]
    assert len(before) == 1
    caps = {"brand": 1, "group": 2, "attributes.material": 1}
    for chosen in (DiversitySettings(), DiversitySettings(caps=caps), DiversitySettings(first=2)):
        for asked in ("kettle", ""):
            answer = await ask(arranging(shop, diversity=chosen), asked, diversity=0.3)
            assert answer.fallbacks == ()
            assert "diversity" in answer.timings
    assert list(diversity._choose.signatures) == before  # type: ignore[attr-defined]


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
