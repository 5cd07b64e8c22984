"""Answers that several systems give together, over a real index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from rankers.diversity import diversify
from rankers.rules import RuleSet, parse_rules
from search.arranging import ArrangingStage
from search.build import FixedRules, Search, analyze, exploring
from search.encoders import Encoders
from search.errors import BadInput
from search.parts import follow_models, follow_rules
from search.ranking import RankingStage
from search.retrieval import Candidates, Trace
from search.seams import View
from search.settings import ExplorationSettings, Settings
from search.types import (
    UNTREATED,
    Interleaving,
    Product,
    Ranking,
    SearchRequest,
    SearchResponse,
    Treatment,
)
from tests.search.engines import shops
from tests.search.test_pipeline import WordVectors, pipeline

PRODUCTS = [
    Product(f"k{i:02}", "kettle" + " extra" * i, group=f"g{i // 2}", brand=f"b{i % 3}", stock=5)
    for i in range(12)
]


class Backwards(RankingStage):
    """Another ranker: the fused order from its end."""

    __slots__ = ()

    async def rank(
        self,
        view: View,
        found: Candidates,
        request: SearchRequest,
        trace: Trace,
        version: str | None = None,
    ) -> Candidates:
        ranking = found.fused
        turned = Ranking(ranking.ordinals[::-1].copy(), ranking.scores)
        return replace(found, fused=turned)


class Failing(RankingStage):
    """A ranker that falls back."""

    __slots__ = ()

    async def rank(
        self,
        view: View,
        found: Candidates,
        request: SearchRequest,
        trace: Trace,
        version: str | None = None,
    ) -> Candidates:
        trace.failed("ranking", "fused order", RuntimeError("no"))
        return found


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Search]:
    shops.build(tmp_path, PRODUCTS, WordVectors().encode([p.title for p in PRODUCTS]))
    plain = pipeline(tmp_path, frozenset({"words"}), WordVectors())
    settings = plain.settings
    models = follow_models(settings, plain.engine)
    systems = {
        "plain": plain,
        "same": replace(plain, name="same"),
        "backwards": replace(plain, name="backwards", ranking=Backwards(models, settings)),
        "failing": replace(plain, name="failing", ranking=Failing(models, settings)),
        "hybrid": plain,
    }
    yield Search(
        plain.engine,
        systems,
        settings,
        models,
        follow_rules(settings),
        Encoders(lambda _: WordVectors()),
    )
    await plain.engine.close()


def ruled(shop: Search, rules: str = "", **changes: object) -> Search:
    parsed = FixedRules(parse_rules(rules, analyze, most=2) if rules else RuleSet())
    stage = ArrangingStage(parsed, diversify, shop.settings)
    systems = {
        name: replace(each, arranging=stage, **changes)  # type: ignore[arg-type]
        for name, each in shop.systems.items()
    }
    return replace(shop, systems=systems)


def comparing(one: str, other: str, seed: int = 0, **more: bool) -> Treatment:
    plan = Interleaving("team-draft", ("one", "other"), (one, other), seed, **more)
    return Treatment(("test",), ("",), interleaving=plan)


async def asked(shop: Search, treatment: Treatment = UNTREATED, **more: object) -> SearchResponse:
    request = SearchRequest("kettle", treatment=treatment, id="s", **more)  # type: ignore[arg-type]
    return await shop.search(request)


def ids(response: SearchResponse) -> list[str]:
    return [hit.product.id for hit in response.hits]


async def test_every_hit_says_whom_it_stands_for_and_where_each_system_has_it(
    shop: Search,
) -> None:
    one = ids(await asked(shop))
    other = one[::-1]
    for seed in range(20):
        found = await asked(shop, comparing("plain", "backwards", seed))
        assert sorted(ids(found)) == sorted(one)
        assert found.teams is not None
        assert set(found.teams.teams) == {"one", "other"}
        for product, ranks in zip(ids(found), found.teams.ranks, strict=True):
            assert ranks == (one.index(product) + 1, other.index(product) + 1)
        scores = [hit.score for hit in found.hits]
        assert scores == sorted(scores, reverse=True)
        assert found.treatment.experiments == ("test",)


async def test_two_systems_that_agree_answer_as_one_and_nobody_gets_credit(shop: Search) -> None:
    found = await asked(shop, comparing("plain", "same"))
    assert ids(found) == ids(await asked(shop))
    assert found.teams is not None
    assert set(found.teams.teams) == {""}


@pytest.mark.parametrize("now", ["the same experiment", "none", "another"])
async def test_later_pages_go_on_with_the_first_pages_list_whatever_runs_by_then(
    shop: Search, now: str
) -> None:
    treatment = comparing("plain", "backwards", 3)
    whole = await asked(shop, treatment, size=12)
    first = await asked(shop, treatment, size=5)
    changed = {"none": UNTREATED, "another": comparing("backwards", "plain", 9)}
    later = await asked(shop, changed.get(now, treatment), size=7, cursor=first.cursor)
    assert ids(first) + ids(later) == ids(whole)
    assert whole.teams is not None
    assert first.teams is not None
    assert later.teams is not None
    assert first.teams.teams + later.teams.teams == whole.teams.teams
    assert later.treatment == treatment


async def test_a_search_that_began_without_an_experiment_stays_without(shop: Search) -> None:
    first = await asked(shop, size=5)
    later = await asked(shop, comparing("plain", "backwards"), size=7, cursor=first.cursor)
    assert later.teams is None
    assert ids(first) + ids(later) == ids(await asked(shop, size=12))


async def test_pinned_products_give_nobody_credit(shop: Search) -> None:
    pinned = ruled(
        shop,
        '[[rule]]\nid = "p"\nwhen = { query = "kettle" }\npin = [{ id = "k06", position = 1 }]\n',
    )
    for seed in range(10):
        found = await asked(pinned, comparing("plain", "backwards", seed))
        assert ids(found)[0] == "k06"
        assert found.teams is not None
        assert found.teams.teams[0] == ""
        assert found.teams.ranks[0] == (0, 0)
        assert set(found.teams.teams[1:]) == {"one", "other"}


async def test_one_of_each_variant_group_is_shown_with_its_own_team(shop: Search) -> None:
    arranged = ruled(shop)
    for seed in range(10):
        treatment = comparing("plain", "backwards", seed)
        apart, found = (
            await asked(arranged, treatment),
            await asked(arranged, treatment, group=True),
        )
        groups = [hit.product.group for hit in found.hits]
        assert len(set(groups)) == len(groups) == 6
        assert apart.teams is not None
        assert found.teams is not None
        teams = dict(zip(ids(apart), apart.teams.teams, strict=True))
        assert [teams[each] for each in ids(found)] == list(found.teams.teams)


async def test_when_a_system_falls_back_the_baseline_answers_and_nobody_gets_credit(
    shop: Search,
) -> None:
    found = await asked(shop, comparing("plain", "failing"))
    assert ids(found) == ids(await asked(shop))
    assert found.teams is None
    assert found.fallbacks


async def test_where_the_baseline_answered_alone_later_pages_are_its_own(shop: Search) -> None:
    treatment = comparing("plain", "failing")
    first = await asked(shop, treatment, size=5)
    later = await asked(shop, treatment, size=7, cursor=first.cursor)
    assert ids(first) + ids(later) == ids(await asked(shop, size=12))
    assert later.teams is None


async def test_a_request_that_names_its_system_or_is_sorted_takes_no_part(shop: Search) -> None:
    treatment = comparing("plain", "backwards")
    named = await asked(shop, treatment, system="plain")
    assert (named.teams, named.treatment) == (None, UNTREATED)
    assert (await asked(shop, treatment, sort="price_asc")).teams is None


async def test_a_treatment_by_a_system_that_is_not_open_changes_nothing(shop: Search) -> None:
    found = await asked(shop, Treatment(("test",), ("new",), "model:4711"))
    assert found.treatment == UNTREATED
    assert ids(found) == ids(await asked(shop))


async def test_an_arm_of_a_test_answers_and_a_later_page_is_its_own(shop: Search) -> None:
    treatment = Treatment(("test",), ("new",), "backwards")
    first = await asked(shop, treatment, size=5)
    assert first.system == "backwards"
    later = await asked(shop, size=7, cursor=first.cursor)
    assert later.system == "backwards"
    assert ids(first) + ids(later) == ids(await asked(shop))[::-1]


async def test_an_interleaved_list_is_not_varied_by_chance_as_well(shop: Search) -> None:
    settings = Settings(
        data=shop.settings.data, exploration=ExplorationSettings(method="swap", probability=0.5)
    )
    chance = ruled(shop, exploring=exploring(settings))
    found = await asked(chance, comparing("plain", "backwards"))
    assert (found.exploration, found.propensities) == ("", ())


async def test_the_rankings_of_each_system_are_told_where_they_are_asked_for(
    shop: Search,
) -> None:
    found = await asked(shop, comparing("plain", "backwards", rankings=True), size=4)
    assert found.teams is not None
    one, other = found.teams.rankings
    assert one == other[::-1]
    assert len(found.teams.items) == 4
    places = [(one.index(item) + 1, other.index(item) + 1) for item in found.teams.items]
    assert places == list(found.teams.ranks)


async def test_methods_that_draw_by_chance_tell_the_chances_of_each_hit(shop: Search) -> None:
    treatment = comparing("plain", "backwards")
    assert treatment.interleaving is not None
    drawn = replace(treatment.interleaving, method="probabilistic")
    found = await asked(shop, replace(treatment, interleaving=drawn), size=6)
    assert found.teams is not None
    assert [len(each) for each in found.teams.chances] == [2] * 6
    (ranks, *_), (chances, *_) = found.teams.ranks, found.teams.chances
    assert (ranks[0] < ranks[1]) == (chances[0] > chances[1])
    assert 0 < sum(chances) < 2
    plain = await asked(shop, treatment)
    assert plain.teams is not None
    assert plain.teams.chances == ()


def test_a_system_of_the_shops_own_cannot_take_a_name_that_is_taken() -> None:
    with pytest.raises(ValueError, match="hybrid is a system already"):
        Settings.model_validate({"systems": {"hybrid": {"base": "bm25"}}})


async def test_arms_of_variety_differ_by_variety_alone(shop: Search) -> None:
    arranged = ruled(shop)
    treatment = Treatment(("test",), ("varied",), diversity=1.0)
    varied = await asked(arranged, treatment)
    asked_for = await asked(arranged, treatment, diversity=0.0)
    assert ids(asked_for) == ids(await asked(arranged))
    assert ids(varied) == ids(await asked(arranged, diversity=1.0))
    assert ids(varied) != ids(asked_for)


async def test_a_broken_cursor_is_refused_by_name(shop: Search) -> None:
    with pytest.raises(BadInput, match="cursor"):
        await asked(shop, cursor="bm9uc2Vuc2U")
