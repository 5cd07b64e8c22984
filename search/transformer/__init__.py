"""Encoding without ONNX Runtime, where the processor has what our own kernel needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search.transformer.layout import LAYOUTS, Layout


def layouts_here() -> Sequence[Layout]:
    """In which layouts `search.transformer.kernels` computes on this processor, the fastest
    first."""
    from numba.core import codegen

    untyped: Any = codegen
    if untyped.config.DISABLE_JIT:
        return []
    features = untyped.config.CPU_FEATURES
    if features is None:
        features = untyped.get_host_cpu_features()
    return [layout for layout in LAYOUTS if layout.needs <= set(features.split(","))]


def runs_here() -> bool:
    """Whether `search.transformer.kernels` may be imported."""
    return bool(layouts_here())
