"""Which of the filters understood from a query to give up when they leave nothing."""

from __future__ import annotations

from collections.abc import Iterator

from search.seams import View
from search.types import Filter, Filters, Query, Ranking

_KINDS = frozenset({"product_type", "category"})
_SURELY = 0.9
"""How probable a kind of product must be for filters to give way to it."""
_SINGLY = 4
"""Up to so many filters, each is given up by itself before several are."""


def understood(query: Query, own: Filters) -> Filters:
    """What the query's words ask for beyond the shopper's `own` filters, least sure first: entities
    by their probability, then the price, then refusals."""
    sure = {each.filter: each.probability for each in query.entities if each.filter is not None}

    def doubt(each: Filter) -> tuple[bool, bool, float]:
        return each.exclude, each.name == "price", sure.get(each, 0.0)

    return tuple(sorted((each for each in query.filters if each not in own), key=doubt))


def attempts(filters: Filters) -> Iterator[Filters]:
    """What to try to keep of some filters, least sure first: all, all but one, then without the
    two, three, … least sure, at last none."""
    yield filters
    if 1 < len(filters) <= _SINGLY:
        for place in range(len(filters)):
            yield filters[:place] + filters[place + 1 :]
    for given_up in range(2 if 1 < len(filters) <= _SINGLY else 1, len(filters) + 1):
        yield filters[given_up:]


async def misses_kind(view: View, query: Query, found: Ranking) -> bool:
    """Whether none of the products found is of the kind that a query surely names: yellow cushions
    are no answer to `yellow yoga mat`."""
    kinds = [
        each.filter or Filter("words", (each.text,))
        for each in query.entities
        if each.type in _KINDS and each.probability >= _SURELY
    ]
    return bool(kinds) and not (await view.satisfy(found.ordinals, kinds)).any()
