"""Loops over candidates, compiled once with fixed types and kept on disk: importing a module here
compiles what is not kept yet (`rankers.features.warm_up`). Each is imported when it is first used:
numba takes a second."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rankers.features.kernels import coverage as coverage
    from rankers.features.kernels import kind as kind
    from rankers.features.kernels import learned as learned
    from rankers.features.kernels import meaning as meaning
    from rankers.features.kernels import numbers as numbers
    from rankers.features.kernels import product as product
    from rankers.features.kernels import retrieval as retrieval
    from rankers.features.kernels import spelling as spelling
    from rankers.features.kernels import titles as titles
    from rankers.features.kernels import understanding as understanding
else:

    def __getattr__(name: str) -> ModuleType:
        """Asked once a module: importing it makes it an attribute of the package."""
        if name.startswith("__"):
            raise AttributeError(name)
        return import_module(f"{__name__}.{name}")
