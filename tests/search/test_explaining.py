"""Where hits stood before something moved them, and how long that took."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from rankers.diversity import diversify
from search.explaining import explain_places
from search.pipeline import Pipeline
from search.types import Hit, Ranking, SearchRequest, SearchResponse
from tests.search.arranged import arranging, ask, ids, rules, shop, stage_of
from tests.search.test_reading import Scorer, reading

__all__ = ["shop"]


def by_id(answer: SearchResponse) -> dict[str, Hit]:
    return {hit.product.id: hit for hit in answer.hits}


async def test_every_explained_hit_says_where_it_stood_before_rules(shop: Pipeline) -> None:
    plain = ids(await ask(arranging(shop)))
    pinned = rules('pin = [{ id = "poor", position = 1 }, { id = "stand", position = 2 }]')
    found = arranging(shop, pinned, stock="down")
    hits = by_id(await ask(found, explain=True))
    assert hits.keys() == {*plain, "stand"}
    assert {each: hit.before for each, hit in hits.items()} == {
        **{each: place for place, each in enumerate(plain, 1)},
        "stand": None,
    }
    assert [hit.behind for hit in hits.values()] == [0, 1, *[2] * (len(hits) - 2)]
    assert all((hit.before, hit.behind) == (None, 0) for hit in (await ask(found)).hits)
    assert all(hit.before is None for hit in (await ask(found, explain=True, sort="newest")).hits)


async def test_places_before_rules_count_groups_where_groups_are_shown(shop: Pipeline) -> None:
    pinned = rules('pin = [{ id = "poor", position = 1 }]')
    hits = by_id(await ask(arranging(shop, pinned), explain=True, group=True))
    assert [hit.before for hit in hits.values()] == [4, 1, 2, 3]


async def test_a_pinned_version_stood_where_its_group_did(shop: Pipeline) -> None:
    pinned = rules('pin = [{ id = "twin", position = 4 }]')
    read = reading(shop, Scorer(), most=3)
    hits = by_id(await ask(arranging(read, pinned), explain=True, group=True))
    twin = hits["twin"]
    assert (twin.position, twin.before, twin.moves[0].before) == (4, 1, 1)
    assert twin.reading is not None
    assert (twin.reading.before, twin.reading.after) == (2, 1)


async def test_explained_hits_say_what_reading_made_of_them(shop: Pipeline) -> None:
    read = reading(shop, Scorer(spread=4.0), most=3)
    fused = [hit.score for hit in (await ask(shop)).hits]
    unit = 1000 / 4.0 * np.std(fused)
    for searching in (read, arranging(read)):
        hits = list(by_id(await ask(searching, explain=True)).values())
        before = ids(await ask(shop))
        for hit in hits[:3]:
            assert hit.reading is not None
            assert hit.reading.score == -len(hit.product.title)
            assert hit.reading.weight == 1000
            assert hit.reading.added / hit.reading.score == pytest.approx(unit)
            assert hit.reading.after == hit.position
            assert hit.reading.before == before.index(hit.product.id) + 1
        assert [hit.reading for hit in hits[3:]] == [None] * len(hits[3:])
        assert hits[0].product.id != before[0]
        assert all(hit.reading is None for hit in (await ask(searching)).hits)


async def test_a_place_asked_about_alone_knows_the_same(shop: Pipeline) -> None:
    pinned = rules('pin = [{ id = "poor", position = 1 }]')
    found = await explain_places(arranging(shop, pinned), SearchRequest("kettle"), ["poor", "best"])
    hits = [place.hit for place in found.places]
    assert [(hit.position, hit.before) for hit in hits if hit] == [(1, 5), (2, 1)]


async def test_variety_has_a_time_of_its_own(shop: Pipeline) -> None:
    def slowly(ranking: Ranking, *args: object, **options: object) -> Ranking:
        time.sleep(0.2)
        return diversify(ranking, *args, **options)  # type: ignore[arg-type]

    stage = replace(stage_of(shop), diversify=slowly)
    searching = replace(shop, arranging=stage)
    varied = await ask(searching, diversity=0.5)
    assert varied.timings["diversity"] >= 200
    together = varied.timings["rules"] + varied.timings["diversity"]
    assert together <= varied.timings["total"]
    assert "diversity" not in (await ask(searching)).timings
