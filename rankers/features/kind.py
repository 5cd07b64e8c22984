"""What a product is, by the part of its title that says so: the kettle, or what goes with one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rankers.features import kernels
from rankers.features.declare import Feature, Group
from rankers.features.inputs import Inputs

FEATURES = (
    Feature(
        "kind_coverage",
        "words found in the kind of product",
        "number",
        "share",
        "words",
        "Share of the query's words, rare ones counting more, in what the title says the product "
        "is: before a comma, a dash, a bracket, `for` or `with`.",
        1,
    ),
    Feature(
        "kind_precision",
        "words of the kind of product asked for",
        "number",
        "share",
        "words",
        "Share of those title words in the query.",
    ),
    Feature(
        "kind_asked",
        "kind of product named",
        "flag",
        "yes or no",
        "words",
        "The last of them, the head noun, is a word of the query.",
        1,
    ),
    Feature(
        "kind_is_head",
        "kind of product is the main word",
        "flag",
        "yes or no",
        "words",
        "The head noun of the title is that of the query.",
        1,
    ),
    Feature(
        "kind_words",
        "words naming the kind of product",
        "number",
        "words",
        "words",
        "How many words say what the product is.",
    ),
    Feature(
        "accessory",
        "accessory that was not asked for",
        "flag",
        "yes or no",
        "words",
        "It is a case, a filter, a spare part or the like, and the query does not say so.",
        -1,
    ),
)


def fill(inputs: Inputs, out: NDArray[np.float32]) -> None:
    """See `rankers.features.declare.Group.fill`."""
    query = inputs.coded
    if len(query.sequence):
        rows = inputs.texts["kind"]
        kernels.kind.fill(
            out,
            (query.keys, query.slots, query.weights),
            query.roles,
            (query.head, rows.base),
            query.accessories,
            inputs.texts["title"].documents,
            (rows.codes, rows.counts, rows.spans),
            np.empty((2, query.size)),
        )


GROUP = Group("kind", FEATURES, fill)
