"""What every method of interleaving does with lists: check, share, look up, finish."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from eval.interleaving.seams import NOBODY, Interleaved, Items
from search.errors import BadInput


def check(name: str, most: int | None, rankings: Sequence[Items]) -> None:
    """Refuses what cannot be interleaved.

    Raises:
        BadInput: fewer than two rankings, or more than the method can compare.
    """
    if len(rankings) < 2:
        raise BadInput(f"{name} compares two rankings or more, not {len(rankings)}")
    if most is not None and len(rankings) > most:
        raise BadInput(
            f"{name} compares at most {most} rankings, not {len(rankings)}; use team-draft, "
            "probabilistic or preference"
        )


def shared_prefix(rankings: Sequence[Items]) -> int:
    """How many places from the top are the same in all rankings."""
    least = min(map(len, rankings))
    first = rankings[0][:least]
    same = np.ones(least, np.bool_)
    for other in rankings[1:]:
        same &= first == other[:least]
    return least if same.all() else int(np.argmin(same))


def finish(lists: Sequence[Sequence[int]], shown: Collection[int]) -> Iterator[int]:
    """What is left of all lists, each place of one after the same place of the one before."""
    seen = set(shown)
    for place in range(max(map(len, lists), default=0)):
        for items in lists:
            if place < len(items) and items[place] not in seen:
                seen.add(items[place])
                yield items[place]


def interleaved(
    rankings: Sequence[Items],
    items: Sequence[int],
    teams: Sequence[int],
    chances: NDArray[np.float64] | None = None,
) -> Interleaved:
    """What is shown, with where each item stood in every ranking; items without a team at the end
    of `teams` are nobody's."""
    team = np.full(len(items), NOBODY, np.int8)
    team[: len(teams)] = teams
    return Interleaved(
        np.array(items, np.int32),
        team,
        np.stack([ranks_in(ranking.tolist(), items) for ranking in rankings], axis=1),
        chances,
    )


def ranks_in(ranking: Sequence[int], items: Sequence[int]) -> NDArray[np.int32]:
    """Where each item stands in a ranking, from 1; 0 where it is not in it."""
    place = dict(zip(ranking, range(1, len(ranking) + 1), strict=True))
    return np.array([place.get(item, 0) for item in items], np.int32)
