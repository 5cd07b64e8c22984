"""Compiled code before the first request needs it."""

from __future__ import annotations

import pkgutil
from importlib import import_module


def warm_up() -> None:
    """Loads every kernel, and compiles those that are not kept on disk yet: half a minute the first
    time after an installation, half a second later. Call it before serving; nothing compiles
    during a request then."""
    kernels = import_module("rankers.features.kernels")
    for module in pkgutil.iter_modules(kernels.__path__, f"{kernels.__name__}."):
        import_module(module.name)
