"""Which understood filters are given up first."""

from __future__ import annotations

from search.relaxing import attempts, understood
from search.types import Entity, Filter, Query

REFUSED = Filter("words", ("lid",), exclude=True)
PRICE = Filter("price", high=50.0)
SURE, DOUBTFUL = Filter("brand", ("Acme",)), Filter("color", ("red",))


def entity(condition: Filter, probability: float) -> Entity:
    return Entity(condition.name, "", "", 0, 0, probability, "filter", condition)


def test_entities_go_before_the_price_and_the_price_before_refusals() -> None:
    entities = (entity(SURE, 0.99), entity(DOUBTFUL, 0.9))
    query = Query("", filters=(REFUSED, PRICE, SURE, DOUBTFUL), entities=entities)
    assert understood(query, ()) == (DOUBTFUL, SURE, PRICE, REFUSED)
    assert understood(query, (SURE,)) == (DOUBTFUL, PRICE, REFUSED)


def test_one_is_given_up_before_two() -> None:
    tried = list(attempts((DOUBTFUL, SURE, PRICE)))
    assert [len(kept) for kept in tried] == [3, 2, 2, 2, 1, 0]
    assert tried[1] == (SURE, PRICE)
    assert list(attempts(())) == [()]
    assert list(attempts((SURE,))) == [(SURE,), ()]
