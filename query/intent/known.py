"""What phrases are in this catalogue, looked up for all phrases of a query at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from query.intent.dictionary import Dictionary
from query.intent.keys import Keys, find
from query.intent.phrases import Phrases

BRAND, TYPE, CATEGORY, VALUE, AUDIENCE, OCCASION, SUPPORT = (1 << bit for bit in range(7))
"""What a phrase can be, several at once."""
MOST_LOADED: Final = 50_000
"""Phrases of one kind that are held in memory: a look-up in a dict takes a tenth of one in a mapped
array. Of more (brands of the largest shops), the array is searched."""


class Known:
    """A catalogue's dictionary and the bundled phrases, ready to look up."""

    def __init__(self, dictionary: Dictionary, phrases: Phrases) -> None:
        self.dictionary, self.function = dictionary, phrases.function
        self._loaded: dict[int, int] = {}
        self._mapped: list[tuple[int, Keys]] = []
        for kind, keys in (
            (BRAND, dictionary.brands),
            (TYPE, dictionary.types),
            (CATEGORY, dictionary.categories),
            (VALUE, dictionary.values),
            (AUDIENCE, phrases.audiences),
            (OCCASION, phrases.occasions),
            (SUPPORT, phrases.support),
        ):
            if len(keys) > MOST_LOADED:
                self._mapped.append((kind, keys))
                continue
            for key in keys.tolist():
                self._loaded[key] = self._loaded.get(key, 0) | kind

    def kinds(self, keys: Sequence[int]) -> list[int]:
        """What each phrase is, given by its key: a sum of the above."""
        kind_of = self._loaded.get
        found = [kind_of(key, 0) for key in keys]
        for kind, among in self._mapped:
            for place, at in enumerate(find(among, keys)):
                found[place] |= kind if at >= 0 else 0
        return found
