"""What commands say while they work."""

from __future__ import annotations

import time

import pytest

from api.commands import console


def test_a_log_is_told_what_is_done_how_long_it_took_and_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with console.stages() as progress:
        for done in range(4):
            progress("cross-validating", done, 15)
            now += 30
        progress("training on all queries", 0, 1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "cross-validating: 0 of 15"
    assert lines[3] == "cross-validating: 3 of 15, 0:01:30 so far, 0:06:00 left"
    assert lines[4] == "training on all queries: 0 of 1"


def test_what_a_stage_waits_for_is_no_time_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with console.stages() as progress:
        for stage, done, total, seconds in (
            ("words", 0, 100, 10), ("vectors", 0, 1, 10), ("words", 50, 100, 5),
            ("vectors", 1, 1, 5), ("words", 100, 100, 0), ("publish", 0, 4, 10),
            ("warm-up", 0, 200, 100), ("warm-up", 200, 200, 10), ("publish", 2, 4, 0),
        ):  # fmt: skip
            progress(stage, done, total)
            now += seconds
    lines = capsys.readouterr().err.splitlines()
    # Side by side, each has all of its time; what runs within another has it for itself.
    assert "words: 50 of 100, 0:00:20 so far, 0:00:20 left" in lines
    assert "words: 100 of 100, 0:00:30 so far, 0:00:00 left" in lines
    assert "warm-up: 200 of 200, 0:01:40 so far, 0:00:00 left" in lines
    assert "publish: 2 of 4, 0:00:20 so far, 0:00:20 left" in lines


def test_who_asks_for_json_is_told_nothing_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    with console.stages(quiet=True) as progress:
        progress("cross-validating", 1, 15)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
