"""What the kernel does with whole registers, written in LLVM's own language.

LLVM would not find that sums can stay in registers. Addresses are plain integers here.

Numba keeps a compiled kernel until the kernel's own module changes: after a change here, in
`tiles.py` or in `weighting.py`, touch `kernels.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir as _ir  # type: ignore[import-untyped]
from numba import from_dtype
from numba.core import cgutils as _cgutils
from numba.core import types
from numba.extending import intrinsic as _intrinsic

from search.transformer.layout import LANES, LAYOUTS, Layout

ir: Any = _ir
cgutils: Any = _cgutils
"""Untyped, as are most of their functions."""
intrinsic = cast(Callable[[Callable[..., Any]], Any], _intrinsic)

I32, I64, F32 = ir.IntType(32), ir.IntType(64), ir.FloatType()
_FUSED = ("contract",)
WORD = 4
"""Bytes of a number of 32 bits."""
REGISTER = LANES * WORD


class Vectors:
    """Writes LLVM's code for vectors."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def at(self, base: Any, *steps: tuple[Any, int]) -> Any:
        """The address so many steps of so many bytes after another."""
        for count, size in steps:
            count = ir.Constant(I64, count) if isinstance(count, int) else count
            base = self.builder.add(base, self.builder.mul(count, ir.Constant(I64, size)))
        return base

    def load(self, address: Any, kind: Any) -> Any:
        """What lies at an address, as a vector or number of that type."""
        loaded = self.builder.load(self.builder.inttoptr(address, kind.as_pointer()))
        loaded.align = WORD
        return loaded

    def fetch(self, address: Any) -> None:
        """Has memory brought near, without waiting for it."""
        pointer = ir.IntType(8).as_pointer()
        to_read_often_data = [ir.Constant(I32, each) for each in (0, 3, 1)]
        arguments = [self.builder.inttoptr(address, pointer), *to_read_often_data]
        self.call("llvm.prefetch.p0", ir.VoidType(), arguments)

    def store(self, value: Any, address: Any) -> None:
        """Puts a vector at an address."""
        place = self.builder.inttoptr(address, value.type.as_pointer())
        self.builder.store(value, place).align = WORD

    def all_lanes(self, address: Any, kind: Any) -> Any:
        """The number at an address, in all lanes of a vector."""
        nothing = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(
            nothing, self.load(address, kind.element), ir.Constant(I32, 0)
        )
        lanes = ir.Constant(ir.VectorType(I32, kind.count), [0] * kind.count)
        return self.builder.shuffle_vector(first, nothing, lanes)

    def variable(self, value: Any) -> Any:
        """Kept in a register as long as there are enough."""
        return cgutils.alloca_once_value(self.builder, value)

    def add_product(self, variable: Any, one: Any, other: Any) -> None:
        """Adds the product, rounding once."""
        product = self.builder.fmul(one, other, flags=_FUSED)
        total = self.builder.fadd(self.builder.load(variable), product, flags=_FUSED)
        self.builder.store(total, variable)

    def call(self, name: str, result: Any, arguments: list[Any]) -> Any:
        """What LLVM's own function of that name gives."""
        signature = ir.FunctionType(result, [each.type for each in arguments])
        function = cgutils.get_or_insert_function(self.builder.module, signature, name)
        return self.builder.call(function, arguments)


@intrinsic
def address(typing: Any, array: Any) -> Any:
    """Where an array's numbers begin."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.ptrtoint(made.data, I64)

    return types.int64(array), generate


def layout_of(rounded: Any) -> Layout:
    """The layout in which numba's type of rounded rows is one."""
    return next(each for each in LAYOUTS if from_dtype(each.rounded) == rounded.dtype)


def _told(number: Callable[[Layout], int]) -> Any:
    """A function that gives a number of the layout, by the array of rounded rows."""

    @intrinsic
    def told(typing: Any, rounded: Any) -> Any:
        value = ir.Constant(I64, number(layout_of(rounded)))
        return types.int64(rounded), lambda *_: value

    return told


panel_of = _told(lambda layout: layout.panel)
bytes_of = _told(lambda layout: layout.rounded.itemsize)
tokens_of = _told(lambda layout: layout.tokens)
