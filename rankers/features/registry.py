"""Every group of features, in the order of their columns. A new one is a module and a line."""

from __future__ import annotations

from rankers.features import meaning, retrieval, understanding, words
from rankers.features.declare import Group

GROUPS: tuple[Group, ...] = (
    words.GROUP,
    meaning.GROUP,
    retrieval.GROUP,
    understanding.GROUP,
)
