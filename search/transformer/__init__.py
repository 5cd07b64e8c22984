"""Encoding without ONNX Runtime, where the processor has what our own kernel needs."""

from __future__ import annotations

from typing import Any


def runs_here() -> bool:
    """Whether `search.transformer.kernels` may be imported: it is made of AVX-512 VNNI."""
    from numba.core import codegen

    untyped: Any = codegen
    if untyped.config.DISABLE_JIT:
        return False
    features = untyped.config.CPU_FEATURES
    if features is None:
        features = untyped.get_host_cpu_features()
    return {"+avx512f", "+avx512vnni"} <= set(features.split(","))
