"""How unlikely a typing error is: the noisy channel's half that knows fingers and ears.

A weighted edit distance in nats (Brill and Moore, An Improved Error Model for Noisy Channel
Spelling Correction, ACL 2000, without their learned substrings): a doubled letter, swapped letters,
a vowel for a vowel and a neighboring key are likelier than other errors, an error in the first
letter is rarer.
"""

from __future__ import annotations

from functools import lru_cache

from query.spelling.sounds import sound_key

EDIT = 4.5
"""An edit without an excuse."""
LIKELY = 3.4
"""An edit that fingers or ears explain."""
SPACE = 4.0
"""A space too many or too few."""
SOUND, BY_EAR = 2.0, 0.35
"""A word that sounds just like the one meant costs this, and this share of its letters' cost."""
FIRST_LETTER = 1.2

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_VOWELS = frozenset("aeiouy")
_EARS = frozenset(
    frozenset(pair) for pair in ("ck", "cs", "sz", "kq", "gj", "dt", "bp", "fv", "vw", "mn", "xz")
)


def _neighbors() -> dict[str, str]:
    near: dict[str, str] = {}
    for y, row in enumerate(_ROWS):
        for x, key in enumerate(row):
            around = [row[max(0, x - 1) : x + 2]]
            for other in (y - 1, y + 1):
                if 0 <= other < len(_ROWS):
                    start = x - 1 if other > y else x
                    around.append(_ROWS[other][max(0, start) : start + 2])
            near[key] = "".join(around).replace(key, "")
    return near


NEIGHBORS = _neighbors()
"""The keys that touch a key on a QWERTY keyboard."""


@lru_cache(65_536)
def cost(typed: str, meant: str) -> float:
    """Nats against `meant` having been typed as `typed`; 0 when they are the same."""
    if typed == meant:
        return 0.0
    start = 0
    for a, b in zip(typed, meant, strict=False):
        if a != b:
            break
        start += 1
    end, shortest = 0, min(len(typed), len(meant))
    while end < shortest - start and typed[-1 - end] == meant[-1 - end]:
        end += 1
    # One letter of what is shared decides whether a letter was doubled.
    left = max(0, start - 1)
    distance = _aligned(typed[left : len(typed) - end], meant[left : len(meant) - end])
    by_ear = SOUND + BY_EAR * distance
    if by_ear < distance and sound_key(typed) == sound_key(meant):
        return by_ear
    return distance if typed[0] == meant[0] else distance + FIRST_LETTER


def error_kind(typed: str, meant: str) -> str:
    """`swapped`, `missing`, `extra`, `vowel` (another vowel), `wrong` (another letter), or
    `several`."""
    if len(typed) == len(meant):
        wrong = [(a, b) for a, b in zip(typed, meant, strict=True) if a != b]
        if len(wrong) == 1:
            return "vowel" if _VOWELS.issuperset(wrong[0]) else "wrong"
        return "swapped" if len(wrong) == 2 and wrong[0] == wrong[1][::-1] else "several"
    if len(typed) == len(meant) - 1:
        return "missing" if _one_less(typed, meant) else "several"
    return "extra" if _one_less(meant, typed) else "several"


def _one_less(shorter: str, longer: str) -> bool:
    """True when one letter taken out of `longer` gives `shorter`."""
    if len(shorter) != len(longer) - 1:
        return False
    place = next((i for i, letter in enumerate(shorter) if letter != longer[i]), len(shorter))
    return shorter[place:] == longer[place + 1 :]


def _aligned(typed: str, meant: str) -> float:
    """Optimal string alignment with weights, O(len(typed) x len(meant))."""
    before: list[float] = []
    above = [0.0]
    for j in range(len(meant)):
        above.append(above[j] + _gap(meant, j))
    for i, key in enumerate(typed):
        row = [above[0] + _gap(typed, i)]
        for j, letter in enumerate(meant):
            best = above[j] + (0.0 if key == letter else _substitution(key, letter))
            best = min(best, above[j + 1] + _gap(typed, i), row[j] + _gap(meant, j))
            if i and j and key == meant[j - 1] and letter == typed[i - 1] and key != letter:
                best = min(best, before[j - 1] + LIKELY)
            row.append(best)
        before, above = above, row
    return above[-1]


def _gap(word: str, place: int) -> float:
    """A letter too many or too few: likely when it doubles the one before it, or is a mute e."""
    letter = word[place]
    if (place and word[place - 1] == letter) or letter in "eh":
        return LIKELY
    return EDIT


def _substitution(key: str, letter: str) -> float:
    if key in _VOWELS and letter in _VOWELS:
        return LIKELY
    if letter in NEIGHBORS.get(key, "") or frozenset((key, letter)) in _EARS:
        return LIKELY
    return EDIT + 1.0
