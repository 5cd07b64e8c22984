"""What is computed in other processes: once, kept in a file, given up when the server stops."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.lab.jobs import OUT, Jobs, Outcome, Task
from search.errors import Overloaded

SLOW = Task("slow", ("timeit", "-n", "1", "-r", "1", "import time; time.sleep(60)"))


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    jobs = Jobs(tmp_path / "lab")
    with jobs.running():
        yield jobs


def awaited(jobs: Jobs, task: Task) -> Outcome:
    deadline = time.monotonic() + 20
    while (found := jobs.look(task)).running:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_a_result_is_made_once_and_found_by_others(jobs: Jobs) -> None:
    task = Task("tokens", ("json.tool", "--compact", "--help"))
    assert jobs.ask(task).running
    made = awaited(jobs, task)
    assert made.path is not None
    assert b"usage" in made.path.read_bytes()
    assert not jobs.ask(task).running
    assert Jobs(jobs.folder).look(task).made == made.made
    assert jobs.ask(task, fresh_seconds=0.0).running
    assert [path.name for path in jobs.folder.iterdir() if path.name[0] != "."] == ["tokens"]


def test_a_failure_says_why_and_is_not_tried_again_at_once(jobs: Jobs) -> None:
    task = Task("missing", ("json.tool", "/nowhere.json", OUT))
    jobs.ask(task)
    failed = awaited(jobs, task)
    assert failed.path is None
    assert "No such file" in failed.fault
    assert jobs.ask(task) == failed


def test_what_takes_too_long_is_given_up(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, seconds=0.1)
    with jobs.running():
        jobs.ask(SLOW)
        assert "took longer" in awaited(jobs, SLOW).fault


def test_only_so_much_waits_and_nothing_outlives_the_server(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    began = time.monotonic()
    with jobs.running():
        for number in range(8):
            jobs.ask(Task(f"slow-{number}", SLOW.arguments))
        jobs.ask(Task("slow-0", SLOW.arguments))
        with pytest.raises(Overloaded, match="computes enough"):
            jobs.ask(SLOW)
        time.sleep(0.2)
    assert time.monotonic() - began < 15
    assert not list(tmp_path.glob("slow*"))
