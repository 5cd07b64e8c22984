"""A task made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from api.judging.answers import Action, Answer, AnswerLogs
from api.judging.tasks import Pooled, Shown, Task, save_task

POOLS = {"lamp": ("l1", "l2", "l3"), "kettle": ("k1", "k2")}


def lamps(data: Path, pools: Mapping[str, tuple[str, ...]] = POOLS, name: str = "lamps") -> Task:
    """A task of three lamps and two kettles, kept in `data`."""
    products = {each: Shown(f"Title of {each}") for pool in pools.values() for each in pool}
    queries = tuple(Pooled(query, pool) for query, pool in pools.items())
    task = Task(name, 0.0, 10, ("secret-system",), queries, products, seed="s")
    save_task(data, task, {"secret-system": pools})
    return task


def grade(data: Path, task: Task, rater: str, grades: dict[tuple[str, str], int]) -> None:
    """Has a rater give these grades."""
    logs = AnswerLogs(data, task)
    for number, ((query, product), each) in enumerate(grades.items()):
        logs.add(rater, answer(f"{rater}-{number}", query, product, each))


def answer(
    id: str,  # noqa: A002
    query: str = "lamp",
    product: str = "l1",
    grade: int | None = 2,
    action: Action = "grade",
) -> Answer:
    return Answer(id, action, query, product, grade)
