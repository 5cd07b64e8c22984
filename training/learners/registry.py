"""Every learner by its name. A new one is a module and a line."""

from __future__ import annotations

from collections.abc import Mapping

from search.errors import BadInput
from training.learners.lambdamart import DR_LABELS, EB_LABELS, NAIVE
from training.learners.native import Native
from training.learners.pairwise import PairwiseIps
from training.learners.poisson import Poisson
from training.learners.seams import Learner
from training.learners.strong_prior import EbLinear

LEARNERS: Mapping[str, Learner] = {
    learner.name: learner
    for learner in (NAIVE, Poisson(), EB_LABELS, DR_LABELS, PairwiseIps(), Native(), EbLinear())
}
"""In the order of reports."""
USUAL_LEARNER = "eb-labels"


def learners_named(name: str) -> tuple[Learner, ...]:
    """The learner of that name, or every one for `all`.

    Raises:
        BadInput: there is none of that name.
    """
    if name == "all":
        return tuple(LEARNERS.values())
    if name not in LEARNERS:
        raise BadInput(
            f"no learner {name!r}; there are {', '.join(LEARNERS)}, and all", field="learner"
        )
    return (LEARNERS[name],)
