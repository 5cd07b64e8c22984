"""Retrains a data directory while it is killed again and again: `python -m … DATA`.

The parts are imported once, then each call is a fork of its own, ended by SIGKILL at one place:
after each step, and before it is noted where a step leaves something outside of the run.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.retraining import RetrainTask, retrain
from api.retraining.state import Run
from api.retraining.steps import STEPS

LEAVES = ("train", "register", "promote", "publish")
Progress = Callable[[str, int, int | None], None]


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dies_before_noting(step: str) -> Progress:
    """The work of a step is done, and nobody noted it."""
    keep = Run.keep

    def keep_or_die(self: Run, name: str, *rest: Any) -> None:
        if name == step:
            die()
        keep(self, name, *rest)

    Run.keep = keep_or_die  # type: ignore[method-assign, assignment]
    return lambda stage, done, total: None


def dies_after(step: str) -> Progress:
    def progress(stage: str, done: int, total: int | None) -> None:
        if stage == step and done == 1:
            die()

    return progress


def killed(data: Path, dies: Callable[[str], Progress], step: str) -> None:
    """One call in a process of its own, which must be killed."""
    child = os.fork()
    if not child:
        asyncio.run(retrain(RetrainTask(data), lambda text: None, dies(step)))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
        sys.exit(f"{step}: was not killed but ended with {status}")


if __name__ == "__main__":
    for name in STEPS:
        if name in LEAVES:
            killed(Path(sys.argv[1]), dies_before_noting, name)
        killed(Path(sys.argv[1]), dies_after, name)
