r"""Synonym files in the format of Solr and Elasticsearch.

```
# a comment
sofa, couch, settee          # each may stand for each
tv => television, tv set     # the left may be answered by the right, not the other way
1\,5 l bottle, bottle 1.5 l  # a backslash takes the next character as it is
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from query.text import words
from search.errors import BadInput

MOST_WORDS = 6
"""Words of the longest phrase."""
_PIECE = re.compile(r"\\.|=>|,|#|[^\\,=#]+|.")

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Synonym:
    """`instead` may stand for `words`; both normalized, at least one word each."""

    words: Phrase
    instead: Phrase


def read_synonyms(path: Path) -> list[Synonym]:
    """Every pair a file names, in order, without repetitions.

    Raises:
        BadInput: the file cannot be read, or a line cannot be used; names line and remedy.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{path} cannot be read ({error}); save it as text in UTF-8", field="synonyms"
        ) from error
    return parse_synonyms(text, str(path))


def parse_synonyms(text: str, name: str) -> list[Synonym]:
    """The pairs of a file's text; `name` is what errors call it.

    Raises:
        BadInput: a line cannot be used; names line and remedy.
    """
    found: dict[Synonym, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        found.update(dict.fromkeys(_line(line, f"{name}, line {number}")))
    return list(found)


def _line(line: str, place: str) -> Iterator[Synonym]:
    sides = _sides(line, place)
    if sides == [[""]]:
        return
    phrases = [[_phrase(text, place) for text in side] for side in sides]
    if len(phrases) == 1 and len(phrases[0]) == 1:
        raise _bad(place, "one word alone is a synonym of nothing")
    left, right = phrases[0], phrases[-1]
    for one in left:
        for other in right:
            if one != other:
                yield Synonym(one, other)


def _sides(line: str, place: str) -> list[list[str]]:
    """The texts between commas, on one side of an arrow or on two."""
    sides = [[""]]
    for piece in _PIECE.findall(line):
        if piece == "#":
            break
        if piece == ",":
            sides[-1].append("")
        elif piece == "=>":
            sides.append([""])
        elif piece == "\\":
            raise _bad(place, "the backslash at the end has nothing to escape")
        else:
            sides[-1][-1] += piece[1:] if piece.startswith("\\") else piece
    if len(sides) > 2:
        raise _bad(place, "there is more than one =>")
    return [[text.strip() for text in side] for side in sides]


def _phrase(text: str, place: str) -> Phrase:
    found = tuple(words(text))
    if not found:
        what = f"{text!r} holds no word" if text else "a word is missing beside a comma or =>"
        raise _bad(place, what)
    if len(found) > MOST_WORDS:
        raise _bad(place, f"{text!r} has more than {MOST_WORDS} words")
    return found


def _bad(place: str, problem: str) -> BadInput:
    return BadInput(
        f"{place}: {problem}; write words between commas (sofa, couch) or with one arrow "
        "(tv => television), or start the line with #",
        field="synonyms",
    )
