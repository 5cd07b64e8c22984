"""Opens the part `spelling` and applies it to queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from query.spelling.buckets import Buckets
from query.spelling.candidates import Candidates
from query.spelling.confidence import Confidence, features
from query.spelling.decoding import Decoded, Decoder
from query.spelling.decoding import Path as Reading
from query.spelling.language import Language
from query.spelling.pairs import Pairs
from query.spelling.symmetric import Deletes, MappedSymSpell
from query.spelling.vocabulary import CATALOGUE, Counts, Vocabulary
from query.text import Token, tokens
from search.types import Alternative, Query, Spelling, SpellingOutcome

MODEL = "confidence.json"
_SEVERAL = 3
_WEIGHTS = (0.8, 0.6, 0.4)
"""What other readings of a query count for beside the words as typed, best first."""


@dataclass(frozen=True, slots=True)
class Corrector:
    """A rewriter that corrects, suggests, or leaves the spelling alone."""

    decoder: Decoder
    confidence: Confidence

    def __call__(self, query: Query) -> Query:
        """Fills `spelling` and, when sure, `corrected`; when not sure, `alternatives` for words
        that the shop does not know. `verbatim` queries stay as typed."""
        if query.verbatim:
            return query
        places = tokens(query.normalized)
        decoded = self.decoder.decode([token.text for token in places], query.recent)
        if decoded is None:
            return query
        spelling = self._judge(query.normalized, places, decoded)
        note = () if spelling.outcome == "unchanged" else (_note(spelling),)
        if spelling.outcome == "corrected":
            query = replace(query, corrected=spelling.text)
        else:
            others = readings(decoded, offered=spelling.outcome == "suggested")
            query = replace(query, alternatives=query.alternatives + others)
        return replace(query, spelling=spelling, rewrites=query.rewrites + note)

    def check(self, normalized: str, known: frozenset[str] = frozenset()) -> Spelling:
        """What becomes of a normalized text; words in `known` are right whatever they look like."""
        places = tokens(normalized)
        decoded = self.decoder.decode([token.text for token in places], known)
        return Spelling() if decoded is None else self._judge(normalized, places, decoded)

    def _judge(self, normalized: str, places: Sequence[Token], decoded: Decoded) -> Spelling:
        sure = self.confidence.probability(features(decoded, self.decoder.language))
        if sure < self.confidence.suggest:
            return Spelling()
        text = _rewritten(normalized, places, decoded.changed[0])
        certain = sure >= self.confidence.correct and not _foreign(decoded)
        outcome: SpellingOutcome = "corrected" if certain else "suggested"
        edits = tuple(
            (" ".join(token.text for token in places[edit.first : edit.last]), " ".join(edit.words))
            for edit in decoded.changed[0].edits
        )
        return Spelling(outcome, text, sure, edits)


def readings(decoded: Decoded, *, offered: bool) -> tuple[Alternative, ...]:
    """What words may stand for others when nothing is corrected: those of the best reading when it
    is offered, and of every reading for words the shop does not know, which find nothing as typed.
    """
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], float] = {}
    for weight, reading in zip(_WEIGHTS, decoded.changed, strict=False):
        for edit in reading.edits:
            typed = decoded.words[edit.first : edit.last]
            best = offered and reading is decoded.changed[0]
            if best or any(word.id < 0 for word in typed):
                found.setdefault((tuple(word.text for word in typed), edit.words), weight)
    return tuple(Alternative(typed, meant, weight) for (typed, meant), weight in found.items())


def _foreign(decoded: Decoded) -> bool:
    """Whether every one of several words would be changed: they are another language's."""
    changed = sum(edit.last - edit.first for edit in decoded.changed[0].edits)
    return len(decoded.words) >= _SEVERAL and changed == len(decoded.words)


def _note(spelling: Spelling) -> str:
    return f"spelling: {spelling.outcome} {spelling.text}"


def open_spelling(directory: Path) -> Corrector:
    """Maps what `SpellingBuilder` wrote; some milliseconds, whatever the size."""
    return Corrector(open_decoder(directory), Confidence.read(directory / MODEL))


def open_decoder(directory: Path) -> Decoder:
    """The decoder alone, without a model of confidence."""
    vocabulary = Vocabulary.open(directory)
    language = Language(vocabulary, Pairs.open(directory))
    deletes = Deletes(Buckets.open(directory, "deletes"), vocabulary.word)
    symspell = MappedSymSpell(Counts(vocabulary), deletes)
    candidates = Candidates(vocabulary, language, symspell, Buckets.open(directory, "sounds"))
    return Decoder(vocabulary, language, candidates)


def shop_words(directory: Path) -> dict[str, int]:
    """The shop's own words and their uses, at least 1: the dictionary other spellers may be given
    to compare them."""
    vocabulary = Vocabulary.open(directory)
    words = ((vocabulary.word(number), number) for number in range(len(vocabulary.trie)))
    return {
        word: max(1, int(vocabulary.counts[number]))
        for word, number in words
        if vocabulary.flags[number] & CATALOGUE
    }


def _rewritten(normalized: str, places: Sequence[Token], reading: Reading) -> str:
    """The text with the edits made, everything between the words kept."""
    parts: list[str] = []
    end = 0
    for edit in reading.edits:
        parts += [normalized[end : places[edit.first].start], " ".join(edit.words)]
        end = places[edit.last - 1].end
    return "".join([*parts, normalized[end:]])
