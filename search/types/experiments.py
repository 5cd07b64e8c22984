"""What experiments decide for one request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interleaving:
    """Several systems answer one request with one list. `arms` are their names in the experiment,
    `systems` the pipelines, in the same order, the baseline first; `seed` decides the coins, so
    that every page of a query has the same list. With `rankings` the answer also says what each
    system alone would have shown, which credit by exposure needs."""

    method: str
    arms: tuple[str, ...]
    systems: tuple[str, ...]
    seed: int
    rankings: bool = False


@dataclass(frozen=True, slots=True)
class Treatment:
    """What the experiments that a request takes part in decide. `experiments` and `arms` are names,
    one arm for each experiment ("" where all of its arms are interleaved); `system` is what
    answers and `diversity` how much variety there is, None where no experiment says."""

    experiments: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    system: str | None = None
    diversity: float | None = None
    interleaving: Interleaving | None = None


UNTREATED = Treatment()
"""No experiment decides anything."""


@dataclass(frozen=True, slots=True)
class Teams:
    """Whom the hits of an interleaved answer stand for: `teams` the arm's name by hit, "" where
    nobody gets credit; `ranks` where each arm has it, from 1, 0 where it has it not or where rules
    put the hit there. `items` and `rankings` (both by any code of products, the same in one answer)
    are the hits and the first places of each arm, where they were asked for. `chances` are how
    likely each arm was to put each hit there, of methods that draw by chance."""

    arms: tuple[str, ...]
    teams: tuple[str, ...]
    ranks: tuple[tuple[int, ...], ...]
    items: tuple[int, ...] = ()
    rankings: tuple[tuple[int, ...], ...] = ()
    chances: tuple[tuple[float, ...], ...] = ()
