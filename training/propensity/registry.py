"""The estimators by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from search.errors import BadInput
from training.clicks.counts import Amounts, ClickCounts
from training.propensity.all_pairs import AllPairs
from training.propensity.cells import Cells, cells
from training.propensity.chain import Chain
from training.propensity.expectation import Expectation
from training.propensity.poisson import Poisson
from training.propensity.seams import Propensities

Solve = Callable[[Amounts], Amounts]
"""Weights of documents, float64 (documents,), to propensities, float64 (positions,)."""


@dataclass(frozen=True, slots=True)
class Method:
    """An estimator (see `seams.Estimator`): `solver` prepares what depends on the counts alone, so
    that a bootstrap need not do it again. `plain` ones need clicks that are counts of shoppers who
    clicked, not graded amounts."""

    name: str
    solver: Callable[[Cells], Solve]
    plain: bool

    def __call__(self, counts: ClickCounts) -> Propensities:
        """See `seams.Estimator`."""
        table, _ = cells(counts)
        self.check(table)
        return Propensities(self.name, table.positions, self.solver(table)(everything(table)))

    def check(self, table: Cells) -> None:
        """Refuses what the estimator cannot take.

        Raises:
            BadInput: more clicks than impressions, where a click is a yes or a no.
        """
        if self.plain and bool((table.clicks > table.impressions * (1 + 1e-9)).any()):
            raise BadInput(
                f"{self.name} needs clicks that are counted, not graded: some documents have more "
                "clicks than impressions; use poisson",
                field="estimator",
            )


ESTIMATORS: Mapping[str, Method] = {
    method.name: method
    for method in (
        Method("poisson", Poisson, plain=False),
        Method("allpairs", AllPairs, plain=True),
        Method("em", Expectation, plain=True),
        Method("chain", Chain, plain=False),
    )
}
"""Every estimator, the most trusted first, which is the default."""
DEFAULT = next(iter(ESTIMATORS))


def estimator(name: str = DEFAULT) -> Method:
    """An estimator by name.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in ESTIMATORS:
        raise BadInput(
            f"no estimator {name!r}; there are {', '.join(ESTIMATORS)}", field="estimator"
        )
    return ESTIMATORS[name]


def everything(table: Cells) -> Amounts:
    """Each document counted once."""
    return np.ones(len(table.documents))
