"""Which rules hold for a request, and what they ask for together.

Conflicts are decided by priority, the higher first, then by the order of the file: of two pins at
one position the first has it and the other takes the next free one; of two redirects the first is
followed; filters must all hold, and weights add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from rankers.rules.placing import place
from search.types import Effects, Filter, Placeable, Placed, Query, Ranking, SearchRequest

RECOGNIZED = 0.5
"""How probable a category must be for its rules to hold."""
_SEPARATOR = " > "
Stems = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a request must be like: everything that is given must hold. `phrases` are stems of
    words; of several, one suffices."""

    phrases: tuple[Stems, ...] = ()
    match: Literal["exact", "words", "starts"] = "exact"
    category: tuple[str, ...] = ()
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; it holds from `start` until just before `end`."""

    id: str
    priority: int
    start: datetime | None
    end: datetime | None
    scope: Scope
    effects: Effects


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as rules look at it: the stems of its words as typed and as corrected, and the
    categories it is about."""

    texts: tuple[Stems, ...]
    categories: tuple[tuple[str, ...], ...]
    segments: frozenset[str]
    now: datetime


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in the order of their importance; implements `search.seams.Rules`. `by_stem` are the
    places of those that need a query, by the rarest stem of a phrase, `others` of all that do not:
    a request looks at few of many thousands."""

    version: str = ""
    rules: tuple[Rule, ...] = ()
    by_stem: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    others: tuple[int, ...] = ()
    analyze: Callable[[str], Sequence[str]] = str.split

    @staticmethod
    def of(version: str, rules: Iterable[Rule], analyze: Callable[[str], Sequence[str]]) -> RuleSet:
        """Rules, in their order, made ready to be looked up."""
        ordered = tuple(rules)
        phrases = [phrase for rule in ordered for phrase in rule.scope.phrases]
        common = Counter(stem for phrase in phrases for stem in set(phrase))
        by_stem: dict[str, list[int]] = {}
        others = []
        for number, rule in enumerate(ordered):
            if not rule.scope.phrases:
                others.append(number)
            for stem in {min(phrase, key=common.__getitem__) for phrase in rule.scope.phrases}:
                by_stem.setdefault(stem, []).append(number)
        found = {stem: tuple(numbers) for stem, numbers in by_stem.items()}
        return RuleSet(version, ordered, found, tuple(others), analyze)

    def matching(self, query: Query, request: SearchRequest, now: datetime) -> Effects:
        """What the rules that hold ask for together."""
        if not self.rules:
            return Effects()
        asked = self._asked(query, request, now)
        numbers = set(self.others)
        for stem in {stem for text in asked.texts for stem in text}:
            numbers.update(self.by_stem.get(stem, ()))
        return together([self.rules[n] for n in sorted(numbers) if holds(self.rules[n], asked)])

    def place(self, effects: Effects, ranking: Ranking, placeable: Placeable) -> Placed:
        """See `rankers.rules.placing.place`."""
        return place(effects, ranking, placeable)

    def _asked(self, query: Query, request: SearchRequest, now: datetime) -> Asked:
        texts = dict.fromkeys((query.corrected or query.normalized or query.text, query.normalized))
        stems = tuple(tuple(self.analyze(text)) for text in texts) if self.by_stem else ()
        return Asked(stems, tuple(_categories(query, request)), frozenset(request.segments), now)


def holds(rule: Rule, asked: Asked) -> bool:
    """Whether a rule applies to a request."""
    scope = rule.scope
    if rule.start is not None and asked.now < rule.start:
        return False
    if rule.end is not None and asked.now >= rule.end:
        return False
    if scope.segment is not None and scope.segment not in asked.segments:
        return False
    if scope.category and not any(
        path[: len(scope.category)] == scope.category for path in asked.categories
    ):
        return False
    return not scope.phrases or any(
        _matches(phrase, text, scope.match) for phrase in scope.phrases for text in asked.texts
    )


def together(rules: Sequence[Rule]) -> Effects:
    """What several rules, in their order, ask for."""
    effects = [rule.effects for rule in rules]
    return Effects(
        rules=tuple(rule.id for rule in rules),
        pins=tuple(pin for each in effects for pin in each.pins),
        gains=tuple(gain for each in effects for gain in each.gains),
        filters=tuple(dict.fromkeys(one for each in effects for one in each.filters)),
        redirect=next((each.redirect for each in effects if each.redirect), None),
        sponsored=tuple(one for each in effects for one in each.sponsored),
    )


def _matches(phrase: Stems, text: Stems, match: str) -> bool:
    if match == "exact":
        return phrase == text
    if match == "starts":
        return phrase == text[: len(phrase)]
    return set(phrase) <= set(text)


def _categories(query: Query, request: SearchRequest) -> Iterable[tuple[str, ...]]:
    """What is chosen, what is named, and what is probably meant."""
    named = (each.filter for each in query.entities if each.filter and each.use != "none")
    for each in (*request.filters, *named):
        yield from _paths(each)
    for guess in query.categories:
        if guess.probability >= RECOGNIZED:
            yield guess.path


def _paths(condition: Filter) -> Iterable[tuple[str, ...]]:
    if condition.name == "category" and not condition.exclude:
        yield from (tuple(value.split(_SEPARATOR)) for value in condition.values)
