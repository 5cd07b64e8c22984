"""Every group of features, in the order of their columns. A new one is a module and a line."""

from __future__ import annotations

from rankers.features import (
    behavior,
    kind,
    meaning,
    product,
    query,
    retrieval,
    shopper,
    titles,
    understanding,
    words,
)
from rankers.features.declare import Group

GROUPS: tuple[Group, ...] = (
    words.GROUP,
    titles.GROUP,
    kind.GROUP,
    meaning.GROUP,
    retrieval.GROUP,
    understanding.GROUP,
    product.GROUP,
    behavior.GROUP,
    query.GROUP,
    shopper.GROUP,
)
