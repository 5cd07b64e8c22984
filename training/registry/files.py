"""The registry as files: `models/<version>/model.json` and `entry.json` beside it, `history.jsonl`,
and the served model's own file, which is the truth about what serves."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from rankers import Model, load_model, model_checksum, save_model
from search.errors import BadInput, NotFound
from training.registry.naming import one_of
from training.registry.orders import order_of
from training.registry.seams import Action, Change, Entry

_DIGITS = 12
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY


@dataclass(frozen=True, slots=True)
class FileRegistry:
    """A registry in `directory`; `served` is the file that servers follow."""

    directory: Path
    served: Path
    clock: Callable[[], float] = time.time

    def add(
        self, model: Model, lineage: Mapping[str, Any], verdict: Mapping[str, Any] | None = None
    ) -> Entry:
        """See `ModelRegistry`."""
        version, order = model_checksum(model)[:_DIGITS], order_of(model)
        with self._locked():
            known = self._twin(version, order)
            if known is not None:
                if verdict is not None:
                    known = replace(known, verdict=verdict)
                    _write(self.directory / known.version / "entry.json", asdict(known))
                return known
            entry = Entry(
                version,
                model.name,
                model.kind,
                self.clock(),
                lineage,
                model.metrics,
                verdict,
                order,
            )
            self._keep(self.directory / version, model, entry)
        return self.entry(version)

    def _twin(self, version: str, order: str) -> Entry | None:
        """The model itself, else what serves or the newest, of those that rank as it does."""
        found = [each for each in self.entries() if self._order(each) == order]
        if len(found) < 2:
            return next(iter(found), None)
        first = {self.serving(): 1, version: 0}
        return min(found, key=lambda each: first.get(each.version, 2), default=None)

    def _order(self, entry: Entry) -> str:
        """How a model ranks that was kept before entries said so."""
        if entry.order:
            return entry.order
        with contextlib.suppress(BadInput, NotFound):
            return order_of(load_model(self.directory / entry.version / "model.json"))
        return entry.version

    def _keep(self, place: Path, model: Model, entry: Entry) -> None:
        """A folder appears whole or not at all."""
        building = Path(tempfile.mkdtemp(prefix=".adding-", dir=self.directory))
        try:
            save_model(model, building / "model.json")
            _write(building / "entry.json", asdict(entry))
            building.chmod(0o755)
            building.rename(place)
            _settle(self.directory)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise

    def entries(self) -> Sequence[Entry]:
        """See `ModelRegistry`."""
        if not self.directory.is_dir():
            return ()
        found = [_entry(path) for path in self.directory.glob("[0-9a-f]*/entry.json")]
        return tuple(sorted(found, key=lambda each: (-each.created, each.version)))

    def entry(self, version: str) -> Entry:
        """See `ModelRegistry`."""
        entries = {each.version: each for each in self.entries()}
        return entries[one_of(tuple(entries), version)]

    def model(self, version: str) -> Model:
        """See `ModelRegistry`."""
        return load_model(self.path(version))

    def path(self, version: str) -> Path:
        """See `ModelRegistry`."""
        return self.directory / self.entry(version).version / "model.json"

    def serving(self) -> str | None:
        """See `ModelRegistry`."""
        try:
            file = orjson.loads(self.served.read_bytes())
            return str(file["checksum"])[:_DIGITS]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(
                f"the model that serves, {self.served}, is unreadable: {error}"
            ) from None

    def anchor(self) -> str:
        """See `ModelRegistry`."""
        history, serving = self.history(), self.serving() or ""
        if not history or history[-1].version != serving or history[-1].anchor is None:
            return serving
        return history[-1].anchor

    def promote(self, version: str, reason: str, anchor: str | None = None) -> Change:
        """See `ModelRegistry`. A model that serves already stays, and nothing is noted."""
        with self._locked():
            entry = self.entry(version)
            last = self._noted()
            if last is not None and last.version == entry.version:
                return last
            return self._serve(entry.version, "promote", reason, anchor)

    def rollback(self, reason: str) -> Change:
        """See `ModelRegistry`."""
        with self._locked():
            self._noted()
            earlier = self._before()
            anchors = {each.version: each.anchor for each in self.history()}
            return self._serve(earlier, "rollback", reason, anchors.get(earlier))

    def history(self) -> Sequence[Change]:
        """See `ModelRegistry`."""
        try:
            lines = (self.directory / "history.jsonl").read_bytes().splitlines()
        except FileNotFoundError:
            return ()
        changes = []
        for line in lines:
            with contextlib.suppress(ValueError, TypeError):  # cut off by a crash: not yet noted
                changes.append(Change(**orjson.loads(line)))
        return tuple(changes)

    def _serve(self, version: str, action: Action, reason: str, anchor: str | None) -> Change:
        before = self.serving() or ""
        if version:
            save_model(self.model(version), self.served)
        else:
            self.served.unlink(missing_ok=True)
        return self._note(action, version, before, reason, anchor)

    def _note(
        self, action: Action, version: str, before: str, reason: str, anchor: str | None = None
    ) -> Change:
        change = Change(self.clock(), action, version, before, reason, anchor)
        with (self.directory / "history.jsonl").open("ab") as file:
            # A line that a crash cut off must not swallow this one.
            file.write((b"\n" if file.tell() else b"") + orjson.dumps(change) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return change

    def _noted(self) -> Change | None:
        """The last change, once what serves is what the history says: another hand, or a crash
        between the two writes, may have left it behind."""
        history, serving = self.history(), self.serving()
        last = history[-1] if history else None
        before = last.version if last else ""
        if serving is None:
            # Another hand took the model away.
            return self._note("found", "", before, "none was serving") if before else last
        if before == serving:
            return last
        if not (self.directory / serving).is_dir():
            self._adopt(serving)
        return self._note("found", serving, before, "it was serving already")

    def _adopt(self, version: str) -> None:
        """Keeps a model that serves and was never added, so that it can be gone back to."""
        with contextlib.suppress(BadInput, NotFound):
            model = load_model(self.served)
            now, order = self.clock(), order_of(model)
            entry = Entry(version, model.name, model.kind, now, {}, model.metrics, None, order)
            self._keep(self.directory / version, model, entry)

    def _before(self) -> str:
        """What served before: going back twice goes back two steps, not to and fro."""
        stack: list[str] = []
        for change in self.history():
            if change.action == "rollback":
                stack.pop()
            else:
                stack.append(change.version)
        if not stack:
            raise BadInput(
                "nothing earlier to go back to; promote a model by its version", field="version"
            )
        return stack[-2] if len(stack) > 1 else ""

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One change at a time, whichever process asks."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _entry(path: Path) -> Entry:
    try:
        return Entry(**orjson.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(f"{path} is damaged: {error}; remove the folder it is in") from None


def _write(path: Path, value: Mapping[str, Any]) -> None:
    beside = path.with_name(f".{path.name}")
    with beside.open("wb") as file:
        file.write(orjson.dumps(value, option=_OPTIONS) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _settle(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
