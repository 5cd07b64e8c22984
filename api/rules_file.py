"""The rules' file as the HTTP interface and the command line change it: one writer at a time, all
or nothing, and never to something that cannot be used."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.errors import Outdated, RulesUnusable
from indexer.storage import replace_file, storage_errors
from rankers.rules import (
    RuleBody,
    RulesBody,
    RuleSet,
    mark,
    parse_body,
    put_rule,
    remove_rule,
    write_rules,
)
from search.errors import BadInput, NotFound

NONE = "none"
"""The version of no file at all."""


@dataclass(frozen=True, slots=True)
class RulesFile:
    """The rules in a file, which need not exist. `parse` refuses what cannot be used."""

    path: Path
    parse: Callable[[str], RuleSet]

    def text(self) -> str | None:
        """The file's text, None when there is none.

        Raises:
            RulesUnusable: it cannot be read.
        """
        try:
            return self.path.read_text("utf-8-sig")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            problem = f"{self.path} cannot be read: {error}; mend it"
            raise RulesUnusable(problem, field="rules") from None

    def body(self, text: str) -> RulesBody:
        """The rules of the file, given its text.

        Raises:
            RulesUnusable: they cannot be used; names the file, the line and the remedy.
        """
        try:
            self.parse(text)
            return parse_body(text, self.path.name)
        except BadInput as error:
            raise RulesUnusable(
                f"the rules' file cannot be used as it is: {error} in {self.path}, or write all "
                "rules anew (PUT /v1/rules)",
                field=error.field,
            ) from None

    def put(self, rule: RuleBody, expected: str | None) -> tuple[str, bool]:
        """Writes one rule; the new version, and whether the rule is a new one.

        Raises:
            Outdated: the file is not of the `expected` version.
            RulesUnusable: the file as it is cannot be used.
            BadInput: the rule cannot be used.
            StorageFailed: the disk refused; the file is as it was.
        """
        with self._changing(expected) as before:
            known = any(each.id == rule.id for each in self.body(before).rule)
            return self._write(put_rule(before, rule)), not known

    def remove(self, rule_id: str, expected: str | None) -> str:
        """Removes one rule; the new version.

        Raises:
            NotFound: there is no such rule.
            Outdated, RulesUnusable, StorageFailed: as `put`.
        """
        with self._changing(expected) as before:
            self.body(before)
            after = remove_rule(before, rule_id)
            if after is None:
                raise NotFound(f"no rule has the id {rule_id[:100]!r}")
            return self._write(after)

    def replace(self, rules: RulesBody, expected: str | None) -> str:
        """Writes all rules anew; the new version.

        Raises:
            Outdated, BadInput, StorageFailed: as `put`.
        """
        with self._changing(expected):
            return self._write(write_rules(rules))

    def _write(self, text: str) -> str:
        self.parse(text)
        with storage_errors(self.path):
            replace_file(self.path, text.encode())
        return mark(text)

    @contextmanager
    def _changing(self, expected: str | None) -> Iterator[str]:
        """Holds the lock beside the file; the text as it is."""
        with storage_errors(self.path):
            handle = os.open(self.path.with_name(f".{self.path.name}.lock"), _FLAGS, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            text = self.text()
            version = NONE if text is None else mark(text)
            if expected not in (None, version):
                raise Outdated(
                    f"the rules are of version {version}, not {expected}; read them again and "
                    "repeat the change"
                )
            yield text or ""
        finally:
            os.close(handle)


_FLAGS = os.O_RDWR | os.O_CREAT
