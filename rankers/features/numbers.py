"""Numbers and model numbers: the query's, or others in their place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rankers.features import kernels
from rankers.features.declare import Direction, Feature, Group
from rankers.features.inputs import Inputs


def _numbers(name: str, label: str, direction: Direction, sentence: str) -> Feature:
    return Feature(name, label, "number", "share", "words", sentence, direction)


FEATURES = (
    _numbers(
        "codes_conflict",
        "another model number",
        -1,
        "Share of the query's words of letters and digits that the title lacks while it has others "
        "of the same shape: `xm5` for `xm4`.",
    ),
    _numbers(
        "numbers_conflict",
        "other numbers",
        -1,
        "Share of the query's numbers that the title lacks while it has other numbers.",
    ),
    _numbers(
        "numbers_beside",
        "numbers beside the same words",
        1,
        "Share of both that stand in the title beside a word that they stand beside in the query.",
    ),
    _numbers(
        "numbers_beside_conflict",
        "other numbers beside the same words",
        -1,
        "Share of both that do not, while another of that shape does: `charge 4` for `charge 3`.",
    ),
)


def fill(inputs: Inputs, out: NDArray[np.float32]) -> None:
    """See `rankers.features.declare.Group.fill`. Unknown for queries without numbers, and in an
    index that does not say how words are made."""
    query, known = inputs.coded, inputs.facts.shapes
    if not len(query.figures) or known is None:
        return
    rows = inputs.texts["title"]
    kernels.numbers.fill(
        out,
        (query.keys, query.slots),
        query.sequence,
        (query.figures, query.shapes, known),
        (rows.codes, rows.counts, rows.spans),
        np.empty((2, len(query.figures)), np.int32),
    )


GROUP = Group("numbers", FEATURES, fill)
