"""An exported encoder's weights, read from its ONNX file for the kernel."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.transformer import layouts_here
from search.transformer.graph import Graph, Node, read_graph
from search.transformer.kernels import compiled
from search.transformer.layout import BLOCK, LANES, Layout, Product, Weights, pack, room
from search.types import Vector, Vectors


class UnknownGraph(ValueError):
    """A model that the kernel does not compute."""


class Network:
    """A BERT encoder with mean pooling. Safe to use from several threads at once."""

    def __init__(self, path: Path, layout: Layout | None = None) -> None:
        """Reads the graph that `indexer.encoder_export` wrote to `path`, for the fastest layout
        that this processor allows if none is given.

        Raises:
            UnknownGraph: it is made of other parts than the kernel.
            OSError: the file cannot be read.
        """
        self._layout = layout or layouts_here()[0]
        self._encode = compiled(self._layout)
        try:
            reader = _Reader(read_graph(path), self._layout)
            self._weights, self._words, self._places = reader.weights()
        except (KeyError, IndexError, ValueError) as error:
            raise UnknownGraph(f"{path} is not a graph the kernel computes: {error!r}") from error

    def vector(self, tokens: Sequence[int]) -> Vector:
        """The unit vector of a text, float32; at most as many tokens as the model has places."""
        states = self._words[tokens]
        states += self._places[: len(tokens)]
        into = np.empty(states.shape[1], np.float32)
        where = room(len(tokens), self._weights, self._layout)
        self._encode(states, self._weights, where, into)
        return into


class _Reader:
    """Finds weights by the operators that take them."""

    def __init__(self, graph: Graph, layout: Layout) -> None:
        self._layout = layout
        self._tensors = graph.tensors
        self._nodes = graph.nodes
        self._makers = {output: node for node in graph.nodes for output in node.outputs}

    def weights(self) -> tuple[Weights, Vectors, Vectors]:
        """The kernel's weights, and the embeddings of words and of places."""
        (embed,) = self._called("EmbedLayerNormalization")
        attentions, gelus = self._called("MultiHeadAttention"), self._called("BiasGelu")
        sums = self._called("SkipLayerNormalization")
        layers, products = len(attentions), len(self._called("MatMulNBits"))
        if (len(sums), len(gelus), products) != (2 * layers, layers, 6 * layers):
            raise ValueError("other operators than those of its layers")
        words, places, segments = self._all(embed.inputs[2:5])
        norms = [
            [self._all(node.inputs[2:4]) for node in sums[i : i + 2]]
            for i in range(0, len(sums), 2)
        ]
        weights = Weights(
            heads=int(attentions[0].attributes["num_heads"]),
            epsilon=sums[0].attributes["epsilon"],
            embedded=_kept(np.stack(self._all(embed.inputs[5:7]))),
            attended=self._product([(node.inputs[:3], node.inputs[3]) for node in attentions]),
            projected=self._product([(node.inputs[:1], node.inputs[4]) for node in sums[::2]]),
            widened=self._product([(node.inputs[:1], node.inputs[1]) for node in gelus]),
            narrowed=self._product([(node.inputs[:1], node.inputs[4]) for node in sums[1::2]]),
            normalized=_kept(np.array(norms)),
        )
        if weights.embedded.shape[1] % (weights.heads * LANES):
            raise ValueError("heads of another size than registers have")
        return weights, words, places + segments[0]

    def _product(self, layers: Sequence[tuple[Sequence[str], str]]) -> Product:
        """Of each layer the outputs whose products are made in one, and the bias."""
        packed = []
        for outputs, _ in layers:
            parts = [self._weights_of(self._makers[output]) for output in outputs]
            weights, scales = (np.concatenate(part) for part in zip(*parts, strict=True))
            packed.append(pack(weights, scales, self._layout))
        all_weights, all_scales = zip(*packed, strict=True)
        bias = [self._tensors[name] for _, name in layers]
        return Product(*(_kept(np.stack(each)) for each in (all_weights, all_scales, bias)))

    def _weights_of(self, node: Node) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Weights of shape (columns, rows) and the scales of their blocks."""
        bits, block = (int(node.attributes[name]) for name in ("bits", "block_size"))
        if bits != 8 or block != BLOCK or len(node.inputs) != 3:
            raise ValueError(f"{bits} bits, blocks of {block}, {len(node.inputs)} inputs")
        weights, scales = self._all(node.inputs[1:])
        columns, blocks, _ = weights.shape
        if columns % self._layout.panel or node.attributes["K"] != blocks * BLOCK:
            raise ValueError(f"{columns} columns of {node.attributes['K']}")
        return weights.reshape(columns, blocks * BLOCK), scales.reshape(columns, blocks)

    def _called(self, operator: str) -> Sequence[Node]:
        return [node for node in self._nodes if node.operator == operator]

    def _all(self, names: Sequence[str]) -> list[NDArray[Any]]:
        return [self._tensors[name] for name in names]


def _kept(array: NDArray[Any]) -> NDArray[Any]:
    """A copy at the start of pages of its own, large ones where the system has them: reading all
    weights for every query, the processor else looks up three thousand."""
    pages = mmap.mmap(-1, array.nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    pages.madvise(mmap.MADV_HUGEPAGE)
    kept = np.frombuffer(pages, array.dtype).reshape(array.shape)
    kept[...] = array
    return kept
