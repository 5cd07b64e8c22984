"""From the writer's data directory to the location: everything that replicas serve.

What never changes goes first, what names it last, so that whoever reads `CURRENT` finds all it
says. A push that is killed leaves what was there before, and the next one goes on where it was.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, replace

from indexer.artifacts.announce import Announcer
from indexer.artifacts.files import Files, FileTable, decode_files, encode_files, part_of
from indexer.artifacts.local import FOLDER, Local, local_mark, push_lock, read_local
from indexer.artifacts.log import read_records
from indexer.artifacts.pointer import (
    KEY,
    Earlier,
    Pointer,
    batch_key,
    decode_pointer,
    encode_pointer,
    encoder_key,
    file_key,
    snapshot_key,
)
from indexer.artifacts.prune import prune_files, prune_snapshots
from indexer.artifacts.sending import Journal, Outgoing, Sender
from indexer.artifacts.status import Status, write_status
from indexer.artifacts.store import Conflict, Stored, open_store
from indexer.progress import Progress, silent
from search.engines.local.positions import positions_to_json
from search.errors import AisleError, IndexCorrupt, StorageFailed
from search.settings import Settings

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did: the name of the view that the location holds now, the bytes sent, and
    whether anything was new."""

    version: str
    bytes: int
    changed: bool


class Pusher:
    """Sends what is in `settings.data` to `settings.artifacts.location`; keep it, for it remembers
    what it has looked at. Safe from several processes: they take turns."""

    def __init__(self, settings: Settings) -> None:
        """Sends nothing yet.

        Raises:
            BadInput: the location cannot be used.
            StorageFailed: it is a folder that is not there.
        """
        self._settings, self._data = settings, settings.data
        self._store = open_store(settings.artifacts)
        self._table = FileTable(settings.data)
        self._announcer = Announcer(settings)
        self._seen: Stored | None = None
        self._done: tuple[object, Pushed] | None = None

    @property
    def place(self) -> str:
        """The location, as people may see it."""
        return self._store.name

    def push(self, progress: Progress = silent) -> Pushed:
        """Brings the location up to the data directory.

        Raises:
            IndexMissing, IndexCorrupt: there is no (sound) index to send.
            StorageFailed: the store refuses, or holds what another machine sent.
        """
        mark = local_mark(self._data, self._table)
        if self._done is not None and self._done[0] == mark:
            return replace(self._done[1], bytes=0, changed=False)
        with push_lock(self._data):
            for _ in range(_ATTEMPTS):
                try:
                    pushed = self._push(progress)
                    self._done = mark, pushed
                    return pushed
                except (FileNotFoundError, Conflict) as error:
                    # What is being sent was replaced, or what is there.
                    self._seen, cause = None, error
        raise _refusal(self.place, cause)

    def _push(self, progress: Progress) -> Pushed:
        local, before = read_local(self._data, self._table), self._before()
        if before is not None:
            local.check_sent_before(before, self.place)
        pointer = self._pointer(local, before)
        if pointer.same(before):
            return Pushed(pointer.name, 0, False)
        sender = self._sender(local, progress)
        sent = self._send_files(local.files, before, sender)
        sent += self._send_encoder(local, before, sender)
        if before is None or before.version != local.version:
            sent += self._send_whole(snapshot_key(local.version), sender, *local.snapshot())
            sent += self._send_log(local, 0)
        else:
            sent += self._send_log(local, before.offset)
        content = encode_pointer(pointer)
        self._seen = Stored(content, self._store.replace(KEY, content, self._seen))
        self._announcer.say(pointer.name)
        now = time.time()
        write_status(
            self._data, Status(self.place, "in step", pointer.name, since=now, in_step=now)
        )
        self._tidy(pointer, before, local.files)
        return Pushed(pointer.name, sent, True)

    def _before(self) -> Pointer | None:
        """What the location holds."""
        self._seen = self._store.read(KEY, self._seen)
        return decode_pointer(self._seen.content, self.place) if self._seen else None

    def _pointer(self, local: Local, before: Pointer | None) -> Pointer:
        now = time.time()
        earlier = before.earlier if before else ()
        if before is not None and before.version != local.version:
            others = (each for each in earlier if each.version != local.version)
            earlier = (*others, Earlier(before.version, now))[-self._settings.artifacts.keep - 20 :]
        return Pointer(
            version=local.version,
            manifest=local.manifest,
            sequence=local.live.sequence,
            offset=local.live.offset,
            check=local.check,
            encoder=local.encoder,
            files=part_of(encode_files(local.files)).sha256,
            changed=now,
            writer=self._settings.artifacts.writer or socket.gethostname(),
            earlier=earlier,
            positions=positions_to_json(local.live.positions),
        )

    def _sender(self, local: Local, progress: Progress) -> Sender:
        journal = Journal(self._data / FOLDER / f"{local.version}.sent")
        return Sender(self._store, journal, self._settings.artifacts.transfers, progress)

    def _send_files(self, files: Files, before: Pointer | None, sender: Sender) -> int:
        """Those that the table before does not name, then the table."""
        content = encode_files(files)
        table = part_of(content)
        if before is not None and before.files == table.sha256:
            return 0
        known = {part.sha256 for part in self._files_of(before).values()}
        new = {
            part.sha256: Outgoing(file_key(part.sha256), self._data / name, part, alterable=True)
            for name, part in files.items()
            if part.sha256 not in known
        }
        sent = sender.send(new.values(), {}) if new else 0
        self._store.write(file_key(table.sha256), content)
        return sent + table.size

    def _files_of(self, pointer: Pointer | None) -> Files:
        stored = self._store.read(file_key(pointer.files)) if pointer else None
        return decode_files(stored.content, self.place) if stored else {}

    def _send_encoder(self, local: Local, before: Pointer | None, sender: Sender) -> int:
        found = local.encoder_files()
        if found is None or (before is not None and before.encoder == local.encoder):
            return 0
        return self._send_whole(encoder_key(local.encoder or ""), sender, *found)

    def _send_whole(
        self, prefix: str, sender: Sender, parts: list[Outgoing], manifest: Outgoing
    ) -> int:
        """The manifest last: what it names is there."""
        there = self._store.list(prefix.rstrip("/"))
        return sender.send(parts, there) + sender.send([manifest], there)

    def _send_log(self, local: Local, start: int) -> int:
        for record in read_records(local.log, start, local.live.offset):
            self._store.write(batch_key(local.version, record.sequence), record.content)
        return local.live.offset - start

    def _tidy(self, pointer: Pointer, before: Pointer | None, files: Files) -> None:
        chosen, now = self._settings.artifacts, time.time()
        seconds = chosen.keep_hours * 3600
        if before is None or before.files != pointer.files:
            used = {pointer.files, *(part.sha256 for part in files.values())}
            prune_files(self._store, used, seconds, now)
        if before is None or before.version != pointer.version:
            prune_snapshots(self._store, pointer, chosen.keep, seconds, now)
            for journal in (self._data / FOLDER).glob("*.sent"):
                if journal.stem != pointer.version:
                    journal.unlink(missing_ok=True)


def _refusal(place: str, cause: Exception) -> AisleError:
    if isinstance(cause, Conflict):
        return StorageFailed(
            f"{place} is being replaced by somebody else as well; let one machine alone write "
            'there, and set [artifacts] role = "replica" on the others'
        )
    return IndexCorrupt(f"{cause.args[-1]} is not there: index the catalogue again")
