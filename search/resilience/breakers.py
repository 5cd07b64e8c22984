"""Circuit breakers without the Redis client, imported from here.

purgatory can keep the state of breakers in Redis, which Aisle's processes do not share, and imports
the client wherever it is installed: a fifth of a second for every command. Who needs the client
imports it as ever.
"""

from __future__ import annotations

import importlib
import sys


def _import_lightly() -> None:
    if {"redis", "purgatory"} & sys.modules.keys():
        return
    # None makes `import redis` raise ImportError, which purgatory takes for "not installed".
    sys.modules["redis"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("purgatory")
    finally:
        del sys.modules["redis"]


_import_lightly()

from purgatory import AsyncCircuitBreakerFactory  # noqa: E402
from purgatory.domain.model import OpenedState  # noqa: E402

__all__ = ["AsyncCircuitBreakerFactory", "OpenedState"]
