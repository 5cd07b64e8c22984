"""How sure a correction is: what tells good ones from bad ones, and a calibrated logistic model.

The weights and the two thresholds are learned for each catalogue (`learning`); here they are only
applied, with plain arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from query.spelling.candidates import Edit
from query.spelling.channel import SPACE, error_kind
from query.spelling.decoding import Decoded, Typed
from query.spelling.language import Language
from query.spelling.vocabulary import ENGLISH, Vocabulary, log_ratio

FEATURES = (
    *("gain", "gain_known", "gain_alone", "gain_merge", "cost", "cost_alone", "cost_per_letter"),
    *("margin", "margin_family", "joined", "parted", "edits", "unknown", "known", "english"),
    *("ratio_known", "rarest", "supported", "unsupported", "typed_supported"),
    *("swapped", "missing", "extra", "vowel", "several", "end", "alone", "shortest", "short"),
    *("front", "split", "merge", "shift", "unresolved", "plural"),
)
"""What a correction is judged by; one number each, see `features`."""

_MOST_MARGIN = 8.0


@dataclass(frozen=True, slots=True)
class Confidence:
    """A logistic model over `FEATURES`, and the probabilities from which to correct and to suggest
    (a query is never corrected when `correct` exceeds 1)."""

    weights: tuple[float, ...]
    bias: float
    correct: float
    suggest: float

    def probability(self, values: Sequence[float]) -> float:
        """The probability that a correction with these features is what was meant."""
        total = self.bias + sum(w * v for w, v in zip(self.weights, values, strict=True))
        return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, total))))

    def write(self, path: Path) -> None:
        """Writes the model as JSON, weights by name."""
        named = dict(zip(FEATURES, self.weights, strict=True))
        values = {"correct": self.correct, "suggest": self.suggest, "bias": self.bias}
        path.write_bytes(orjson.dumps({**values, "weights": named}, option=orjson.OPT_INDENT_2))

    @staticmethod
    def read(path: Path) -> Confidence:
        """Reads what `write` wrote."""
        stored = orjson.loads(path.read_bytes())
        weights = tuple(float(stored["weights"][name]) for name in FEATURES)
        return Confidence(weights, stored["bias"], stored["correct"], stored["suggest"])


def features(decoded: Decoded, language: Language) -> tuple[float, ...]:
    """The features of the best changed reading, in the order of `FEATURES`."""
    vocabulary, best = language.vocabulary, decoded.changed[0]
    before = [word for edit in best.edits for word in decoded.words[edit.first : edit.last]]
    cost = sum(edit.cost for edit in best.edits)
    gain = best.score + cost - decoded.unchanged.score
    unknown = sum(word.id < 0 for word in before)
    letters = [len(word.text) for word in before]
    kinds = [edit.kind for edit in best.edits]
    alone = float(len(best.ids) == 1)
    supported, unsupported = _support(best.ids, best.edits, language)
    values = {
        "gain": gain,
        "gain_known": gain if unknown < len(before) and "merge" not in kinds else 0.0,
        "gain_alone": gain * alone,
        "gain_merge": gain * ("merge" in kinds),
        "cost": cost,
        "cost_alone": cost * alone,
        "cost_per_letter": cost / sum(letters),
        **_margins(decoded, vocabulary),
        **_spaces(decoded, language),
        "edits": len(best.edits) - 1,
        "unknown": unknown,
        "supported": supported,
        "unsupported": unsupported,
        "typed_supported": _typed_support(decoded.words, before, language),
        "alone": alone,
        "shortest": min(10, min(letters)),
        "short": float(min(letters) <= 4),
        "front": sum(_front(edit, decoded.words) for edit in best.edits),
        "split": kinds.count("split"),
        "merge": kinds.count("merge"),
        "shift": kinds.count("shift"),
        "unresolved": sum(number < 0 for number in best.ids),
        **_errors(decoded),
        **_uses(decoded, vocabulary),
    }
    return tuple(float(values[name]) for name in FEATURES)


def _margins(decoded: Decoded, vocabulary: Vocabulary) -> dict[str, float]:
    """How much better the best reading is than the next, and than the next that means another
    thing (not merely another inflection)."""
    best, *others = decoded.changed
    families = [vocabulary.families[number] for number in best.ids if number >= 0]
    scores = [
        path.score
        for path in others
        if [vocabulary.families[number] for number in path.ids if number >= 0] != families
    ]
    next_one = others[0].score if others else -math.inf
    return {
        "margin": min(_MOST_MARGIN, best.score - next_one),
        "margin_family": min(_MOST_MARGIN, best.score - max(scores, default=-math.inf)),
    }


def _spaces(decoded: Decoded, language: Language) -> dict[str, float]:
    """How much more the shop writes words together that were typed apart, and the reverse."""
    vocabulary, joined, parted = language.vocabulary, 0.0, 0.0
    for edit in decoded.changed[0].edits:
        before = [word.id for word in decoded.words[edit.first : edit.last]]
        if edit.kind == "merge":
            apart = language.adjacent(before[0], before[1])
            joined += log_ratio(vocabulary.counts[edit.ids[0]], apart)
        elif edit.kind == "split":
            whole = vocabulary.counts[before[0]] if before[0] >= 0 else 0.0
            parted += log_ratio(language.adjacent(edit.ids[0], edit.ids[1]), whole)
    return {"joined": joined, "parted": parted}


def _errors(decoded: Decoded) -> dict[str, float]:
    """How many words have each kind of error, and how many end otherwise: new names differ from
    words in other ways than misspelled words do."""
    values = dict.fromkeys(("swapped", "missing", "extra", "vowel", "several", "end"), 0.0)
    for edit in decoded.changed[0].edits:
        if edit.kind == "word":
            typed, meant = decoded.words[edit.first].text, edit.words[0]
            kind = error_kind(typed, meant)
            if kind in values:
                values[kind] += 1
            values["end"] += typed[-1] != meant[-1]
    return values


def _uses(decoded: Decoded, vocabulary: Vocabulary) -> dict[str, float]:
    """What is known about the words that are given up and those taken in; words that are merely
    joined are not given up."""
    edits = decoded.changed[0].edits
    taken = [number for edit in edits for number in edit.ids]
    known = [
        word.id
        for edit in edits
        if edit.kind != "merge"
        for word in decoded.words[edit.first : edit.last]
        if word.id >= 0
    ]
    least = min(vocabulary.counts[number] for number in taken)
    given = max((vocabulary.counts[number] for number in known), default=0.0)
    families = {vocabulary.families[number] for number in taken}
    return {
        "known": len(known),
        "english": sum(bool(vocabulary.flags[number] & ENGLISH) for number in known),
        "ratio_known": log_ratio(least, given) if known else 0.0,
        "rarest": math.log(least + 0.5),
        "plural": sum(vocabulary.families[number] in families for number in known),
    }


def _support(ids: Sequence[int], edits: Sequence[Edit], language: Language) -> tuple[float, float]:
    """How many of the new words occur with another word of the reading, and how many do not."""
    new = [number for edit in edits for number in edit.ids]
    met = sum(any(language.together(n, other) for other in ids if other != n) for n in new)
    return float(met), float(len(new) - met)


def _typed_support(words: Sequence[Typed], before: Sequence[Typed], language: Language) -> float:
    """How many of the words given up occur with another word as typed."""
    ids = [word.id for word in words]
    return float(sum(any(language.together(w.id, i) for i in ids if i != w.id) for w in before))


def _front(edit: Edit, words: Sequence[Typed]) -> bool:
    return edit.words[0][0] != words[edit.first].text[0] and edit.cost > SPACE
