"""What becomes of a ranking on its way to the page: variants grouped, places explained."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from search.seams import Columns
from search.types import Ordinals, Ranking, StageScore


def group_variants(ranking: Ranking, columns: Columns) -> Ranking:
    """Keeps the best document of each variant group; documents without a group stay."""
    groups = np.take(columns.codes("group"), ranking.ordinals).astype(np.int64)
    alone = groups < 0
    if alone.all():
        return ranking
    groups[alone] = -1 - np.arange(alone.sum())
    _, first = np.unique(groups, return_index=True)
    first.sort()
    return Ranking(ranking.ordinals[first], ranking.scores[first])


def variant_counts(ranking: Ranking, columns: Columns, page: Ordinals) -> dict[int, int]:
    """For each document of the page, how many others of its variant group were found."""
    column = columns.codes("group")
    if (np.take(column, page) < 0).all():
        return {}
    groups, sizes = np.unique(column[ranking.ordinals], return_counts=True)
    others = dict(zip(groups.tolist(), (sizes - 1).tolist(), strict=True))
    return {int(o): others[int(column[o])] for o in page if column[o] >= 0}


def without_variants(ranking: Ranking, columns: Columns, ordinal: int) -> Ranking:
    """The ranking without one document and its variants."""
    group = columns.codes("group")
    keep = ranking.ordinals != ordinal
    if group[ordinal] >= 0:
        keep &= group[ranking.ordinals] != group[ordinal]
    return Ranking(ranking.ordinals[keep], ranking.scores[keep])


def explain(ordinal: int, stages: Mapping[str, Ranking]) -> tuple[StageScore, ...]:
    """Where each stage placed the document."""
    return tuple(_place(name, ranking, ordinal) for name, ranking in stages.items())


def _place(stage: str, ranking: Ranking, ordinal: int) -> StageScore:
    place = np.flatnonzero(ranking.ordinals == ordinal)
    if not len(place):
        return StageScore(stage, None, None)
    return StageScore(stage, int(place[0]) + 1, float(ranking.scores[place[0]]))
