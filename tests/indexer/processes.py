"""Work in processes of its own, forked from a clean one that has imported everything."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["indexer.build", "indexer.merge", "tests.indexer.shop"])


def dies(target: Callable[..., object], *args: object) -> bool:
    """Runs `target`; whether it was killed rather than finished."""
    process = _context.Process(target=target, args=args)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


class Running:
    """A process under way."""

    def __init__(self, target: Callable[..., Any], *args: object) -> None:
        self._pipe, theirs = _context.Pipe(duplex=False)
        self._process = _context.Process(target=_send, args=(theirs, target, *args))
        self._process.start()
        theirs.close()

    def result(self) -> Any:
        """What its target returned, or the exception it raised."""
        result = self._pipe.recv()
        self._process.join()
        self._process.close()
        self._pipe.close()
        return result


def start(target: Callable[..., Any], *args: object) -> Running:
    """Runs `target` beside the test."""
    return Running(target, *args)


def outcome(target: Callable[..., Any], *args: object) -> Any:
    """What `target` returns, or the exception it raises, in a process of its own."""
    return Running(target, *args).result()


def _send(pipe: Connection, target: Callable[..., Any], *args: object) -> None:
    try:
        pipe.send(target(*args))
    except Exception as error:
        pipe.send(type(error)(str(error)))
