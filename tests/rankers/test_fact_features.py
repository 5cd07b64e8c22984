"""The groups of features that read no texts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from rankers.features import NAMES, Behavior, Counts, Rates, compute
from rankers.features.registry import GROUPS
from search.types import (
    CategoryProbability,
    Entity,
    Filter,
    Measure,
    Pool,
    PriceBounds,
    Query,
    Ranking,
    Shopper,
)
from tests.rankers.facts import HandFacts, Item, pool_of
from tests.rankers.pools import random_facts

KETTLE = Query("kettle", "kettle", ("kettle",), corrected="kettle")


def column(
    facts: HandFacts, pool: Pool, name: str, behavior: Behavior | None = None
) -> list[float]:
    found: list[float] = compute(facts, pool, [name], behavior).values[:, 0].tolist()
    return found


def unknown(values: list[float]) -> list[bool]:
    return [math.isnan(value) for value in values]


def test_a_price_that_is_missing_stays_unknown() -> None:
    wish = PriceBounds(high=20.0, preference="low")
    items = [
        Item("kettle", numbers={"price": 10.0}, category="kettles"),
        Item("kettle", category="kettles"),
        Item("kettle", numbers={"price": 40.0}, category="kettles"),
    ]
    facts, pool = HandFacts(items), pool_of(replace(KETTLE, price=wish), 3)
    for name in ("price", "price_log", "price_over_median", "price_within", "price_beyond"):
        assert unknown(column(facts, pool, name)) == [False, True, False], name
    assert column(facts, pool, "price_within")[::2] == [1, 0]
    assert column(facts, pool, "price_beyond")[::2] == pytest.approx([0, math.log(2)])
    assert column(facts, pool, "price_preference")[::2] == pytest.approx(
        [math.log(25 / 10), math.log(25 / 40)]
    )


def test_another_brand_is_a_conflict_and_no_brand_is_none() -> None:
    acme = Filter("brand", ("Acme",))
    items = [
        Item("kettle", brand="Acme", satisfies=frozenset({acme})),
        Item("kettle", brand="Other"),
        Item("kettle"),
    ]
    query = replace(KETTLE, entities=(Entity("brand", "Acme", "acme", 0, 4, 0.8, "boost", acme),))
    facts, pool = HandFacts(items), pool_of(query, 3)
    assert column(facts, pool, "brand_agreement") == pytest.approx([0.8, 0, 0])
    conflict = column(facts, pool, "brand_conflict")
    assert conflict[:2] == pytest.approx([0, 0.8])
    assert math.isnan(conflict[2])
    assert all(unknown(column(facts, pool, "color_conflict")))


@pytest.mark.parametrize("kind", ["size", "material", "product_type", "sleeves"])
def test_another_value_of_any_attribute_is_a_conflict_and_none_is_not(kind: str) -> None:
    name = f"attributes.{kind}"
    wanted = Filter(name, ("this",))
    items = [
        Item("kettle", satisfies=frozenset({wanted}), states=frozenset({name})),
        Item("kettle", states=frozenset({name})),
        Item("kettle"),
    ]
    query = replace(KETTLE, entities=(Entity(kind, "this", "this", 0, 4, 0.8, "boost", wanted),))
    facts, pool = HandFacts(items), pool_of(query, 3)
    group = "attribute" if kind == "sleeves" else kind
    assert column(facts, pool, f"{group}_agreement") == pytest.approx([0.8, 0, 0])
    conflict = column(facts, pool, f"{group}_conflict")
    assert conflict[:2] == pytest.approx([0, 0.8])
    assert math.isnan(conflict[2])


def test_two_colors_are_alternatives() -> None:
    black, white = Filter("color", ("black",)), Filter("color", ("white",))
    entities = (
        Entity("color", "black", "black", 0, 5, 0.9, "filter", black),
        Entity("color", "white", "white", 9, 14, 0.7, "filter", white),
    )
    items = [
        Item("kettle", color="white", satisfies=frozenset({white})),
        Item("kettle", color="red"),
    ]
    facts, pool = HandFacts(items), pool_of(replace(KETTLE, entities=entities), 2)
    assert column(facts, pool, "color_agreement") == pytest.approx([0.7, 0])
    assert column(facts, pool, "color_conflict") == pytest.approx([0, 0.9])


def test_a_product_of_another_measure_conflicts_and_one_without_does_not() -> None:
    wanted, any_volume = (
        Filter("measures.volume", low=1.4, high=1.6),
        Filter("measures.volume", low=0.0),
    )
    items = [
        Item("kettle", satisfies=frozenset({wanted, any_volume})),
        Item("kettle", satisfies=frozenset({any_volume})),
        Item("kettle"),
    ]
    measure = Measure(1.5, "l", "volume", 1.4, 1.6, "1.5 l", 0, 5)
    facts, pool = HandFacts(items), pool_of(replace(KETTLE, measures=(measure,)), 3)
    assert column(facts, pool, "measures_agreement") == [1, 0, 0]
    assert column(facts, pool, "measures_conflict") == [0, 1, 0]


def test_the_likely_category_counts_by_how_likely_it_is() -> None:
    kettles, pots = Filter("category", ("Home > Kettles",)), Filter("category", ("Home > Pots",))
    items = [
        Item("kettle", satisfies=frozenset({kettles})),
        Item("kettle", satisfies=frozenset({pots})),
        Item("kettle"),
    ]
    likely = (
        CategoryProbability(("Home", "Kettles"), 0.6),
        CategoryProbability(("Home", "Pots"), 0.3),
    )
    facts, pool = HandFacts(items), pool_of(replace(KETTLE, categories=likely), 3)
    assert column(facts, pool, "category_probability") == pytest.approx([0.6, 0.3, 0])
    assert column(facts, pool, "in_best_category") == [1, 0, 0]


def test_a_product_counts_for_the_company_it_is_in() -> None:
    items = [Item("kettle", category=each) for each in ("a", "a", "b", "a", "b")] + [Item("kettle")]
    facts = HandFacts(items)
    pool = replace(
        pool_of("kettle", 6), ranking=Ranking(np.arange(6, dtype=np.int32), np.ones(6, np.float32))
    )
    shares = column(facts, pool, "category_share")
    assert shares[:5] == pytest.approx([0.4, 0.4, 0.2, 0.4, 0.2])
    assert math.isnan(shares[5])


def test_ranks_and_scores_are_those_of_each_retriever() -> None:
    words = Ranking(np.array([2, 0], np.int32), np.array([8, 4], np.float32))
    fused = Ranking(np.array([2, 1, 0], np.int32), np.array([2, 1.5, 1], np.float32))
    gains = Ranking(np.array([1], np.int32), np.array([0.5], np.float32))
    pool = Pool(KETTLE, fused, {"words": words, "fused": fused, "boosts": gains})
    facts = HandFacts([Item("kettle")] * 3)
    rank = column(facts, pool, "words_rank")
    assert rank[::2] == [1, 2]
    assert math.isnan(rank[1])
    assert column(facts, pool, "words_share")[::2] == [1, 0.5]
    assert column(facts, pool, "words_reciprocal_rank") == pytest.approx([1 / 61, 0, 1 / 62])
    assert column(facts, pool, "fused_share") == [1, 0.75, 0.5]
    assert column(facts, pool, "boost_gain") == [0, 0.25, 0]
    assert all(unknown(column(facts, pool, "meaning_rank")))
    assert column(facts, pool, "found_by_both") == [0, 0, 0]


def test_what_is_like_the_best_candidates_scores_higher_than_what_is_not() -> None:
    near, far = [1.0, 0.0], [0.0, 1.0]
    items = [Item("kettle", vector=near) for _ in range(8)] + [
        Item("kettle", vector=far) for _ in range(8)
    ]
    facts = HandFacts(items)
    pool = replace(pool_of("kettle", 16), vector=np.array([1, 0], np.float32))
    for name in ("cosine", "cosine_share", "centroid_cosine", "neighbors_score"):
        found = column(facts, pool, name)
        assert min(found[:8]) > max(found[8:]), name


def test_a_candidate_does_not_speak_for_itself() -> None:
    alone = [Item("kettle", vector=[1.0, 0.0])]
    facts = HandFacts(alone + [Item("kettle", vector=[0.0, 1.0]) for _ in range(8)])
    pool = pool_of("kettle", 9)
    assert column(facts, pool, "centroid_cosine")[0] == pytest.approx(0, abs=1e-3)
    assert column(facts, pool, "neighbors_cosine")[0] == pytest.approx(0, abs=1e-3)
    assert unknown(column(HandFacts(alone), pool_of("kettle", 1), "centroid_cosine")) == [True]


def test_without_vectors_meaning_is_unknown() -> None:
    facts = HandFacts([Item("kettle")] * 3)
    assert all(unknown(column(facts, pool_of("kettle", 3), "cosine")))
    seen = HandFacts([Item("kettle", vector=[1.0, 0.0])] * 3)
    assert all(unknown(column(seen, pool_of("kettle", 3), "cosine")))
    assert not any(unknown(column(seen, pool_of("kettle", 3), "centroid_cosine")))


def test_few_ratings_say_little() -> None:
    items = [
        Item("kettle", numbers={"rating": 5.0, "rating_count": 1}),
        Item("kettle", numbers={"rating": 4.8, "rating_count": 500}),
        Item("kettle", numbers={"rating": 1.0, "rating_count": 500}),
        Item("kettle"),
    ]
    found = column(HandFacts(items), pool_of("kettle", 4), "rating")
    assert found[1] > found[0] > found[2]
    assert math.isnan(found[3])


def test_age_discount_and_stock() -> None:
    numbers = {"price": 15.0, "list_price": 20.0, "created": 100.0, "stock": 0.0}
    facts = HandFacts([Item("kettle", numbers=numbers), Item("kettle")])
    pool = replace(pool_of("kettle", 2), today=130.0)
    assert column(facts, pool, "discount")[0] == pytest.approx(0.25)
    assert column(facts, pool, "age")[0] == 30
    assert column(facts, pool, "in_stock")[0] == 0
    for name in ("discount", "age", "in_stock"):
        assert unknown(column(facts, pool, name)) == [False, True]


def test_a_rate_of_few_impressions_is_nearly_the_usual_one() -> None:
    seen = np.array([0, 1, 1000], np.float32)
    done = np.array([0, 1, 500], np.float32)
    counts = Counts(seen, done, done, done, Rates(0.1, 0.1, 0.1))
    behavior = Behavior({7: counts}, {"kettle": 0.01})
    facts, pool = HandFacts([Item("kettle")] * 4), pool_of(KETTLE, 4)
    found = column(facts, pool, "clicks_7_days", behavior)
    assert unknown(found) == [True, False, False, True]
    assert found[1] == pytest.approx(3 / 21)
    assert found[2] == pytest.approx(502 / 1020)
    assert all(unknown(column(facts, pool, "clicks_30_days", behavior)))
    assert column(facts, pool, "query_frequency", behavior)[0] == pytest.approx(math.log(0.01))
    assert unknown(column(facts, pool, "query_frequency"))[0]


def test_a_query_is_told_by_its_words() -> None:
    query = Query(
        "hose for 16 in dishwasher",
        terms=("hose", "for", "16", "in", "dishwasher"),
        corrected="hose for 16 in dishwasher",
        intent="product_lookup",
        intent_probability=0.7,
        categories=(CategoryProbability(("a",), 0.5),),
    )
    facts, pool = HandFacts([Item("hose")]), pool_of(query, 1)
    found = dict(zip(NAMES, compute(facts, pool).values[0].tolist(), strict=True))
    assert found["query_words"] == 5
    assert found["query_kind"] == 0
    assert found["query_ambiguity"] == 1
    assert (found["query_has_number"], found["query_has_purpose"]) == (1, 1)
    assert (found["query_has_code"], found["query_has_refusal"]) == (0, 0)


def test_nothing_is_known_of_a_stranger() -> None:
    facts, pool = random_facts(30)
    group = next(group for group in GROUPS if group.name == "shopper")
    names = [feature.name for feature in group.features]
    assert np.isnan(compute(facts, pool, names).values).all()


def test_what_the_shopper_liked_is_found_again() -> None:
    items = [
        Item("kettle", category="kettles", brand="Acme", numbers={"price": 10}, vector=[1, 0]),
        Item("kettle", category="kettles", brand="Other", numbers={"price": 20}, vector=[1, 0]),
        Item("pot", category="pots", brand="Acme", numbers={"price": 80}, vector=[0, 1]),
        Item("thing", numbers={}, vector=[0, 1]),
    ]
    facts = HandFacts(items)
    shopper = Shopper(clicked=("a",), device="mobile", hour=9)
    pool = replace(pool_of("kettle", 4), shopper=shopper, clicked=np.array([0], np.int32))
    assert column(facts, pool, "category_affinity")[:3] == [1, 1, 0]
    assert column(facts, pool, "brand_affinity")[:3] == [1, 0, 1]
    assert unknown(column(facts, pool, "category_affinity")) == [False, False, False, True]
    assert column(facts, pool, "price_distance")[:2] == pytest.approx([0, math.log(2)])
    assert column(facts, pool, "clicked_before") == [1, 0, 0, 0]
    assert column(facts, pool, "session_cosine") == pytest.approx([1, 1, 0, 0])
    assert column(facts, pool, "device") == [1] * 4
    assert column(facts, pool, "hour") == [9] * 4
