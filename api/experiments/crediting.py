"""What each arm of an interleaving earned from each unit, by the clicks on its lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from numpy.typing import NDArray

from eval.experiments import Experiment
from eval.interleaving import (
    NOBODY,
    Interleaved,
    Interleaver,
    debiased_credit,
    expected_exposure,
    interleaver,
)
from search.errors import BadInput

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from training.propensity import Propensities

Amounts = NDArray[np.float64]

_LISTED = 30
"""The places of each arm's own ranking that answers are logged with."""
_BATCH = 20_000
_DRAWS = 300

_TEAMS = """
SELECT n, team, count(*)::DOUBLE AS clicks FROM (
    SELECT DISTINCT search_id, clicked.product,
           teams[list_position(products, clicked.product)] AS team
    FROM clean_searches JOIN clicked USING (search_id)
    WHERE list_contains(products, clicked.product)
) JOIN search USING (search_id) JOIN counted USING (unit)
WHERE team <> '' GROUP BY n, team
"""
_LISTS = """
WITH shown AS (
    SELECT search_id, first, products, teams, attributes
    FROM clean_searches SEMI JOIN clicked USING (search_id)
    WHERE len(teams) > 0
    QUALIFY row_number() OVER (PARTITION BY search_id, first ORDER BY time) = 1
), whole AS (
    SELECT search_id, flatten(list(products ORDER BY first)) AS products,
           flatten(list(teams ORDER BY first)) AS teams, list(attributes ORDER BY first) AS said
    FROM shown GROUP BY search_id
), clicks AS (
    SELECT search_id, list(product) AS products FROM clicked GROUP BY search_id
)
SELECT n, whole.products, whole.teams, whole.said, clicks.products
FROM whole JOIN clicks USING (search_id) JOIN search USING (search_id) JOIN counted USING (unit)
ORDER BY n, search.time, search_id
"""


@dataclass(frozen=True, slots=True)
class Credits:
    """`earned` float64 of shape (units, arms), units in their order; whether it
    is freed of position bias; how many searches were answered by the baseline alone."""

    earned: Amounts
    debiased: bool = False
    alone: int = 0


def credits_of(
    connection: DuckDBPyConnection,
    experiment: Experiment,
    since: float,
    until: float,
    paths: Sequence[Path],
) -> tuple[Credits, tuple[str, ...]]:
    """The credit of the units in the table `counted`, and what should be known of it."""
    from training.clicks.database import one

    names = [arm.name for arm in experiment.arms]
    count, alone = one(
        connection,
        "SELECT (SELECT count(*) FROM counted), (SELECT count(*) FROM search SEMI JOIN ("
        "SELECT search_id FROM clean_searches WHERE coalesce(len(teams), 0) = 0 AND total > 0"
        ") USING (search_id))",
    )
    earned = np.zeros((int(count), len(names)))
    curve: Propensities | None = None
    remarks: tuple[str, ...] = ()
    if experiment.debiased:
        curve, remarks = _examination(paths, since, until)
    if experiment.method == "team-draft" and curve is None:
        for n, team, clicks in connection.execute(_TEAMS).fetchall():
            if team in names:
                earned[n, names.index(team)] += clicks
        return Credits(earned, alone=int(alone)), remarks
    credit = _Credit(interleaver(experiment.method), names, curve)
    for n, *row in _rows(connection):
        earned[n] += credit(*row)
    if credit.unknown:
        remarks += (
            f"{credit.unknown:,} searches were logged without what credit needs (the rankings of "
            "the arms, or chances): they count for nobody",
        )
    return Credits(earned, curve is not None, int(alone)), remarks


def _rows(connection: DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    found = connection.execute(_LISTS)
    while batch := found.fetchmany(_BATCH):
        yield from batch


def _examination(
    paths: Sequence[Path], since: float, until: float
) -> tuple[Propensities | None, tuple[str, ...]]:
    """How likely places are looked at, from the same clicks; None where these do not tell."""
    from training.clicks import Reading, read_log
    from training.propensity import estimate, estimator

    days = max(until - since, 1.0) / 86_400
    try:
        log = read_log(list(paths), Reading(window_days=days, now=until, depth=_LISTED))
        return estimate(log.counts, estimator(), bootstrap=0).propensities, ()
    except BadInput as error:
        return None, (f"credit is not debiased, since propensities cannot be estimated: {error}",)


class _Credit:
    """The credit of one search after another; exposures of the same rankings are kept."""

    def __init__(
        self, method: Interleaver, names: Sequence[str], curve: Propensities | None
    ) -> None:
        self.unknown = 0
        self._method, self._names, self._curve = method, list(names), curve
        self._known: dict[bytes, dict[int, float]] = {}

    def __call__(
        self,
        products: Sequence[str],
        teams: Sequence[str],
        said: Sequence[str],
        clicked: Sequence[str],
    ) -> Amounts:
        """What each arm earned by the clicks on one list, all of its pages together."""
        pages = [orjson.loads(each) for each in said]
        shown = self._shown(teams, pages)
        none = np.zeros(len(self._names))
        if shown is None or len(shown) != len(products):
            self.unknown += 1
            return none
        own = set(clicked)
        clicks = np.array([product in own for product in products], np.float64)
        if not clicks.any():
            return none
        if self._curve is not None:
            return self._debiased(shown, clicks, pages)
        if shown.chances is None and self._method.name in ("probabilistic", "preference"):
            self.unknown += 1
            return none
        return self._method.credit(shown, clicks)

    def _shown(self, teams: Sequence[str], pages: Sequence[Any]) -> Interleaved | None:
        if any(page.get("arms") != self._names for page in pages):
            return None
        number = {name: place for place, name in enumerate(self._names)}
        ranks = [row for page in pages for row in page["ranks"]]
        chances = [row for page in pages for row in page.get("chances") or ()]
        items = [item for page in pages for item in page.get("items") or ()]
        return Interleaved(
            np.array(items if len(items) == len(teams) else range(len(teams)), np.int32),
            np.array([number.get(team, NOBODY) for team in teams], np.int8),
            np.array(ranks, np.int32).reshape(len(teams), -1),
            np.array(chances, np.float64) if len(chances) == len(teams) else None,
        )

    def _debiased(self, shown: Interleaved, clicks: Amounts, pages: Sequence[Any]) -> Amounts:
        assert self._curve is not None
        rankings = pages[0].get("rankings")
        if not rankings or not all(page.get("items") for page in pages):
            self.unknown += 1
            return np.zeros(len(self._names))
        length = min(len(shown), _LISTED)
        examined = self._curve.at(np.arange(1, length + 1, dtype=np.int32))
        exposure = self._exposure(rankings, examined)
        seen = np.array([exposure.get(item, 0.0) for item in shown.items.tolist()])
        # What rules have put there stands for nobody, and what no draw shows cannot be weighed.
        told = np.where((seen > 0) & shown.ranks.any(axis=1), clicks, 0.0)
        cut = replace(shown, chances=None)
        return debiased_credit(cut, told, seen, examined, max(length // 2, 1))

    def _exposure(self, rankings: Sequence[Sequence[int]], examined: Amounts) -> dict[int, float]:
        key = orjson.dumps([rankings, len(examined)])
        if key not in self._known:
            lists = [np.array(each, np.int32) for each in rankings]
            every = np.unique(np.concatenate(lists)).astype(np.int32)
            found = expected_exposure(self._method, lists, every, examined, draws=_DRAWS)
            self._known[key] = dict(zip(every.tolist(), found.tolist(), strict=True))
        return self._known[key]
