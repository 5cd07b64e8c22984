"""What raters made of a task: how far they are, how far they agree, and about what they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import numpy as np
from numpy.typing import NDArray

from api.judging.answers import AnswerLogs, Answers, Pair, Progress, progress
from api.judging.tasks import GRADES, Task
from eval.agreement import LEVELS, Agreement, coincidences, krippendorff_alpha

QUERIES_DRAWN = 20
"""From so many queries on, the interval draws whole queries: products of one are judged by one
understanding of it, so they are not independent."""
_WORST = 20


@dataclass(frozen=True, slots=True)
class Rated:
    """One product of a query and its grades by rater, only of those who gave one."""

    query: str
    product: str
    title: str
    grades: Mapping[str, int]

    @property
    def spread(self) -> tuple[int, float, int]:
        """How far its raters are apart: from the lowest to the highest, then the variance, then how
        many they are."""
        given = list(self.grades.values())
        center = mean(given)
        return (
            max(given) - min(given),
            sum((each - center) ** 2 for each in given) / len(given),
            len(given),
        )


@dataclass(frozen=True, slots=True)
class RaterSummary:
    """One rater: how far, and how generous."""

    rater: str
    progress: Progress
    mean: float | None


@dataclass(frozen=True, slots=True)
class Results:
    """Everything `aisle judge status` and the results' page tell. `agreement` has each level's α;
    `pairs` counts how often two raters gave a product these two grades; `products` are graded by at
    least one rater, in the order of the task."""

    task: Task
    raters: tuple[RaterSummary, ...]
    agreement: Mapping[str, Agreement]
    drawn: str
    pairs: NDArray[np.int64]
    products: tuple[Rated, ...]

    def most_disagreed(self, count: int = _WORST) -> tuple[Rated, ...]:
        """The products about which raters are furthest apart."""
        apart = [each for each in self.products if len(set(each.grades.values())) > 1]
        return tuple(sorted(apart, key=lambda each: each.spread, reverse=True)[:count])


def results(data: Path, task: Task) -> Results:
    """Reads every rater's answers.

    Raises:
        AisleError: a log cannot be read.
    """
    logs = AnswerLogs(data, task).read_all()
    rated = _rated(task, {name: answers.grades() for name, answers in logs.items()})
    table = np.array(
        [[each.grades.get(name, np.nan) for each in rated] for name in logs], np.float64
    ).reshape(len(logs), len(rated))
    compared = {each.query for each in rated if len(each.grades) > 1}
    groups = [each.query for each in rated] if len(compared) >= QUERIES_DRAWN else None
    return Results(
        task,
        tuple(_summary(task, name, answers) for name, answers in logs.items()),
        {level: krippendorff_alpha(table, level, groups=groups) for level in LEVELS},
        "products" if groups is None else "queries",
        coincidences(table, range(len(GRADES))),
        tuple(rated),
    )


def _rated(task: Task, given: Mapping[str, Mapping[Pair, int]]) -> list[Rated]:
    found = []
    for each in task.queries:
        for product in each.products:
            pair = (each.query, product)
            grades = {name: grades[pair] for name, grades in given.items() if pair in grades}
            if grades:
                found.append(Rated(*pair, task.products[product].title, grades))
    return found


def _summary(task: Task, name: str, answers: Answers) -> RaterSummary:
    grades = list(answers.grades().values())
    return RaterSummary(name, progress(task, answers), mean(grades) if grades else None)


def sentence(found: Results) -> str:
    """The finding in a sentence."""
    alpha = found.agreement["ordinal"]
    products = len(found.products)
    graded = f"{products:,} of {found.task.pairs:,} products are graded"
    if alpha.alpha is None:
        return f"{graded}; no agreement yet: {alpha.reason}."
    interval = "" if alpha.low is None else f" (95% interval {alpha.low:.2f} to {alpha.high:.2f})"
    figure = f"α = {alpha.alpha:.2f}{interval}".replace("-", "−")
    return (
        f"{graded}, {alpha.units:,} of them by two raters or more, who agree with"
        f" {figure}: {_worth(alpha)}."
    )


def _worth(alpha: Agreement) -> str:
    """Krippendorff's own customs (Content Analysis, 2004, p. 241), by the lower end."""
    assert alpha.alpha is not None
    surely = alpha.alpha if alpha.low is None else alpha.low
    if surely >= 0.8:
        return "grades to rely on"
    if surely >= 0.667:
        return "good enough for tentative conclusions"
    return "talk about what the grades mean before relying on them"


def rating(grades: Sequence[int], by: str) -> float:
    """Several raters' grades as one."""
    return float(median(grades) if by == "median" else mean(grades))
