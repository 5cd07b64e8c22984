"""What is never suggested: a bundled list of offensive words, and the shop's own `blocked.txt`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from query.suggest.entries import index_words, singular
from search.errors import BadInput

SHOP_LIST = "blocked.txt"
_ALLOW = "!"


@dataclass(frozen=True, slots=True)
class Blocked:
    """Words and sequences of words that no suggestion holds. They are matched whole, in singular
    and plural: blocking `ass` leaves `glass` alone."""

    sequences: frozenset[tuple[str, ...]] = frozenset()
    longest: int = field(default=0)

    def __call__(self, text: str) -> bool:
        """Whether a text holds any of them."""
        found = [singular(word) for word in index_words(text)]
        return any(
            tuple(found[start : start + length]) in self.sequences
            for start in range(len(found))
            for length in range(1, min(self.longest, len(found) - start) + 1)
        )


def load_blocked(shop_list: Path | None) -> Blocked:
    """The bundled list and the shop's: one word or phrase a line, `#` begins a remark, and `!word`
    takes one off the bundled list.

    Raises:
        BadInput: the shop's list cannot be read as UTF-8 text, or a line holds no word.
    """
    bundled = files("query.suggest").joinpath("offensive.txt").read_text("utf-8")
    blocked = set(_lines(bundled, "offensive.txt"))
    if shop_list is not None:
        try:
            own = shop_list.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(
                f"{shop_list} cannot be read ({error}); it must be a text file in UTF-8, one word "
                "or phrase a line",
                field="understanding.lists",
            ) from error
        lines = own.splitlines()
        blocked |= set(_lines(_only(lines, allowed=False), str(shop_list)))
        blocked -= set(_lines(_only(lines, allowed=True), str(shop_list)))
    return Blocked(frozenset(blocked), max(map(len, blocked), default=0))


def _only(lines: Iterable[str], *, allowed: bool) -> str:
    """The lines that take words off the list, or the others; line numbers are kept."""
    kept = (line if line.strip().startswith(_ALLOW) is allowed else "" for line in lines)
    return "\n".join(line.strip().removeprefix(_ALLOW) for line in kept)


def _lines(text: str, place: str) -> Iterable[tuple[str, ...]]:
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        found = tuple(singular(word) for word in index_words(content))
        if not found:
            raise BadInput(
                f"{place}, line {number}: {content!r} holds no word; remove the line",
                field="understanding.lists",
            )
        yield found
