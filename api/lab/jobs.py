"""What takes long runs in a process of its own, one after another; its result is kept in a file.

So no page waits for it, searches do not share an interpreter with it, and all processes of a server
find what one of them made.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from search.errors import Overloaded
from training.events.disk import storage_errors

OUT = "{out}"
"""Among arguments: where the program is to write. Without it its standard output is kept."""
_MOST = 8
_AGAIN_SECONDS = 60.0
"""After a failure nothing is tried for so long."""
_ALONE = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "COLUMNS": "200"}


@dataclass(frozen=True, slots=True)
class Task:
    """A file to make and the program that makes it, as `python -m` takes it."""

    file: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What there is of a task: its file (None: not made yet) and when it was made (seconds since
    1970), whether it is being made, and why it could not be when that is newer."""

    path: Path | None = None
    made: float = 0.0
    running: bool = False
    fault: str = ""


class Jobs:
    """Runs tasks over one folder. Safe from any thread."""

    def __init__(self, folder: Path, seconds: float = 600.0) -> None:
        self.folder = folder
        self.seconds = seconds
        self._waiting: set[str] = set()
        self._lock = threading.Lock()
        self._worker: ThreadPoolExecutor | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def ask(self, task: Task, fresh_seconds: float | None = None) -> Outcome:
        """What there is; when there is nothing, or it is older than `fresh_seconds`, it is made.

        Raises:
            Overloaded: too many wait already.
        """
        found = self.look(task)
        if found.running or (found.fault and self._failed(task) > time.time() - _AGAIN_SECONDS):
            return found
        old = fresh_seconds is not None and found.made < time.time() - fresh_seconds
        if found.path is not None and not old:
            return found
        self.start(task)
        return Outcome(found.path, found.made, running=True)

    def look(self, task: Task) -> Outcome:
        """What there is."""
        path = self.folder / task.file
        made = _modified(path)
        fault = ""
        if self._failed(task) > made:
            with contextlib.suppress(OSError):
                fault = self._fault(task).read_text("utf-8")
        with self._lock:
            running = task.file in self._waiting
        return Outcome(path if made else None, made, running, fault)

    def start(self, task: Task) -> None:
        """Makes a task's file, unless it is being made.

        Raises:
            Overloaded: too many wait already.
        """
        with self._lock:
            if task.file in self._waiting or self._stopped:
                return
            if len(self._waiting) >= _MOST:
                raise Overloaded("the lab computes enough already; try again in a minute")
            self._waiting.add(task.file)
            self._worker = self._worker or ThreadPoolExecutor(1, "aisle-lab")
            self._worker.submit(self._run, task)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Until the server stops; then what runs is given up."""
        try:
            yield
        finally:
            with self._lock:
                self._stopped, worker, process = True, self._worker, self._process
            if process is not None:
                process.kill()
            if worker is not None:
                worker.shutdown(wait=True, cancel_futures=True)

    def _run(self, task: Task) -> None:
        try:
            fault = self._make(task)
            if fault and not self._stopped:
                self._fault(task).write_text(fault, "utf-8")
            elif not fault:
                self._fault(task).unlink(missing_ok=True)
        except Exception as error:
            with contextlib.suppress(OSError):
                self._fault(task).write_text(str(error), "utf-8")
        finally:
            with self._lock:
                self._waiting.discard(task.file)

    def _make(self, task: Task) -> str:
        """Runs the program; returns why there is no result."""
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=self.folder) as place:
            out, said = Path(place, "out"), Path(place, "said")
            code = self._wait(task, out, said)
            if code:
                return _last(said.read_text("utf-8", "replace")) or f"it ended with {code}"
            out.replace(self.folder / task.file)
        return ""

    def _wait(self, task: Task, out: Path, said: Path) -> int:
        arguments = [str(out) if each == OUT else each for each in task.arguments]
        kept = Path(os.devnull) if OUT in task.arguments else out
        with kept.open("wb") as answer, said.open("wb") as words:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=words,
                env=_environment(),
            )
            with self._lock:
                self._process = process
                if self._stopped:
                    process.kill()
            with contextlib.suppress(OSError, AttributeError):
                os.setpriority(os.PRIO_PROCESS, process.pid, 10)
            try:
                return process.wait(self.seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                words.write(f"it took longer than {self.seconds:,.0f} s\n".encode())
                return 1
            finally:
                with self._lock:
                    self._process = None

    def _failed(self, task: Task) -> float:
        return _modified(self._fault(task))

    def _fault(self, task: Task) -> Path:
        return self.folder / f"{task.file}.fault"


def _environment() -> dict[str, str]:
    """This process's own, without the metrics that it shares with the other workers."""
    own = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    return {**own, **_ALONE}


def _modified(path: Path) -> float:
    """When a file was written; 0 where there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _last(said: str) -> str:
    """The end of what a program complained of, without the frames around it."""
    lines = [line.strip(" │╭╮╰╯─") for line in said.splitlines()]
    return " ".join([line for line in lines if line][-3:])[-600:]
