"""The same numbers from the same data, on any number of cores."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def repeatable(work: Callable[P, T]) -> Callable[P, T]:
    """The same function, its matrix products on one thread: with more, BLAS adds in another order
    and the last bits of a model differ from machine to machine. LightGBM keeps its threads; what it
    adds up does not depend on them."""

    @wraps(work)
    def limited(*args: P.args, **kwargs: P.kwargs) -> T:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1, user_api="blas"):
            return work(*args, **kwargs)

    return limited
