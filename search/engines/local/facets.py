"""Facets: exact counts over a result set.

A facet ignores the filter of its own name, so that a shopper sees the alternatives, unless that
filter excludes. Facets without such a filter share one pass over the results, every other one has a
pass of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from search.engines.local.columns import SEPARATOR, Dictionary
from search.engines.local.filters import FILTERS, PREFIX, FilterIndex
from search.engines.local.tally import ATTRIBUTE_NAMES, RATINGS, Asked, Counting, Tally
from search.types import Facet, FacetValue, Filters

Faceted = tuple[int, tuple[Facet, ...]]
"""The size of a result set, and its facets."""
ATTRIBUTES = 5
"""How many attributes are counted when none is named: the most frequent of the result set."""


@dataclass(frozen=True, slots=True)
class FacetCounter:
    """Makes the facets of one result set, within `filters`, of what others count for it."""

    index: FilterIndex
    filters: Filters

    def count(self, names: Sequence[str] | None, counting: Counting) -> Faceted:
        """See `steps`; `counting` counts."""
        steps = self.steps(names)
        try:
            asked = next(steps)
            while True:
                asked = steps.send(counting.count(*asked))
        except StopIteration as finished:
            found: Faceted = finished.value
            return found

    async def counted(
        self, names: Sequence[str] | None, count: Callable[[Filters, Asked], Awaitable[Tally]]
    ) -> Faceted:
        """See `steps`; `count` is awaited."""
        steps = self.steps(names)
        try:
            asked = next(steps)
            while True:
                asked = steps.send(await count(*asked))
        except StopIteration as finished:
            found: Faceted = finished.value
            return found

    def steps(
        self, names: Sequence[str] | None
    ) -> Generator[tuple[Filters, Asked], Tally, Faceted]:
        """The size of the result set, and its facets in the order of `names`; None means every
        filter's and the most frequent attributes'. Yields what is to be counted, and is sent the
        counts, so that it does not matter whether they are waited for.

        Raises:
            BadInput: the index has no such facet.
        """
        wanted = list(dict.fromkeys(FILTERS if names is None else names))
        for name in wanted:
            self.index.check_name(name, "facet")
        filtered = {each.name for each in self.filters if not each.exclude}
        shared = [name for name in wanted if name not in filtered]
        found = yield self._asked(
            self.filters, [*shared, ATTRIBUTE_NAMES] if names is None else shared
        )
        if names is None:
            frequent = self._frequent(found.values[ATTRIBUTE_NAMES])
            wanted += frequent
            missing = [name for name in frequent if name not in filtered]
            if missing:
                found = found.joined((yield self._asked(self.filters, missing)))
        for name in wanted:
            if name in filtered:
                rest = tuple(each for each in self.filters if each.name != name or each.exclude)
                found = found.joined((yield self._asked(rest, [name])))
        return found.total, tuple(self._facet(name, found) for name in wanted)

    def _asked(self, filters: Filters, names: Sequence[str]) -> tuple[Filters, Asked]:
        return filters, {name: self._named(name) for name in names}

    def _frequent(self, counted: Mapping[str, int]) -> list[str]:
        best = sorted(counted, key=lambda name: (-counted[name], name))[:ATTRIBUTES]
        filtered = {f.name for f in self.filters if f.name.startswith(PREFIX) and not f.exclude}
        return list(dict.fromkeys([*sorted(filtered), *(PREFIX + name for name in best)]))

    def _named(self, name: str) -> tuple[str, ...]:
        return self._categories() if name == "category" else self._selected(name)

    def _selected(self, name: str) -> tuple[str, ...]:
        return tuple(v for f in self.filters if f.name == name and not f.exclude for v in f.values)

    def _categories(self) -> tuple[str, ...]:
        selected = self._selected("category")
        dictionary = self.index.dictionaries["category"]
        found = [child for path in selected or ("",) for child in children(dictionary, path)]
        return tuple(dict.fromkeys([*selected, *found]))

    def _facet(self, name: str, found: Tally) -> Facet:
        counts, selected = found.values[name], self._selected(name)
        low, high = found.bounds.get(name, (None, None))
        if name in ("price", "rating"):
            steps = [str(least) for least in RATINGS if counts.get(str(least))]
            values = tuple(FacetValue(step, counts[step]) for step in steps)
            return Facet(name, values, _shortest(low), _shortest(high))
        return Facet(name, _values(counts, selected), low, high)


def children(dictionary: Dictionary, path: str) -> list[str]:
    """The categories right below a path; all top ones for the empty path."""
    prefix = path + SEPARATOR if path else ""
    run, later = dictionary.prefixed(prefix)
    values = dictionary.values()
    found: dict[str, None] = {}
    place = run.start
    while place < run.stop:
        path = values[place]
        child = prefix + path.removeprefix(prefix).split(SEPARATOR, 1)[0]
        found[child] = None
        # Everything below the child is one run of the table: skipped in one step.
        below = dictionary.prefixed(child + SEPARATOR)[0]
        place = place + 1 if path == child else below.stop
    for code in later:
        found[prefix + values[code].removeprefix(prefix).split(SEPARATOR, 1)[0]] = None
    return list(found)


def _values(counts: Mapping[str, int], selected: tuple[str, ...]) -> tuple[FacetValue, ...]:
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    return tuple(FacetValue(v, counts[v], v in selected) for v in ordered if counts[v])


def _shortest(value: float | None) -> float | None:
    """A float32 as people wrote it: 19.99, not 19.989999771118164."""
    return None if value is None else float(str(np.float32(value)))
