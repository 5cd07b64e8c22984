"""How common words are, asked of the server: several at once, and each once in a while."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from search.engines.server.dialect import Dsl

T = TypeVar("T")
Word = tuple[str, str]
"""A field and an analyzed word."""
Count = Callable[[Sequence[Dsl]], Awaitable[Sequence[int]]]
"""The documents that match each of some queries."""
_KEPT = 200_000
_AT_ONCE = 512


@dataclass(slots=True)
class Vocabulary:
    """Counts of one index that were asked for, by word."""

    known: dict[Word, int] = field(default_factory=dict)

    def changed(self) -> Vocabulary:
        """For an index that has changed a little: words it had not may be there now; the counts of
        the others are near enough."""
        return Vocabulary({word: count for word, count in self.known.items() if count})

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
    known: dict[Word, int]
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
            vocabulary.keep(dict(zip(some, await count(queries), strict=True)))
