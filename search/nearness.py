"""Which products are near enough in meaning to belong to the results."""

from __future__ import annotations

import numpy as np

from search.seams import View
from search.settings import MeaningSettings
from search.types import Filters, Ordinals, Ranking, Vector


async def nearest(
    view: View, vector: Vector, filters: Filters, settings: MeaningSettings, relax: bool
) -> tuple[Ranking, Ordinals]:
    """The nearest products within the filters, and those without; any distance is near enough
    within the filters when it is to `relax`."""
    limit, share = settings.limit, settings.least_share
    if named(filters):
        found = await view.meaning(vector, filters, max(limit, named(filters)))
        return found, found.ordinals
    everywhere = await view.meaning(vector, (), limit)
    least = share * float(everywhere.scores[0]) if len(everywhere) else 0.0
    near = _at_least(everywhere, least)
    if not filters:
        return near, near.ordinals
    within = await view.meaning(vector, filters, limit)
    return within if relax else _at_least(within, least), near.ordinals


def named(filters: Filters) -> int:
    """How many products the filters name by id: all of them are to be ordered, however far they
    are."""
    return sum(len(each.values) for each in filters if each.name == "id" and not each.exclude)


def _at_least(ranking: Ranking, score: float) -> Ranking:
    return ranking.head(int(np.count_nonzero(ranking.scores >= score)))
