"""Answers: kept once acknowledged, counted once, undone one by one."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.judging.answers import (
    SKIPPED,
    Answer,
    AnswerLogs,
    Answers,
    progress,
    rater_key,
)
from search.errors import AisleError, BadInput, StorageFailed
from tests.api.judging.worlds import answer, lamps


def test_the_last_answer_about_a_product_counts(tmp_path: Path) -> None:
    task = lamps(tmp_path)
    logs = AnswerLogs(tmp_path, task)
    logs.add("Ana", answer("a1", grade=1))
    logs.add("ana ", answer("a2", grade=3))
    logs.add("Ana", answer("a3", "kettle", "k1", None, "skip"))
    found = logs.read("ANA")
    assert found.given == {("lamp", "l1"): 3, ("kettle", "k1"): SKIPPED}
    assert found.grades() == {("lamp", "l1"): 3}
    assert found.rater == "Ana"
    assert logs.raters() == ["ana"]
    far = progress(task, found)
    assert (far.total, far.graded, far.skipped, far.done) == (5, 1, 1, False)


def test_an_answer_that_is_sent_again_counts_once(tmp_path: Path) -> None:
    logs = AnswerLogs(tmp_path, lamps(tmp_path))
    logs.add("Ana", answer("a1", grade=1))
    logs.add("Ana", answer("a2", grade=2))
    assert logs.add("Ana", answer("a1", grade=1)).given == {("lamp", "l1"): 2}
    undo = answer("a3", action="undo")
    logs.add("Ana", undo)
    assert logs.add("Ana", undo).given == {("lamp", "l1"): 1}


@given(
    st.lists(
        st.one_of(
            st.just(None), st.tuples(st.sampled_from(["l1", "l2"]), st.sampled_from([0, 3, None]))
        ),
        max_size=12,
    )
)
def test_undo_goes_back_answer_by_answer(steps: list[tuple[str, int | None] | None]) -> None:
    answers, states = Answers("ana"), [dict[tuple[str, str], int]()]
    for number, step in enumerate(steps):
        if step is None:
            answers.take(Answer(str(number), "undo"))
            states = states[:-1] or states
        else:
            answers.take(answer(str(number), "lamp", step[0], step[1]))
            states.append(dict(answers.given))
        assert answers.given == states[-1]


def test_what_a_crash_left_of_a_line_is_cut_off(tmp_path: Path) -> None:
    task = lamps(tmp_path)
    logs = AnswerLogs(tmp_path, task)
    logs.add("Ana", answer("a1"))
    path = next((tmp_path / "judging" / "lamps" / "answers").iterdir())
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"at":1,"rater":"Ana","id":"a2","act')
    assert logs.read("Ana").given == {("lamp", "l1"): 2}
    logs.add("Ana", answer("a3", product="l2"))
    assert path.read_bytes().startswith(whole)
    assert [orjson.loads(line)["id"] for line in path.read_bytes().splitlines()] == ["a1", "a3"]


def test_a_line_that_is_no_answer_is_named(tmp_path: Path) -> None:
    logs = AnswerLogs(tmp_path, lamps(tmp_path))
    logs.add("Ana", answer("a1"))
    path = next((tmp_path / "judging" / "lamps" / "answers").iterdir())
    path.write_bytes(b"[]\n" + path.read_bytes())
    with pytest.raises(AisleError, match=r"ana\.jsonl, line 1 is no answer"):
        logs.read("Ana")


def test_an_answer_the_disk_refuses_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = AnswerLogs(tmp_path, lamps(tmp_path))
    logs.add("Ana", answer("a1"))
    path = next((tmp_path / "judging" / "lamps" / "answers").iterdir())
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageFailed, match="disk is full"):
            logs.add("Ana", answer("a2", product="l2"))
    assert path.read_bytes() == before
    assert logs.add("Ana", answer("a2", product="l2")).given[("lamp", "l2")] == 2


def test_windows_and_processes_write_at_once(tmp_path: Path) -> None:
    pool = tuple(f"p{n:03}" for n in range(120))
    task = lamps(tmp_path, {"lamp": pool})

    def write(product: str) -> None:
        # Each with a file handle of its own, as other processes have.
        AnswerLogs(tmp_path, task).add("Ana", answer(f"id-{product}", product=product))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, pool))
    assert progress(task, AnswerLogs(tmp_path, task).read("Ana")).done


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    pool = tuple(f"p{n:04}" for n in range(5000))
    task = lamps(tmp_path, {"lamp": pool})
    program = (
        "import sys; from pathlib import Path\n"
        "from api.judging.answers import Answer, AnswerLogs\n"
        "from api.judging.tasks import load_task\n"
        f"data = Path({str(tmp_path)!r}); logs = AnswerLogs(data, load_task(data, 'lamps'))\n"
        "for n in range(5000):\n"
        "    logs.add('Ana', Answer(f'id-{n}', 'grade', 'lamp', f'p{n:04}', n % 4))\n"
        "    print(n, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 40:
                process.send_signal(signal.SIGKILL)
                break
        rest = process.stdout.read().split()
    acknowledged = int(rest[-1]) if rest else 40
    given = AnswerLogs(tmp_path, task).read("Ana").given
    kept = [given.get(("lamp", f"p{n:04}")) for n in range(acknowledged + 1)]
    assert kept == [n % 4 for n in range(acknowledged + 1)]


@settings(max_examples=40)
@given(st.text(max_size=30), st.text(max_size=30))
def test_raters_have_a_log_each(tmp_path_factory: pytest.TempPathFactory, a: str, b: str) -> None:
    data = tmp_path_factory.mktemp("raters")
    task = lamps(data)
    keys = []
    for name in (a, b):
        try:
            keys.append(rater_key(name))
        except BadInput:
            continue
        AnswerLogs(data, task).add(name, answer("a1"))
    assert AnswerLogs(data, task).raters() == sorted(set(keys))


def test_the_longest_name_has_a_file(tmp_path: Path) -> None:
    logs = AnswerLogs(tmp_path, lamps(tmp_path))
    logs.add("名" * 26, answer("a1"))
    assert logs.raters() == ["名" * 26]


@pytest.mark.parametrize("name", ["", "  ", "a\nb\x00", "x" * 81])
def test_names_that_cannot_be_a_rater_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot name a rater"):
        AnswerLogs(tmp_path, lamps(tmp_path)).add(name, answer("a1"))
