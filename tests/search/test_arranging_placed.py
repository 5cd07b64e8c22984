"""After ranking: pins and sponsored slots, over a real index."""

from __future__ import annotations

from dataclasses import replace

import pytest

from search.pipeline import Pipeline
from search.types import (
    Filter,
    Query,
)
from tests.search.arranged import arranging, ask, ids, rules, shop, understanding_as
from tests.search.test_understood_search import entity

__all__ = ["shop"]


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


async def test_forced_products_heed_the_shoppers_own_filters(shop: Pipeline) -> None:
    found = rules('sponsored = { positions = [1], ids = ["stand"], force = true }')
    acme = (Filter("brand", ("Acme",)),)
    assert "stand" not in ids(await ask(arranging(shop, found), filters=acme))


async def test_a_pin_that_an_understood_filter_keeps_out_is_counted(shop: Pipeline) -> None:
    def for_acme(query: Query) -> Query:
        return replace(query, entities=(entity("brand", "Acme", "acme"),))

    searching = understanding_as(shop, for_acme)
    found = arranging(searching, rules('pin = [{ id = "stand", position = 1 }]'))
    plain = await ask(searching, facets=("brand",))
    answer = await ask(found, facets=("brand",))
    assert ids(answer) == ["stand", *ids(plain)]
    assert answer.total == plain.total + 1
