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


def outcome(target: Callable[..., Any], *args: object) -> Any:
    """What `target` returns, or the exception it raises."""
    ours, theirs = _context.Pipe(duplex=False)
    process = _context.Process(target=_send, args=(theirs, target, *args))
    process.start()
    theirs.close()
    result = ours.recv()
    process.join()
    return result


def _send(pipe: Connection, target: Callable[..., Any], *args: object) -> None:
    try:
        pipe.send(target(*args))
    except Exception as error:
        pipe.send(type(error)(str(error)))
