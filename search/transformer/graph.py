"""Reads the graph of an ONNX file where it lies on disk: no more than kernels of our own need.

ONNX's own package is not there at serving time, and ONNX Runtime does not give weights away. The
numbers of fields are those of `onnx.proto` (https://github.com/onnx/onnx); the encoding of messages
is Protocol Buffers' (https://protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_GRAPH = 7
_NODE, _TENSOR = 1, 5
_INPUT, _OUTPUT, _OPERATOR, _ATTRIBUTE = 1, 2, 4, 5
_NAME, _SINGLE, _INTEGER = 1, 2, 3
_DIMENSIONS, _TYPE, _TENSOR_NAME, _RAW = 1, 2, 8, 9
_TYPES: Mapping[int, str] = {1: "<f4", 2: "u1", 6: "<i4", 7: "<i8"}


@dataclass(frozen=True, slots=True)
class Node:
    """One operator; attributes are those that are numbers."""

    operator: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    attributes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Graph:
    """A model's operators, in the order in which they run, and its weights, mapped from disk."""

    nodes: Sequence[Node]
    tensors: Mapping[str, NDArray[Any]]


def read_graph(path: Path) -> Graph:
    """The graph of the model in a file that holds its weights.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no such graph.
    """
    with path.open("rb") as file:
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    nodes, tensors = [], {}
    try:
        graph = dict(_fields(content))[_GRAPH]
        for number, value in _fields(graph):
            if number == _NODE:
                nodes.append(_node(value))
            elif number == _TENSOR:
                name, tensor = _tensor(value)
                tensors[name] = tensor
    except (IndexError, KeyError, TypeError, struct.error) as error:
        raise ValueError(f"{path} is not a model whose weights can be read: {error!r}") from error
    return Graph(nodes, tensors)


def _node(message: memoryview) -> Node:
    fields: dict[int, list[Any]] = {_INPUT: [], _OUTPUT: [], _OPERATOR: [], _ATTRIBUTE: []}
    for number, value in _fields(message):
        fields.setdefault(number, []).append(value)
    attributes = {}
    for attribute in fields[_ATTRIBUTE]:
        parts = dict(_fields(attribute))
        for kind in {_SINGLE, _INTEGER} & parts.keys():
            attributes[_text(parts[_NAME])] = parts[kind]
    inputs, outputs, (operator,) = (
        [_text(each) for each in fields[number]] for number in (_INPUT, _OUTPUT, _OPERATOR)
    )
    return Node(operator, inputs, outputs, attributes)


def _tensor(message: memoryview) -> tuple[str, NDArray[Any]]:
    shape, parts = [], {}
    for number, value in _fields(message):
        if number == _DIMENSIONS:
            shape.append(value)
        else:
            parts[number] = value
    numbers = np.frombuffer(parts.get(_RAW, b""), _TYPES[parts[_TYPE]])
    return _text(parts[_TENSOR_NAME]), numbers.reshape(shape)


def _text(value: memoryview) -> str:
    return bytes(value).decode()


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Number and value of each field: an integer, a single, or the bytes of what is longer."""
    at = 0
    while at < len(message):
        tag, at = _integer(message, at)
        kind = tag & 7
        value: Any
        if kind == 0:
            value, at = _integer(message, at)
        elif kind == 5:
            (value,), at = struct.unpack_from("<f", message, at), at + 4
        elif kind == 1:
            (value,), at = struct.unpack_from("<d", message, at), at + 8
        else:
            size, at = _integer(message, at)
            value, at = message[at : at + size], at + size
        yield tag >> 3, value


def _integer(message: memoryview, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the least first, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
