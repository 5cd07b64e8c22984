"""Typing errors made on purpose, of every kind people make; repeatable.

Correct queries go in, misspelled ones come out: what thresholds are learned on. Kinds and their
shares follow what is reported of web queries (Cucerzan and Brill, Spelling Correction as an
Iterative Process, EMNLP 2004; Damerau 1964: four in five are a single wrong, missing, extra or
swapped letter), with spaces counted in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Protocol

from query.spelling.channel import NEIGHBORS
from query.spelling.words import spellable

_VOWELS = "aeiou"
_BY_EAR = (
    ("ph", "f"), ("kn", "n"), ("ck", "k"), ("qu", "kw"), ("wr", "r"), ("ea", "ee"), ("ee", "ea"),
    ("ie", "ei"), ("ei", "ie"), ("ou", "ow"), ("c", "k"), ("c", "s"), ("s", "z"), ("z", "s"),
    ("x", "ks"), ("tion", "shun"), ("ight", "ite"), ("er", "or"), ("or", "er"), ("ar", "er"),
    ("ai", "ay"), ("able", "ible"), ("i", "y"), ("y", "i"), ("al", "el"), ("le", "el"),
    ("a", "u"), ("ch", "k"), ("gh", "g"), ("oo", "u"),
)  # fmt: skip


def drop(word: str, random: Random) -> str:
    """One letter missing, seldom the first."""
    place = random.randrange(1, len(word)) if random.random() < 0.95 else 0
    return word[:place] + word[place + 1 :]


def undouble(word: str, random: Random) -> str:
    """A double letter typed once; another letter missing where none is double."""
    doubles = [i for i in range(1, len(word)) if word[i] == word[i - 1]]
    place = random.choice(doubles) if doubles else random.randrange(1, len(word))
    return word[:place] + word[place + 1 :]


def double(word: str, random: Random) -> str:
    """A letter typed twice."""
    place = random.randrange(len(word))
    return word[:place] + word[place] + word[place:]


def insert(word: str, random: Random) -> str:
    """The key beside a letter hit as well."""
    place = random.randrange(1, len(word) + 1)
    return word[:place] + random.choice(NEIGHBORS.get(word[place - 1], "e")) + word[place:]


def swap(word: str, random: Random) -> str:
    """Two neighboring letters in the wrong order."""
    places = [i for i in range(len(word) - 1) if word[i] != word[i + 1]]
    place = random.choice(places[1:] or places or [0])
    return word[:place] + word[place : place + 2][::-1] + word[place + 2 :]


def slip(word: str, random: Random) -> str:
    """A neighboring key in place of a letter."""
    place = random.randrange(len(word))
    return word[:place] + random.choice(NEIGHBORS.get(word[place], "e")) + word[place + 1 :]


def vowel(word: str, random: Random) -> str:
    """Another vowel in place of one."""
    places = [i for i, letter in enumerate(word) if letter in _VOWELS]
    if not places:
        return swap(word, random)
    place = random.choice(places)
    return word[:place] + random.choice(_VOWELS.replace(word[place], "")) + word[place + 1 :]


def by_ear(word: str, random: Random) -> str:
    """Spelled as it sounds."""
    possible = [(a, b) for a, b in _BY_EAR if a in word]
    if not possible:
        return vowel(word, random)
    letters, sound = random.choice(possible)
    return word.replace(letters, sound, 1)


WORD_ERRORS: Mapping[Callable[[str, Random], str], float] = {
    drop: 0.2, undouble: 0.1, double: 0.1, insert: 0.08, swap: 0.14, slip: 0.13, vowel: 0.12,
    by_ear: 0.13,
}  # fmt: skip
"""Errors within a word, and how frequent each is."""


def misspell_word(word: str, random: Random) -> str:
    """A word with one error, long ones now and then with two."""
    errors, shares = list(WORD_ERRORS), list(WORD_ERRORS.values())
    wrong = random.choices(errors, shares)[0](word, random)
    if len(word) >= 7 and random.random() < 0.2:
        wrong = random.choices(errors, shares)[0](wrong, random)
    return wrong


class Lookalikes(Protocol):
    """What a shop's words may be taken for without ceasing to be words."""

    def near(self, word: str) -> Sequence[str]:
        """Other words that differ by one error."""
        ...

    def cuts(self, word: str) -> Sequence[tuple[str, str]]:
        """The ways to cut it into two words."""
        ...


def misspell(words: Sequence[str], random: Random, alike: Lookalikes) -> list[str] | None:
    """The words with an error in one of them, or in two, or in the spaces between; None when they
    offer no place for one, or the error undid itself."""
    places = [i for i, word in enumerate(words) if spellable(word) and len(word) >= 4]
    if not places:
        return None
    wrong = list(words)
    kind = random.random()
    if kind < 0.1:
        wrong = _merge(wrong, places, random)
    elif kind < 0.2:
        wrong = _split(wrong, places, random, alike)
    elif kind < 0.23:
        wrong = _shift(wrong, places, random)
    elif kind < 0.3 and len(wrong) > 1:
        wrong = _confuse(wrong, places, random, alike)
    else:
        for place in random.sample(places, min(len(places), 2 if kind > 0.85 else 1)):
            wrong[place] = misspell_word(wrong[place], random)
    return wrong if wrong != list(words) else None


def _merge(words: list[str], places: list[int], random: Random) -> list[str]:
    possible = [i for i in places if i + 1 in places]
    if not possible:
        return words
    place = random.choice(possible)
    return [*words[:place], words[place] + words[place + 1], *words[place + 2 :]]


def _split(words: list[str], places: list[int], random: Random, alike: Lookalikes) -> list[str]:
    compounds = [(i, cut) for i in places for cut in alike.cuts(words[i])]
    if compounds and random.random() < 0.8:
        place, cut = random.choice(compounds)
        return [*words[:place], *cut, *words[place + 1 :]]
    possible = [i for i in places if len(words[i]) >= 6]
    if not possible:
        return words
    place = random.choice(possible)
    end = random.randrange(3, len(words[place]) - 2)
    return [*words[:place], words[place][:end], words[place][end:], *words[place + 1 :]]


def _confuse(words: list[str], places: list[int], random: Random, alike: Lookalikes) -> list[str]:
    """Another word in place of one, as alike as words get."""
    place = random.choice(places)
    near = alike.near(words[place])
    return [*words[:place], random.choice(near), *words[place + 1 :]] if near else words


def _shift(words: list[str], places: list[int], random: Random) -> list[str]:
    possible = [i for i in places if i + 1 in places]
    if not possible:
        return words
    place = random.choice(possible)
    whole, cut = words[place] + words[place + 1], len(words[place]) + random.choice((-1, 1))
    return [*words[:place], whole[:cut], whole[cut:], *words[place + 2 :]]
