"""The noisy channel: the likeliest query that may have been typed like this.

Every doubtful word, and every pair of neighbors, has some readings; a beam keeps the best sequences
by the probability of the words (`language`) less the cost of the errors (`channel`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from query.spelling.candidates import Candidates, Edit
from query.spelling.language import Language
from query.spelling.vocabulary import BRAND, CATALOGUE, DOUBTFUL, ENGLISH, PROTECTED, Vocabulary
from query.spelling.words import PHRASE_WORDS, spellable, variants

BEAM = 10
MOST_WORDS = 24
"""Longer queries are pasted text; they are left alone."""
MOST_DOUBTFUL = 6
RARE = 3.0
"""Uses below which a word no dictionary knows may be a typing error in a title."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A word as typed: its id (-1 unknown; an inflection has its base form's), whether it must stay
    as it is, and whether it deserves a second look."""

    text: str
    id: int
    fixed: bool
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """A reading of the query from its start: its score in nats, the ids of its words, and what was
    edited."""

    score: float
    ids: tuple[int, ...]
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Decoded:
    """The query as typed, and the best readings that change something, best first."""

    words: tuple[Typed, ...]
    unchanged: Path
    changed: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Decoder:
    """Reads queries with one snapshot's words."""

    vocabulary: Vocabulary
    language: Language
    candidates: Candidates

    def decode(
        self, words: Sequence[str], known: frozenset[str] = frozenset(), hidden: str = ""
    ) -> Decoded | None:
        """The readings of a query, None when there is nothing to look at twice. Words in `known`
        stay as they are; `hidden` is taken for unknown (to learn what new words look like)."""
        if len(words) > MOST_WORDS:
            return None
        typed = self._second_look([self._typed(word, known, hidden) for word in words])
        edits = self._edits(typed, hidden)
        if not any(edits):
            return None
        unchanged, changed = self._search(typed, edits)
        return Decoded(tuple(typed), unchanged, changed) if changed else None

    def _typed(self, text: str, known: frozenset[str], hidden: str) -> Typed:
        kept = text in known or text in PHRASE_WORDS or text in variants()
        if kept or not spellable(text):
            return Typed(text, self.vocabulary.id(text), fixed=True)
        if text == hidden:
            return Typed(text, -1, fixed=False, doubtful=True)
        exact = self.vocabulary.id(text)
        if exact < 0:
            number = self.vocabulary.familiar(text)
            return Typed(text, number, fixed=False, doubtful=number < 0)
        flags = self.vocabulary.flags[exact]
        if flags & (BRAND | PROTECTED):
            return Typed(text, exact, fixed=True)
        if flags & DOUBTFUL:
            return Typed(text, -1, fixed=False, doubtful=True)
        rare = not flags & ENGLISH and self.vocabulary.counts[exact] < RARE
        return Typed(text, exact, fixed=False, doubtful=bool(rare))

    def _second_look(self, typed: list[Typed]) -> list[Typed]:
        """Known words that keep company with no other word here are doubtful too, and so are words
        of English that the shop does not use."""
        ids = [word.id for word in typed]
        looked = [
            Typed(word.text, word.id, word.fixed, True)
            if not word.fixed and not word.doubtful and self._alone(place, ids)
            else word
            for place, word in enumerate(typed)
        ]
        return looked if sum(word.doubtful for word in looked) <= MOST_DOUBTFUL else typed

    def _alone(self, place: int, ids: list[int]) -> bool:
        own = ids[place]
        if not self.vocabulary.flags[own] & CATALOGUE:
            return True
        others = [each for i, each in enumerate(ids) if i != place and each >= 0]
        return bool(others) and not any(self.language.together(own, each) for each in others)

    def _edits(self, typed: list[Typed], hidden: str) -> list[list[Edit]]:
        """What may be changed, by the word it starts at."""
        edits: list[list[Edit]] = [[] for _ in typed]
        doubtful = [place for place, word in enumerate(typed) if word.doubtful][:MOST_DOUBTFUL]
        for place in doubtful:
            edits[place] += self._readings(place, typed)
        for place in range(len(typed) - 1):
            edits[place] += self._joined(place, typed[place], typed[place + 1])
        if hidden:
            edits = [[edit for edit in some if hidden not in edit.words] for some in edits]
        return edits

    def _readings(self, place: int, typed: list[Typed]) -> list[Edit]:
        """What one word may have been meant as. A word that exists is only ever taken for one that
        keeps company with the rest of the query."""
        word = typed[place]
        known = word.id >= 0
        found = [
            Edit(place, place + 1, words, ids, cost, "word")
            for words, ids, cost in self.candidates.words(word.text, 1 if known else 2)
        ]
        if known:
            others = self._others(place, typed)
            together = self.language.together
            return [e for e in found if any(together(e.ids[0], other) for other in others)]
        splits = self.candidates.splits(word.text)
        return found + [Edit(place, place + 1, w, ids, cost, "split") for w, ids, cost in splits]

    def _others(self, place: int, typed: list[Typed]) -> list[int]:
        """The ids of the other words, and of what the misspelled ones among them may mean."""
        others = [each for i, each in enumerate(typed) if i != place]
        meant = [
            ids[0]
            for each in others
            if each.doubtful and each.id < 0
            for _, ids, _ in self.candidates.words(each.text, 2)[:2]
        ]
        return [each.id for each in others if each.id >= 0] + meant

    def _joined(self, place: int, one: Typed, other: Typed) -> list[Edit]:
        doubtful = (one.doubtful and one.id < 0) or (other.doubtful and other.id < 0)
        if not doubtful and not (spellable(one.text) and spellable(other.text)):
            return []
        if not (one.text.isalpha() and other.text.isalpha()) or len(one.text + other.text) < 5:
            return []
        found = self.candidates.merged(one.text, other.text, doubtful)
        return [
            Edit(place, place + 2, words, ids, cost, "merge" if len(words) == 1 else "shift")
            for words, ids, cost in found
        ]

    def _search(self, typed: list[Typed], edits: list[list[Edit]]) -> tuple[Path, tuple[Path, ...]]:
        """The unchanged path, and the best changed ones."""
        ends: list[list[Path]] = [[] for _ in range(len(typed) + 1)]
        ends[0].append(Path(0.0, (), ()))
        unchanged = ends[0][0]
        for place, word in enumerate(typed):
            paths = sorted(ends[place], key=attrgetter("score"), reverse=True)[:BEAM]
            for path in paths:
                ends[place + 1].append(self._step(path, (word.id,)))
                for edit in edits[place]:
                    changed = self._step(path, edit.ids, edit)
                    ends[edit.last].append(changed)
            unchanged = self._step(unchanged, (word.id,))
        final = sorted(ends[-1], key=attrgetter("score"), reverse=True)
        return unchanged, tuple(path for path in final if path.edits)[:3]

    def _step(self, path: Path, ids: tuple[int, ...], edit: Edit | None = None) -> Path:
        score, sequence = path.score, path.ids
        for number in ids:
            score += self.language.log(number, sequence)
            sequence = (*sequence, number)
        if edit is None:
            return Path(score, sequence, path.edits)
        return Path(score - edit.cost, sequence, (*path.edits, edit))
