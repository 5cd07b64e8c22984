"""How common words are, asked of the server: several at once, and each once in a while."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from search.engines.server.dialect import Dsl

T = TypeVar("T")
Word = tuple[str, str]
"""A field and an analyzed word."""
Count = Callable[[Sequence[Dsl]], Awaitable[tuple[Sequence[int], bool]]]
"""The documents that match each of some queries, and whether all parts of the index were asked."""
_KEPT = 200_000
_AT_ONCE = 512


@dataclass(slots=True)
class Vocabulary:
    """Counts of one index that were asked for, by word."""

    known: MutableMapping[Word, int] = field(default_factory=dict)

    def changed(self) -> Vocabulary:
        """For an index that has changed a little: words it had not may be there now; the counts of
        the others are near enough."""
        return Vocabulary({word: count for word, count in self.known.items() if count})

    def aside(self) -> Vocabulary:
        """One that what it keeps is soon forgotten with."""
        return Vocabulary(ChainMap({}, self.known))

    def keep(self, found: dict[Word, int]) -> None:
        """Takes in what was asked."""
        if len(self.known) + len(found) > _KEPT:
            self.known.clear()
        self.known.update(found)


@dataclass(slots=True)
class Asking:
    """Implements `search.engines.dialect.Frequencies`: what is not known counts as there and rare,
    and is noted."""

    documents: int
    known: MutableMapping[Word, int]
    missing: dict[Word, None] = field(default_factory=dict)

    def frequency(self, field: str, word: str) -> int:
        """See `Frequencies.frequency`."""
        count = self.known.get((field, word))
        if count is None:
            self.missing[field, word] = None
            return 1
        return count


async def with_counts(
    make: Callable[[Asking], T], documents: int, vocabulary: Vocabulary, count: Count
) -> T:
    """What `make` makes once every count that it looks at is known: made, told what was missing,
    and made anew; seldom more than three times."""
    while True:
        asking = Asking(documents, vocabulary.known)
        made = make(asking)
        if not asking.missing:
            return made
        missing = list(asking.missing)
        for start in range(0, len(missing), _AT_ONCE):
            some = missing[start : start + _AT_ONCE]
            queries = [{"term": {name: {"value": word}}} for name, word in some]
            counts, everywhere = await count(queries)
            if not everywhere:
                vocabulary = vocabulary.aside()
            vocabulary.keep(dict(zip(some, counts, strict=True)))
