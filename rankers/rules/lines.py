"""Where each part of a TOML text is written: parsers say what it holds, not on which line.

The text is one that a parser has accepted, so that nothing is checked here again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Path = tuple[str | int, ...]
"""How to get to a part: names of fields, and places in lists from 0."""
_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\r]+|\#[^\n]*)
    |(?P<line>\n)
    |(?P<text>\"\"\"(?:\\.|[^\\])*?\"{3,5}|'''(?:.|\n)*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    |(?P<mark>\[\[|\]\]|[\[\]{}=,.])
    |(?P<bare>[^\s"'\[\]{}=,.\#]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}
_ESCAPED = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)


def lines_of(text: str) -> Mapping[Path, int]:
    """The 1-based line on which each table, field and item of a list begins."""
    scan = _Scan(list(_tokens(text)))
    scan.document()
    return scan.lines


def line_at(lines: Mapping[Path, int], path: Path) -> int | None:
    """The line of a part, or of the nearest one that holds it; None where none of them is written
    by itself."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "blank":
            yield _Token(kind, match.group(), line)
        line += match.group().count("\n")
    yield _Token("end", "", line)


@dataclass(slots=True)
class _Scan:
    """Goes through the tokens once. `counts` are the items of lists of tables so far."""

    tokens: list[_Token]
    place: int = 0
    lines: dict[Path, int] = field(default_factory=dict)
    counts: dict[Path, int] = field(default_factory=dict)

    def document(self) -> None:
        """Tables and fields, until the end."""
        table: Path = ()
        while (token := self._skip()).kind != "end":
            if token.text in ("[", "[["):
                table = self._header()
            else:
                self._field(table)

    def _skip(self) -> _Token:
        """The next token that is no line's end."""
        while self.tokens[self.place].kind == "line":
            self.place += 1
        return self.tokens[self.place]

    def _next(self) -> _Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def _header(self) -> Path:
        opening = self._next()
        path: Path = ()
        *holders, last = self._names()
        for name in holders:
            path = self._within((*path, name))
        path = (*path, last)
        if opening.text == "[[":
            self.counts[path] = self.counts.get(path, 0) + 1
            self.lines.setdefault(path, opening.line)
            path = (*path, self.counts[path] - 1)
        self._next()
        self.lines.setdefault(path, opening.line)
        return path

    def _within(self, path: Path) -> Path:
        """The last item of a list of tables, or the table itself."""
        return (*path, self.counts[path] - 1) if path in self.counts else path

    def _names(self) -> list[str]:
        """The parts of a name with dots."""
        names = [_named(self._next())]
        while self.tokens[self.place].text == ".":
            self.place += 1
            names.append(_named(self._next()))
        return names

    def _field(self, table: Path) -> None:
        line = self._skip().line
        for name in self._names():
            table = (*table, name)
            self.lines.setdefault(table, line)
        self._next()  # =
        self._value(table)

    def _value(self, path: Path) -> None:
        opening = self._skip()
        self.lines.setdefault(path, opening.line)
        if opening.text in ("[", "[["):  # a list in a list begins like a list of tables
            self._split(opening)
            self._list(path)
        elif opening.text == "{":
            self._table(path)
        else:
            self._plain()

    def _split(self, token: _Token) -> None:
        """Two brackets that are no header, one by one."""
        if len(token.text) == 2:
            half = _Token(token.kind, token.text[0], token.line)
            self.tokens[self.place : self.place + 1] = [half, half]

    def _list(self, path: Path) -> None:
        self._next()
        number = 0
        while (token := self._skip()).text not in ("]", "]]"):
            if token.text == ",":
                self.place += 1
            else:
                self._value((*path, number))
                number += 1
        self._split(token)
        self._next()

    def _table(self, path: Path) -> None:
        self._next()
        while (token := self._skip()).text != "}":
            if token.text == ",":
                self.place += 1
            else:
                self._field(path)
        self._next()

    def _plain(self) -> None:
        """A text, a number (which may have a dot), a day with its time."""
        self._next()
        while self.tokens[self.place].kind in ("bare", "text") or (
            self.tokens[self.place].text == "."
        ):
            self.place += 1


def _named(token: _Token) -> str:
    """A name as a parser gives it."""
    if token.kind != "text":
        return token.text
    inside = token.text[1:-1]
    return inside if token.text[0] == "'" else _ESCAPED.sub(_unescaped, inside)


def _unescaped(match: re.Match[str]) -> str:
    code = match.group(1)
    return chr(int(code[1:], 16)) if code[0] in "uU" else _ESCAPES.get(code, code)
