"""What a shopper refuses: `without lid`, `not leather`, `w/o fan or light`, `latex free`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from query.phrases.grammar import Span
from query.phrases.knowledge import Knowledge
from query.phrases.lexer import Lexeme
from query.phrases.vocabulary import MINUS
from query.text import tokens
from search.types import Filter, Negation

_STOPS = frozenset(
    {"for", "with", "in", "on", "at", "by", "from", "to", "under", "over", "below", "above"}
    | {"without", "but", "that", "which", "who", "is", "are", "not", "no", "like", "less", "more"}
    | {"around", "between", "of", "excluding", "non", "and", "or", "nor", "as", "than", "it"}
)
"""Words at which the refused thing ends."""
_JOINTS = frozenset({"and", "or", "nor", ",", "&", "/"})
_DETERMINERS = frozenset({"a", "an", "the", "any"})
_PERSONAL = frozenset(
    {"your", "my", "his", "her", "our", "their", "me", "you", "him", "them", "us", "i", "we"}
)
_IDIOMS = _PERSONAL | frozenset(
    {"enough", "just", "only", "too", "so", "yet", "even", "always", "never", "all", "very"}
    | {"more", "less", "one", "longer", "matter", "way", "need", "time", "problem", "reason"}
    | {"included", "includes", "required", "needed", "available", "working", "sure", "today"}
    | {"be", "to", "for", "in", "a", "the", "that", "this", "what", "if", "because", "good"}
)
"""What follows `not` or `no` without being refused: `not your daughters jeans`, `no more`."""
_FREE_IDIOMS = frozenset(
    {"hands", "duty", "tax", "postage", "shipping", "get", "for", "is", "and", "or", "with"}
    | {
        "buy",
        "one",
        "two",
        "are",
        "worry",
        "risk",
        "care",
        "in",
        "on",
        "to",
        "the",
        "a",
        "of",
        "royalty",
    }
)
_BEFORE = frozenset({"never", "why", "or", "to", "do", "does", "is", "are", "can", "will", "if"})
"""What before `not`, `no` or `without` makes it part of a saying: `never without you`."""
_LONGEST = 4
"""Words of one refused thing."""


@dataclass(frozen=True, slots=True)
class NegationReader:
    """Reads what one query refuses from the spans that announce it."""

    text: str
    lexemes: Sequence[Lexeme]
    knowledge: Knowledge
    taken: frozenset[int] = frozenset()
    """Lexemes of measures and prices, which are never refused."""

    def read(self, spans: Sequence[Span]) -> tuple[Negation, ...]:
        """Every refusal, in order, none overlapping."""
        found: list[Negation] = []
        for span in spans:
            start = self.lexemes[span.start].start
            if found and start < found[-1].end:
                continue
            if span.label in ("refusing", "doubtful"):
                found += self._refused(span)
            elif span.label == "free":
                found += self._freed(span)
        return tuple(found)

    def _refused(self, span: Span) -> Iterator[Negation]:
        clause = self._clause(span)
        sure = span.label == "refusing" or clause > 0
        at = span.end
        while at < len(self.lexemes) and self.lexemes[at].text in _DETERMINERS:
            at += 1
        end = min(self._phrase_end(at), self._limit(span, at))
        if end <= at or self._is_saying(span, at, sure):
            return
        if not self._is_known(at, end, sure) or (at > span.end and not sure):
            return
        yield self._negation(span.start - clause, at, end)
        yield from self._listed(end, sure)

    def _clause(self, span: Span) -> int:
        """How many words before a `not` make it a clause: `that is not red`."""
        before = [each.text for each in self.lexemes[max(0, span.start - 2) : span.start]]
        clause = len(before) == 2 and before[0] in ("that", "which") and before[1] in ("is", "are")
        return 2 if clause else 0

    def _limit(self, span: Span, at: int) -> int:
        """Where the refused thing must end: a `-` refuses one word, and a query that begins with
        its refusal ends with what is searched for."""
        if self.lexemes[span.start].symbol == MINUS:
            return at + 1
        return (
            len(self.lexemes) - 1
            if span.start == 0 and at + 1 < len(self.lexemes)
            else at + _LONGEST
        )

    def _listed(self, end: int, sure: bool) -> Iterator[Negation]:
        """Further refusals joined to the first: `without fan or light`."""
        while end + 1 < len(self.lexemes) and self.lexemes[end].text in _JOINTS:
            alternative = self.lexemes[end].text in ("or", "nor")
            after = self._phrase_end(end + 1)
            known = after > end + 1 and self._is_known(end + 1, after)
            if not known or not (alternative or (sure and self._is_part(end + 1, after))):
                return
            yield self._negation(end, end + 1, after)
            end = after

    def _freed(self, span: Span) -> Iterator[Negation]:
        """`latex free`, unless titles say so themselves: then it is wanted, word for word."""
        word = self.lexemes[span.start].text
        follows = self.lexemes[span.end].text if span.end < len(self.lexemes) else ""
        titled = f"{word} free" in self.knowledge.facts.contexts
        if titled or word in _FREE_IDIOMS or word not in self.knowledge.words:
            return
        if f"free {follows}" in self.knowledge.facts.contexts:
            return
        yield self._negation(span.start, span.start, span.start + 1, span.end)

    def _is_saying(self, span: Span, at: int, sure: bool) -> bool:
        """Whether the words are a name, an idiom or what titles themselves say."""
        facts = self.knowledge.facts
        before = self.lexemes[span.start - 1].text if span.start else ""
        first, cue = self.lexemes[at].text, self.lexemes[span.start].text
        named = f"{before} {cue} {first}" in facts.names and first not in facts.parts
        glued = f"{before}{cue}" in self.knowledge.words
        if sure:
            return first in _IDIOMS or before == "never" or named
        if self.lexemes[span.start].symbol == MINUS:
            return False
        if first in _IDIOMS or before in _BEFORE or named or glued:
            return True
        if cue == "not":
            return f"{before} {cue}" in facts.contexts and f"{cue} {first}" in facts.contexts
        return f"{cue} {first}" in facts.contexts and (cue == "non" or first not in facts.parts)

    def _phrase_end(self, at: int) -> int:
        """Where the thing that begins at a place ends: at most where the next clause begins, and
        before words that only describe the product."""
        last = at
        while last < len(self.lexemes) and last - at < _LONGEST and self._continues(last):
            last += 1
        for end in range(last, at + 1, -1):
            if self._phrase(at, end) in self.knowledge.facts.values:
                return end
        end, anchor = min(at + 1, last), at
        while end < last and self._belongs(anchor, end, last):
            known = self.lexemes[end - 1].text in self.knowledge.words
            anchor, end = (anchor if known else end), end + 1
        return end

    def _continues(self, at: int) -> bool:
        lexeme = self.lexemes[at]
        if at in self.taken or lexeme.tag not in ("word", "code", "unit"):
            return lexeme.text == "-" and self._hyphened(at)
        return lexeme.text not in _STOPS

    def _hyphened(self, at: int) -> bool:
        if not 0 < at < len(self.lexemes) - 1:
            return False
        lexeme = self.lexemes[at]
        before, after = self.lexemes[at - 1], self.lexemes[at + 1]
        return before.end == lexeme.start and after.start == lexeme.end and after.tag != "number"

    def _belongs(self, anchor: int, end: int, last: int) -> bool:
        """Whether the word at `end` continues the thing before it, whose known words begin at
        `anchor`."""
        previous, word = self.lexemes[end - 1].text, self.lexemes[end].text
        if "-" in (previous, word):
            return True
        if f"{previous} {word}" in self.knowledge.pairs or previous not in self.knowledge.words:
            return True
        return last - anchor == 2 and word not in self.knowledge.facts.describing

    def _is_known(self, at: int, end: int, sure: bool = False) -> bool:
        """Whether the catalogue has the refused thing: every word of it, or, after a `sure` word
        of refusal, one of them in another form: singular or plural, or with -ing."""
        words = self._phrase(at, end).split()
        if any(word in _PERSONAL for word in words) or all(word.isdigit() for word in words):
            return False
        if self._phrase(at, end) in self.knowledge.facts.values:
            return True
        if sure:
            forms = [form for word in words for form in (word, _other_number(word), _doing(word))]
            return any(form in self.knowledge.words for form in forms)
        return words[0] not in _IDIOMS and all(word in self.knowledge.words for word in words)

    def _is_part(self, at: int, end: int) -> bool:
        """Whether the thing is what a product may come with."""
        phrase = self._phrase(at, end)
        flags = self.knowledge.facts.values.get(phrase, ())
        return phrase in self.knowledge.facts.parts or any(value == "true" for _, value in flags)

    def _phrase(self, at: int, end: int) -> str:
        start, stop = self.lexemes[at].start, self.lexemes[end - 1].end
        return " ".join(token.text for token in tokens(self.text[start:stop]))

    def _negation(self, start: int, at: int, end: int, stop: int | None = None) -> Negation:
        """Refuses lexemes `at` to `end`; the phrase reaches from `start` to `stop` or `end`."""
        text = self.text[self.lexemes[at].start : self.lexemes[end - 1].end]
        whole = self.lexemes[(stop or end) - 1].end
        filters = tuple(self._filters(self._phrase(at, end)))
        return Negation(text, self.lexemes[start].start, whole, filters)

    def _filters(self, phrase: str) -> Iterator[Filter]:
        yield Filter("words", (phrase,), exclude=True)
        values = self.knowledge.facts.values
        for form in dict.fromkeys((phrase, _other_number(phrase))):
            for name, value in values.get(form, ()):
                yield Filter(name, (value,), exclude=True)


def _doing(word: str) -> str:
    """The form in -ing, as English mostly makes it: what a shop calls `whistling` is refused as a
    whistle. Both have one stem, by which texts are searched."""
    return f"{word.removesuffix('e')}ing"


def _other_number(phrase: str) -> str:
    """The singular of a plural and the plural of a singular, as English mostly forms them."""
    return phrase[:-1] if phrase.endswith("s") else f"{phrase}s"
