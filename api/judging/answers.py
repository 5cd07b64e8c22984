"""What raters answered: a log a rater, only ever added to, so that nothing accepted is lost.

An answer is acknowledged once the disk has it. Several processes, and several windows of one rater,
may write at once: the file is locked while a line is added, and the last answer about a product
counts. An answer that is sent twice counts once, by its id.
"""

from __future__ import annotations

import fcntl
import os
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

import orjson

from api.judging.tasks import FOLDER, Task
from indexer.storage import storage_errors, sync
from search.errors import AisleError, BadInput

Action = Literal["grade", "skip", "undo"]
Pair = tuple[str, str]
"""A query and a product's id."""
SKIPPED = -1
"""Stands for a grade where the rater would not give one."""
_SUFFIX = ".jsonl"
_NAME_BYTES = 80
"""Written as a file's name each may take three, and a name has at most 255."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One thing a rater did; `id` is the page's, made once. An undo names no product."""

    id: str
    action: Action
    query: str = ""
    product: str = ""
    grade: int | None = None


@dataclass(slots=True)
class Answers:
    """Where a rater stands. `given` holds a grade or `SKIPPED`; `history` what each answer that is
    not undone replaced, in order; `last` is the pair of the latest answer or undo."""

    rater: str
    given: dict[Pair, int] = field(default_factory=dict)
    history: list[tuple[Pair, int | None]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    last: Pair | None = None

    def take(self, answer: Answer) -> None:
        """Takes one more answer in."""
        self.seen.add(answer.id)
        if answer.action == "undo":
            if self.history:
                self._put(*self.history.pop())
            return
        pair = (answer.query, answer.product)
        self.history.append((pair, self.given.get(pair)))
        self._put(pair, SKIPPED if answer.grade is None else answer.grade)

    def _put(self, pair: Pair, value: int | None) -> None:
        self.last = pair
        if value is None:
            self.given.pop(pair, None)
        else:
            self.given[pair] = value

    def grades(self) -> dict[Pair, int]:
        """The grades, without what was skipped."""
        return {pair: value for pair, value in self.given.items() if value != SKIPPED}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rater is."""

    total: int
    graded: int
    skipped: int

    @property
    def done(self) -> bool:
        """Whether there is nothing left that was neither graded nor skipped."""
        return self.graded + self.skipped >= self.total


def progress(task: Task, answers: Answers) -> Progress:
    """How far a rater is with a task."""
    given = [
        answers.given[each.query, product]
        for each in task.queries
        for product in each.products
        if (each.query, product) in answers.given
    ]
    skipped = given.count(SKIPPED)
    return Progress(task.pairs, len(given) - skipped, skipped)


def rater_key(name: str) -> str:
    """What tells raters apart: the name in one spelling, without regard to capitals.

    Raises:
        BadInput: it is empty, long, or holds what cannot be printed.
    """
    tidy = " ".join(unicodedata.normalize("NFKC", name).split())
    if not tidy or not tidy.isprintable() or len(tidy.casefold().encode()) > _NAME_BYTES:
        raise BadInput(
            f"{name[:100]!r} cannot name a rater; give a name of at most {_NAME_BYTES} bytes",
            field="rater",
        )
    return tidy.casefold()


class AnswerLogs:
    """The answers to one task."""

    def __init__(self, data: Path, task: Task) -> None:
        self._folder = data / FOLDER / task.name / "answers"

    def raters(self) -> list[str]:
        """The keys of all who answered, by name."""
        found = self._folder.glob(f"*{_SUFFIX}")
        return sorted(unquote(path.name.removesuffix(_SUFFIX)) for path in found)

    def read(self, rater: str) -> Answers:
        """Where a rater stands; at the beginning for one who never answered.

        Raises:
            BadInput: the name cannot be used.
            AisleError: the log cannot be read.
        """
        path = self._path(rater)
        try:
            with path.open("rb") as file:
                return _replay(path, rater, file.read())
        except FileNotFoundError:
            return Answers(rater)

    def read_all(self) -> Mapping[str, Answers]:
        """All who answered, by their names."""
        every = [self.read(key) for key in self.raters()]
        return {each.rater: each for each in every}

    def add(self, rater: str, answer: Answer) -> Answers:
        """Keeps an answer; when this returns, the disk has it.

        Raises:
            BadInput: the rater's name cannot be used.
            StorageFailed: the disk refused; the answer does not count.
        """
        path = self._path(rater)
        with storage_errors(path):
            new = not path.exists()
            with path.open("ab+", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                answers = self._append(path, file, rater, answer)
            if new:
                sync(self._folder)
        return answers

    def _append(self, path: Path, file: FileIO, rater: str, answer: Answer) -> Answers:
        file.seek(0)
        content = file.readall()
        answers = _replay(path, rater, content)
        if answer.id in answers.seen or (answer.action == "undo" and not answers.history):
            return answers
        # What a crash left of a line was never acknowledged.
        whole = content.rfind(b"\n") + 1
        file.truncate(whole)
        try:
            left = _line(answers.rater, answer)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(whole)
            raise
        answers.take(answer)
        return answers

    def _path(self, rater: str) -> Path:
        return self._folder / f"{quote(rater_key(rater), safe=' ')}{_SUFFIX}"


def _line(rater: str, answer: Answer) -> bytes:
    return orjson.dumps(
        {
            "at": round(time.time(), 3),
            "rater": " ".join(rater.split()),
            "id": answer.id,
            "action": answer.action,
            "query": answer.query,
            "product": answer.product,
            "grade": answer.grade,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _replay(path: Path, rater: str, content: bytes) -> Answers:
    answers = Answers(rater)
    lines = content.split(b"\n")[:-1]
    for number, line in enumerate(lines, 1):
        try:
            row = orjson.loads(line)
            if number == 1:
                answers.rater = row["rater"]
            answers.take(
                Answer(row["id"], row["action"], row["query"], row["product"], row["grade"])
            )
        except (ValueError, KeyError, TypeError) as error:
            raise AisleError(f"{path}, line {number} is no answer ({error}); mend it") from None
    return answers
