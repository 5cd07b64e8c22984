"""`aisle bench learn --part propensity`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.bench import learn_propensity
from api.bench.learn import PARTS
from api.bench.parts import tables_of
from api.cli import run

Output = pytest.CaptureFixture[str]
_SMALL = learn_propensity.Effort({20_000: 2, 40_000: 2}, 3, 20)


def test_an_unknown_part_is_refused(capsys: Output) -> None:
    assert run(["bench", "learn", "--part", "propensities"]) == 2
    assert "there are propensity, learners, periods, pipeline and all" in capsys.readouterr().err


@pytest.mark.slow
def test_gates_are_measured_and_printed(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn_propensity, "QUICK", _SMALL)
    monkeypatch.setattr(learn_propensity, "LIMITS", {20_000: 0.12, 40_000: 0.1})
    monkeypatch.setattr(learn_propensity, "_MISFIT_SIZES", (20_000,))
    arguments = ["bench", "learn", "--part", "propensity", "--quick", "--real", str(tmp_path)]
    assert run([*arguments, "--json"]) == 0
    printed = capsys.readouterr()
    assert "RetroTech is left out" in printed.err
    found = json.loads(printed.out.splitlines()[-1])
    gates = {gate["gate"]: gate for gate in found["propensity"]["gates"]}
    assert gates["joachims, 20,000 sessions"]["met"]
    assert gates["joachims, 20,000 sessions"]["figure"] > 0.01
    warned = {row["model"]: row["warned"] for row in found["propensity"]["misfit"]}
    assert warned["joachims"] == 0
    assert warned["cascade"] == 1
    shown = tables_of(PARTS, found)
    assert "### RMS error of log p" in shown
    assert "| joachims | 1000 | queries | 3 |" in shown
