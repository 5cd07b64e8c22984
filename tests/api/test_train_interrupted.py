"""Ctrl-C during `aisle train` says what became of the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.cli import run


@pytest.mark.parametrize("source", ["--judgments", "--events"])
def test_an_interrupted_training_says_that_nothing_was_written(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("api.commands.train_command.read_tables", interrupted)
    monkeypatch.setattr("api.click_training.read_split", interrupted)
    out = tmp_path / "model.json"
    code = run(["train", "--data", str(tmp_path), source, str(tmp_path), "--out", str(out)])
    said = " ".join(capfd.readouterr().err.split())
    assert code == 130
    assert f"aisle: interrupted; {out} was not written, the next call begins anew" in said
    assert ("--seeds 1 --folds 2" in said) == (source == "--judgments")
    assert not out.exists()
