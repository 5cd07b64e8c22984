"""A key that words which sound alike share, for misspellings by ear (`fone`, `nife`, `kwik`).

A simplification of Metaphone (Philips, Hanging on the Metaphone, Computer Language 7(12), 1990):
consonants by sound, vowels only in front. It is coarser than needed, because what shares a key is
only a candidate.
"""

from __future__ import annotations

from functools import lru_cache

_REMEMBERED = 4096
"""Words: a misspelled one is compared with many."""
_FRONT = (("kn", "n"), ("gn", "n"), ("wr", "r"), ("ps", "s"), ("x", "s"), ("wh", "w"))
_ANYWHERE = (
    ("qu", "kw"), ("sch", "sk"), ("tch", "ç"), ("ch", "ç"), ("sh", "ß"), ("tion", "ßn"),
    ("ph", "f"), ("ght", "t"), ("gh", "g"), ("dge", "j"), ("ce", "se"), ("ci", "si"),
    ("cy", "sy"), ("ck", "k"), ("c", "k"), ("q", "k"), ("x", "ks"), ("z", "s"), ("ge", "je"),
    ("gi", "ji"), ("mb", "m"), ("v", "f"),
)  # fmt: skip
_SILENT = str.maketrans("", "", "aeiouyh")
"""An h is heard in front only, where `sound_key` keeps it."""


@lru_cache(_REMEMBERED)
def sound_key(word: str) -> str:
    """The sound of a normalized word: `fone` and `phone` give `fn`."""
    for start, sound in _FRONT:
        if word.startswith(start):
            word = sound + word[len(start) :]
            break
    for letters, sound in _ANYWHERE:
        if letters in word:
            word = word.replace(letters, sound)
    front = "a" if word[:1] in "aeiouy" else "h" if word[:1] == "h" else ""
    key = word.translate(_SILENT)
    return front + "".join(c for i, c in enumerate(key) if i == 0 or key[i - 1] != c)
