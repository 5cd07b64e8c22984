"""The lab's pages about judging: the tasks, and what raters made of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from api.judging.answers import AnswerLogs, progress, rater_key
from api.judging.results import Results, results, sentence
from api.judging.tasks import GRADES, load_task, task_names
from api.lab.lab import Lab, Maker
from api.lab.page import Asked, Block, Cell, Field, Form, Notes, Page, Table
from api.lab.text import cut, number, plural, when, words
from eval.agreement import Agreement
from search.errors import AisleError, BadInput

HOME = "/lab/judge"


def tasks_page(lab: Lab, asked: Asked) -> Page:
    """`/lab/judge`: every task and how far its raters are. Nothing of what they answered."""
    rows = [_task_row(lab, name) for name in task_names(lab.data)]
    told = f"{plural(len(rows), 'task')} to judge." if rows else "There is nothing to judge yet."
    heads = ("task", "made", "queries", "products", "raters", "results")
    table = Table("tasks", "Judging tasks", heads, rows, empty="")
    command = f"aisle judge start NAME --queries FILE --data {lab.data}"
    return Page("Judge", told, [cut(asked, table), Notes(["A new task:"], command)])


def _task_row(lab: Lab, name: str) -> tuple[Cell, ...]:
    try:
        task = load_task(lab.data, name)
        logs = AnswerLogs(lab.data, task).read_all()
    except AisleError as error:
        # The others can be judged all the same.
        return (words(name), when(None), number(None), number(None), words(str(error)), words(""))
    far = []
    for rater, answers in logs.items():
        at = progress(task, answers)
        far.append(f"{rater} {at.graded + at.skipped:,}/{at.total:,}")
    return (
        words(name, f"{HOME}/{name}"),
        when(task.created),
        number(len(task.queries)),
        number(task.pairs),
        words(", ".join(far)),
        words("agreement", f"{HOME}/{name}/results"),
    )


def results_page(lab: Lab, asked: Asked) -> Page:
    """`/lab/judge/NAME/results`: for raters who are done, and for who says not to judge.

    Raises:
        NotFound: there is no such task.
        BadInput: the rater has not finished.
    """
    task = load_task(lab.data, asked.names["name"])
    above = (HOME, "Judge")
    rater = asked.get("rater")
    if rater:
        rater_key(rater)
        far = progress(task, AnswerLogs(lab.data, task).read(rater))
        if not far.done:
            raise BadInput(
                f"{rater} has {far.total - far.graded - far.skipped:,} products left to judge; what"
                " others gave is shown after that",
                field="rater",
            )
    elif not asked.get("look"):
        told = "What others gave influences what one gives: judge first, then look."
        form = Form(
            "look", asked.path, "I do not judge this task: show it", (Field("look", "", "yes"),)
        )
        return Page(f"Results of {task.name}", told, [form], above=above)
    found = results(lab.data, task)
    return Page(
        f"Results of {task.name}",
        sentence(found),
        list(_blocks(found, asked, lab.data)),
        above=above,
    )


def _blocks(found: Results, asked: Asked, data: Path) -> Iterator[Block]:
    yield _raters(found)
    if found.agreement["nominal"].units:
        yield _agreement(found)
        yield _pairs(found)
        yield cut(asked, _disagreed(found))
    task = found.task
    lines = [
        f"Pooled: the first {task.depth} of {', '.join(task.systems)}.",
        "α is 1 where all agree and 0 where they agree no more than grades dealt at random would;"
        f" its interval draws {found.drawn} with replacement.",
    ]
    command = f"aisle judge export {task.name} --out {task.name}.csv --data {data}"
    yield Notes(lines, command, "As judgments")


def _agreement(found: Results) -> Table:
    heads = ("level", "α", "low", "high", "products", "remark")
    rows = [_level(each) for each in found.agreement.values()]
    return Table("agreement", "Agreement: Krippendorff's α, with its 95% interval", heads, rows)


def _level(each: Agreement) -> tuple[Cell, ...]:
    figures = (number(value, ".3f") for value in (each.alpha, each.low, each.high))
    return (words(each.level), *figures, number(each.units), words(each.reason))


def _raters(found: Results) -> Table:
    rows = [
        (
            words(each.rater),
            number(each.progress.graded),
            number(each.progress.skipped),
            number(each.progress.total - each.progress.graded - each.progress.skipped),
            number(each.mean, ".2f"),
        )
        for each in found.raters
    ]
    heads = ("rater", "graded", "skipped", "left", "mean grade")
    return Table("raters", "Raters", heads, rows, "Nobody has judged yet.")


def _pairs(found: Results) -> Table:
    """The lower half is left empty: who gave which grade is no matter."""
    heads = ("", *(f"{grade} {meaning}" for grade, meaning in enumerate(GRADES)))
    rows = [
        (
            words(f"{grade} {meaning}"),
            *(Cell("", "") if k < grade else number(count) for k, count in enumerate(row)),
        )
        for grade, (meaning, row) in enumerate(zip(GRADES, found.pairs.tolist(), strict=True))
    ]
    return Table("pairs", "How often two raters gave one product these grades", heads, rows)


def _disagreed(found: Results) -> Table:
    names = [each.rater for each in found.raters]
    rows = [
        (
            words(each.query),
            words(each.title or each.product),
            *(number(each.grades.get(name)) for name in names),
        )
        for each in found.most_disagreed(200)
    ]
    caption = "Where raters disagree most"
    return Table("disagreed", caption, ("query", "product", *names), rows, "Nowhere.")


PAGES: Mapping[str, Maker] = {HOME: tasks_page, f"{HOME}/{{name}}/results": results_page}
"""What the lab shows beside its own pages."""
