"""Variety among the first hits: what is known of them is looked up here, the choice is made by
`rankers.diversity`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search.seams import Diversifier, Facts, View
from search.settings import DiversitySettings
from search.types import Ordinals, Ranking

_ATTRIBUTE = "attributes."


async def vary(
    view: View,
    ranking: Ranking,
    named: Ordinals,
    settings: DiversitySettings,
    diversify: Diversifier,
) -> Ranking:
    """The ranking with more variety in its first hits; as it was where none is wanted. Products
    that the query names outright stay first."""
    caps = settings.caps
    if not (settings.strength or caps) or len(ranking) < 2:
        return ranking
    first = int(np.isin(ranking.ordinals, named).sum())
    head = Ranking(
        ranking.ordinals[first : first + settings.depth],
        ranking.scores[first : first + settings.depth],
    )
    attributes = {
        name: await _attribute(view, head.ordinals, name.removeprefix(_ATTRIBUTE))
        for name in caps
        if name.startswith(_ATTRIBUTE)
    }

    def choose(facts: Facts) -> Ranking:
        vectors = facts.vectors(head.ordinals) if settings.strength else None
        columns = [
            attributes[name]
            if name in attributes
            else np.take(facts.columns.codes(name), head.ordinals)
            for name in caps
        ]
        groups = np.stack(columns, 1) if columns else np.empty((len(head), 0), np.int32)
        return diversify(
            head,
            vectors,
            groups,
            tuple(caps.values()),
            settings.strength,
            first=settings.first,
            within=settings.within,
        )

    ordinals = ranking.ordinals.copy()
    ordinals[first : first + len(head)] = (await view.compute(choose)).ordinals
    return Ranking(ordinals, ranking.scores)


async def _attribute(view: View, ordinals: Ordinals, name: str) -> NDArray[np.int32]:
    """An attribute's values as codes, -1 where a product has none. Columns do not hold attributes,
    so that the products are read: some microseconds each."""
    products = await view.products(ordinals)
    codes: dict[str, int] = {}
    values = (each.attributes.get(name) for each in products)
    found = [-1 if value is None else codes.setdefault(repr(value), len(codes)) for value in values]
    return np.array(found, np.int32)
