"""The schedules in the documentation call what there is."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from api.cli import application

DOCS = Path(__file__).parents[3] / "docs" / "learning"


def cron() -> list[str]:
    line = re.search(r"aisle retrain [^>]*", (DOCS / "models.md").read_text().split("Cron")[1])
    assert line is not None
    return shlex.split(line[0])


def dag() -> dict[str, list[str]]:
    """The commands of the DAG by task; its f-strings hold the data directory alone."""
    tree = ast.parse((DOCS / "airflow_dag.py").read_text())
    found = {}
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "BashOperator":
            given = {each.arg: each.value for each in call.keywords}
            text = given["bash_command"]
            assert isinstance(text, ast.JoinedStr)
            parts = [p.value if isinstance(p, ast.Constant) else "data" for p in text.values]
            found[ast.literal_eval(given["task_id"])] = shlex.split("".join(map(str, parts)))
    return found


@pytest.mark.parametrize("words", [cron(), *dag().values()], ids=lambda words: words[1])
def test_every_command_and_option_exists(words: list[str]) -> None:
    name, command, *options = words
    assert name == "aisle"
    group = get_command(application([command]))
    chosen = group.commands[command]  # type: ignore[attr-defined]
    assert chosen.make_context(command, list(options)).params["data"] == Path("data")


def test_the_dag_skips_when_another_retraining_runs() -> None:
    from api.commands.retrain_command import BUSY

    assert f"skip_on_exit_code={BUSY}" in (DOCS / "airflow_dag.py").read_text()
