"""`eb-linear`: the linear ranker on shrunk rates, for little data."""

from __future__ import annotations

from dataclasses import dataclass

from training.learners.clicked import ClickedTables, with_gains
from training.learners.labels import eb_labels, quantize
from training.learners.seams import LearnerSettings
from training.linear import LinearSettings, fit_linear, prepare
from training.scorers import Scorer


@dataclass(frozen=True, slots=True)
class EbLinear:
    """Pairwise logistic regression whose prior is the fused order (`training.linear`)."""

    name: str = "eb-linear"
    when: str = "few queries or few clicks: it leaves the fused order only for evidence"

    def __call__(self, clicked: ClickedTables, settings: LearnerSettings) -> Scorer:
        """See `Learner`."""
        labels = quantize(eb_labels(clicked))
        problem = prepare(with_gains(clicked.tables, labels), settings.seed)
        return Scorer(fit_linear(problem, LinearSettings(settings.penalty, unjudged=0.0)))
