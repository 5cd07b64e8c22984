"""The part at work: fills `query.entities`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from query.entities.calibration import KEPT, NEVER
from query.entities.candidates import candidates
from query.entities.keys import DROPPED, join, stem
from query.entities.matching import Matcher, Size
from query.entities.product_types import AUDIENCES
from query.entities.selection import Named, asked_for, join_compounds, select
from query.entities.sizes import EXPLICIT
from query.entities.store import Model, StoredEvidence, read_model, read_values
from query.entities.titles import STOPWORDS
from query.entities.values import PRODUCT_TYPE, SIZE, Value
from query.text import Token, normalize, tokens
from search.types import Entity, Filter, Query

CHARACTERS = 512
"""Of a query, what is looked at."""
WORDS = 40
"""Words of a query that are looked at."""
LEAST_SEEN = 20
"""Products that must be called by a name before it filters."""
NAME = "entities"


@dataclass(frozen=True, slots=True)
class Entities:
    """The rewriter of one snapshot."""

    matcher: Matcher
    evidence: StoredEvidence
    values: Sequence[Value]
    model: Model

    def __call__(self, query: Query) -> Query:
        """The query with what it names, left to right, without overlaps; words of a price, a
        measure or a refusal name nothing."""
        found = _words(query)
        words = [stem(token.text) for token in found]
        taken = _conditions(query)
        open_words = [
            "" if _overlaps(token, taken) else word
            for token, word in zip(found, words, strict=True)
        ]
        if not any(open_words):
            return query
        spans, sizes = self.matcher.find(open_words)
        scored = [
            (each, self.model.calibration.probability(each.features))
            for each in candidates(words, spans, self.evidence)
            if asked_for(each, words)
        ]
        sized = [self._size(size, words, found, query) for size in sizes]
        free = [pair for pair in scored if not _within_any(pair[0].start, pair[0].end, sizes)]
        named = join_compounds(select(free), free, _together(query.corrected, found))
        explained = _explained(words, open_words, named, sizes)
        entities = [self._entity(each, found, query, explained) for each in named]
        merged = sorted([*entities, *sized], key=lambda entity: entity.start)
        if not merged:
            return query
        return replace(query, entities=tuple(merged), rewrites=(*query.rewrites, NAME))

    def _entity(
        self, named: Named, found: Sequence[Token], query: Query, explained: bool
    ) -> Entity:
        value = self.values[named.number]
        start, end = found[named.start].start, found[named.end - 1].end
        text = query.corrected[start:end]
        return Entity(
            type=value.type,
            value=_written(value, text),
            text=text,
            start=start,
            end=end,
            probability=round(named.probability, 4),
            use="filter" if explained and self._filters(value, named) else "boost",
            filter=_filter(value),
        )

    def _filters(self, value: Value, named: Named) -> bool:
        """Whether the type filters at this probability, and nearly all products that the catalogue
        calls by this very name have the value."""
        if named.probability < self.model.filtering.get(value.type, NEVER):
            return False
        seen, right = named.seen, named.right
        return seen >= LEAST_SEEN and right >= KEPT * seen

    def _size(
        self, size: Size, words: Sequence[str], found: Sequence[Token], query: Query
    ) -> Entity:
        start, end = found[size.start].start, found[size.end - 1].end
        text = query.corrected[start:end]
        value = join(word for word in words[size.start : size.end] if word != "size")
        probability = EXPLICIT if size.name == "explicit" else self.model.sizes[size.name]
        known = next(
            (
                self.values[count.number]
                for count in self.evidence.readings(value)
                if count.type == SIZE
            ),
            None,
        )
        if known is None:
            return Entity(SIZE, value, text, start, end, probability, "boost")
        return Entity(SIZE, known.forms[0], text, start, end, probability, "boost", _filter(known))


def _words(query: Query) -> list[Token]:
    text = query.corrected[:CHARACTERS]
    return [token for token in tokens(text) if token.text not in DROPPED][:WORDS]


def _explained(
    words: Sequence[str],
    open_words: Sequence[str],
    named: Sequence[Named],
    sizes: Sequence[Size],
) -> bool:
    """Whether every word is understood. A query with words of unknown meaning may ask for something
    else altogether (`serve earl grey to guests`): nothing in it filters."""
    spans = [*((n.start, n.end) for n in named), *((s.start, s.end) for s in sizes)]
    places = {i for span in spans for i in range(*span)}
    return all(
        i in places or not open_words[i] or word in STOPWORDS or word in AUDIENCES
        for i, word in enumerate(words)
    )


def _conditions(query: Query) -> list[tuple[int, int]]:
    spans = [(n.start, n.end) for n in query.negations]
    spans += [(m.start, m.end) for m in query.measures]
    if query.price is not None:
        spans.append((query.price.start, query.price.end))
    return spans


def _overlaps(token: Token, spans: Sequence[tuple[int, int]]) -> bool:
    return any(token.start < end and start < token.end for start, end in spans)


def _within_any(start: int, end: int, sizes: Sequence[Size]) -> bool:
    return any(start < size.end and size.start < end for size in sizes)


def _together(text: str, found: Sequence[Token]) -> list[bool]:
    """For every word, whether nothing but a space or hyphen stands before it."""
    gaps = [text[a.end : b.start] for a, b in pairwise(found)]
    return [False, *(gap in (" ", "-", " - ") for gap in gaps)]


def _written(value: Value, text: str) -> str:
    """As typed where the catalogue writes it so too, else as it mostly does. A kind of thing stays
    as typed: whether shops write it in the plural says nothing."""
    for form in value.forms:
        if normalize(form) == text:
            return form
    return text if value.type == PRODUCT_TYPE or not value.forms else value.forms[0]


def _filter(value: Value) -> Filter | None:
    return Filter(value.filter, values=value.raws) if value.filter and value.raws else None


def open_entities(directory: Path) -> Entities:
    """Loads what `EntitiesBuilder` wrote."""
    model, values = read_model(directory), read_values(directory)
    return Entities(
        Matcher(directory, model.sizes),
        StoredEvidence(directory, values, model.usual),
        values,
        model,
    )
