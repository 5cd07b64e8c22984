"""Places exchanged by chance in answered searches, over a real index."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rankers.behavior import DAYS, BehaviorStore, publish
from rankers.diversity import diversify
from rankers.exploration import Swap
from rankers.rules import RuleSet, parse_rules
from search.arranging import ArrangingStage
from search.build import FixedRules, analyze, exploring
from search.errors import BadInput
from search.exploring import ExploringStage
from search.pipeline import Pipeline
from search.settings import ExplorationSettings, Settings
from search.types import Product, SearchRequest, SearchResponse, Slots
from tests.search.engines import shops
from tests.search.test_pipeline import WordVectors, pipeline

PRODUCTS = [Product(f"k{i:02}", "kettle" + " extra" * i, sales_rank=i) for i in range(12)]
CHANCE = 0.3


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Pipeline]:
    shops.build(tmp_path, PRODUCTS, WordVectors().encode([p.title for p in PRODUCTS]))
    opened = pipeline(tmp_path, frozenset({"words"}), WordVectors())
    yield varied(opened)
    await opened.engine.close()


def varied(shop: Pipeline, rules: str = "", **chosen: int) -> Pipeline:
    settings = ExplorationSettings.model_validate({"method": "swap", "last": 8, **chosen})
    parsed = FixedRules(parse_rules(rules, analyze, most=2) if rules else RuleSet())
    return replace(
        shop,
        arranging=ArrangingStage(parsed, diversify, shop.settings),
        exploring=ExploringStage(settings, Swap(CHANCE)),
    )


async def asked(shop: Pipeline, search: str, **more: object) -> SearchResponse:
    return await shop.search(SearchRequest("kettle", id=search, **more))  # type: ignore[arg-type]


def ids(response: SearchResponse) -> list[str]:
    return [hit.product.id for hit in response.hits]


async def test_only_places_within_bounds_change_and_each_list_says_how_probable_it_is(
    shop: Pipeline,
) -> None:
    plain = ids(await asked(shop, ""))
    lists: Counter[tuple[str, ...]] = Counter()
    said: dict[tuple[str, ...], float] = {}
    for n in range(600):
        response = await asked(shop, f"search-{n}")
        shown = ids(response)
        assert shown[:2] == plain[:2]
        assert shown[8:] == plain[8:]
        assert sorted(shown) == sorted(plain)
        assert [hit.score for hit in response.hits] == sorted(
            (hit.score for hit in response.hits), reverse=True
        )
        assert response.exploration == f"swap:{CHANCE}"
        lists[tuple(shown)] += 1
        said[tuple(shown)] = response.list_propensity
    assert len(lists) > 10
    often = [each for each, count in lists.items() if count >= 30]
    assert often
    for each in often:
        assert lists[each] / 600 == pytest.approx(said[each], abs=0.06)


async def test_the_places_logged_are_as_probable_as_they_say(shop: Pipeline) -> None:
    there: Counter[tuple[int, str]] = Counter()
    said: dict[tuple[int, str], float] = {}
    for n in range(600):
        response = await asked(shop, f"search-{n}")
        for place, (hit, probability) in enumerate(
            zip(response.hits, response.propensities, strict=True)
        ):
            there[place, hit.product.id] += 1
            said[place, hit.product.id] = probability
    for each, probability in said.items():
        assert there[each] / 600 == pytest.approx(probability, abs=0.07)


async def test_pages_of_one_search_neither_repeat_nor_miss_a_product(shop: Pipeline) -> None:
    for n in range(20):
        whole = ids(await asked(shop, f"search-{n}"))
        response = await asked(shop, f"search-{n}", size=3)
        paged, probabilities = ids(response), list(response.propensities)
        while response.cursor:
            # Later pages may come without the query id: the cursor has it.
            response = await asked(shop, "", size=3, cursor=response.cursor)
            paged += ids(response)
            probabilities += response.propensities
        assert paged == whole
        assert len(probabilities) == len(whole)


async def test_without_a_query_id_or_sorted_nothing_is_left_to_chance(shop: Pipeline) -> None:
    for response in (await asked(shop, ""), await asked(shop, "s", sort="price_asc")):
        assert response.exploration == ""
        assert response.propensities == ()
    assert len({tuple(ids(await asked(shop, ""))) for _ in range(20)}) == 1


async def test_pinned_products_stay_where_they_are_pinned(shop: Pipeline) -> None:
    pin = '[[rule]]\nid = "r"\nwhen = { query = "kettle" }\npin = [{ id = "k09", position = 4 }]\n'
    pinned = varied(shop, pin)
    orders = set()
    for n in range(60):
        response = await asked(pinned, f"search-{n}")
        assert ids(response)[3] == "k09"
        assert response.propensities[3] == 1
        orders.add(tuple(ids(response)))
    assert len(orders) > 3


async def test_what_chance_moved_is_said_when_asked(shop: Pipeline) -> None:
    plain = ids(await asked(shop, ""))
    varied = [await asked(shop, f"search-{n}", explain=True) for n in range(50)]
    response = next(each for each in varied if ids(each) != plain)
    moved = [hit for hit in response.hits if hit.moves]
    assert moved
    for hit in moved:
        (move,) = hit.moves
        assert move.kind == "chance"
        assert plain[(move.before or 0) - 1] == hit.product.id


async def test_a_failing_method_leaves_the_order(shop: Pipeline) -> None:
    class Broken:
        name = "broken"

        def __call__(self, slots: Slots, rng: np.random.Generator) -> object:
            raise RuntimeError("no luck")

    stage = ExploringStage(ExplorationSettings(), Broken())  # type: ignore[arg-type]
    response = await asked(replace(shop, exploring=stage), "search-1")
    assert ids(response) == ids(await asked(shop, ""))
    assert response.exploration == ""
    assert any("exploration" in each for each in response.fallbacks)


async def test_thompson_tries_what_hardly_anybody_saw_and_leaves_what_is_known(
    shop: Pipeline, tmp_path: Path
) -> None:
    known = tuple(each.id for each in PRODUCTS if each.id != "k06")
    counts = np.zeros((len(DAYS), 4, len(known)), np.float32)
    counts[:, 0], counts[:, 1] = 50_000, 5_000
    usual = np.full((len(DAYS), 3), 0.1)
    publish(BehaviorStore(1_700_000_000.0, known, counts, usual, {}), tmp_path)
    settings = Settings(
        data=tmp_path,
        exploration=ExplorationSettings(method="thompson", strength=1.0, share=0.5, last=9),
    )
    trying = replace(shop, exploring=exploring(settings))
    plain = ids(await asked(trying, ""))
    places: list[int] = []
    for n in range(60):
        shown = ids(await asked(trying, f"search-{n}"))
        places.append(shown.index("k06"))
        others = [each for each in shown if each != "k06"]
        assert others == [each for each in plain if each != "k06"]
    assert min(places) < plain.index("k06")
    assert np.mean([place == plain.index("k06") for place in places]) > 0.3


def test_two_positions_are_needed() -> None:
    bounds = ExplorationSettings(method="swap", first=5, last=5)
    with pytest.raises(BadInput, match="two positions"):
        exploring(Settings(exploration=bounds))
    assert exploring(Settings()) is None
