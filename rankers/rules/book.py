"""Follows the rules' file while searches go on: a new one takes the place of the old between two
requests, and one that cannot be used is logged and leaves the old one in force."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from rankers.rules.matching import RuleSet
from search.errors import BadInput

LOOK_SECONDS = 1.0
"""How often the file is looked at, while there are requests."""
QUIET_SECONDS = 1.0
"""Without requests for so long after a look was due, the next one waits for a file that changed."""
KEPT_SECONDS = 300.0
"""How long earlier rules stay, for shoppers who go on to the next page."""
KEPT = 64
_log = logging.getLogger(__name__)
_Stamp = tuple[int, int, int] | None


class RuleBook:
    """The rules in a file that may come, change and go; implements `search.seams.RuleSource`.
    Safe from several threads; only `reload`, the first look, and the first after a while in which
    nobody asked wait for the disk."""

    def __init__(
        self, path: Path | None, parse: Callable[[str], RuleSet], *, named: bool = False
    ) -> None:
        """Without a path there are no rules. `named`: the settings name the file, so that it
        should be there."""
        self._path, self.parse, self._named = path, parse, named
        self._rules = RuleSet()
        self._kept: OrderedDict[str, tuple[RuleSet, float]] = OrderedDict()
        self._stamp: _Stamp = None
        self._fault: str | None = None
        self._look_at = 0.0
        self._lock = threading.Lock()
        if path is not None:
            self.reload()

    @property
    def path(self) -> Path | None:
        """Where the rules are; None when they are turned off."""
        return self._path

    @property
    def fault(self) -> str | None:
        """What is wrong with the file, whose earlier rules are in force then."""
        return self._fault

    def current(self) -> RuleSet:
        """The rules in force; looks now and then whether the file has changed."""
        now = time.monotonic()
        if self._path is not None and now >= self._look_at:
            quiet = now >= self._look_at + QUIET_SECONDS
            self._look_at = now + LOOK_SECONDS
            if _stamp(self._path) != self._stamp:
                if quiet:  # nobody else waits, and the file may have changed hours ago
                    return self.reload()
                threading.Thread(target=self.reload, name="rules", daemon=True).start()
        return self._rules

    def at(self, version: str) -> RuleSet | None:
        """Earlier rules by version, None when they are no longer held."""
        if version == self._rules.version:
            return self._rules
        if not version:
            return RuleSet()
        kept = self._kept.get(version)
        return kept[0] if kept else None

    def reload(self) -> RuleSet:
        """Reads the file now; the rules in force afterwards."""
        assert self._path is not None
        with self._lock:
            stamp = _stamp(self._path)
            try:
                found = self._read(self._path, there=stamp is not None)
            except (BadInput, OSError, UnicodeDecodeError) as error:
                self._refuse(str(error))
            else:
                self._use(found)
            self._stamp = stamp
            self._look_at = time.monotonic() + LOOK_SECONDS
        return self._rules

    def _read(self, path: Path, *, there: bool) -> RuleSet:
        """What the file holds; nothing where there need be none.

        Raises:
            BadInput: the file cannot be used, or is named and not there.
            OSError, UnicodeDecodeError: it cannot be read.
        """
        if there:
            return self.parse(path.read_text("utf-8-sig"))
        if self._named:
            raise BadInput(
                f"there is no file {path}, which [rules] file names; mend the setting, or put the "
                "file there",
                field="rules.file",
            )
        return RuleSet()

    def _use(self, found: RuleSet) -> None:
        self._fault = None
        if found.version == self._rules.version:
            return
        now = time.monotonic()
        kept = self._kept.copy()
        kept[self._rules.version] = (self._rules, now)
        kept.pop(found.version, None)
        while len(kept) > KEPT or now - next(iter(kept.values()))[1] > KEPT_SECONDS:
            kept.popitem(last=False)
        self._kept, self._rules = kept, found
        _log.info("%d rules in force, version %s", len(found.rules), found.version or "none")

    def _refuse(self, problem: str) -> None:
        self._fault = problem
        kept = "the earlier stay in force" if self._rules.rules else "none are in force"
        _log.error("the rules cannot be used, %s: %s", kept, problem)


def _stamp(path: Path) -> _Stamp:
    """What changes when a file does; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
