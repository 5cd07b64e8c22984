"""Learning to rank from clicks, with their position bias corrected."""

from training.learners.clicked import About, Cells, ClickedTables, clicked_tables
from training.learners.registry import LEARNERS, USUAL_LEARNER, learners_named
from training.learners.seams import Learner, LearnerSettings

__all__ = [
    "LEARNERS",
    "USUAL_LEARNER",
    "About",
    "Cells",
    "ClickedTables",
    "Learner",
    "LearnerSettings",
    "clicked_tables",
    "learners_named",
]
