"""Which of several worker processes gets the next connection: the one that has the fewest.

Each worker has a listening socket on the same port (`SO_REUSEPORT`) and says in shared memory how
many connections it has. Whoever changes that tells the kernel which socket is next, by a program
of one instruction (`SO_ATTACH_REUSEPORT_CBPF`, which needs no rights); where it cannot be told, the
kernel goes on choosing by a hash of the addresses. So no process stands between a client and its
worker. What waits at the socket of a worker that died or is stuck, others take.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import socket
import struct
import time
from collections.abc import Callable, Sequence

STUCK_SECONDS = 1.0
"""A worker that says nothing for so long gets no connections until it does."""
STEER_SECONDS = 0.002
"""Between two times that the kernel is told: it takes as long as a tenth of a short request."""
MOVE_SECONDS = 0.1
"""Between two connections that a worker with too many asks to move."""
_MORE, _RATIO = 2, 1.25
"""How many more connections than the fewest are too many, at least and as a ratio."""

_FIELDS = 3
_OPEN, _TAKEN, _ALIVE = range(_FIELDS)
_ATTACH_REUSEPORT_CBPF = 51  # Linux; Python has no name for it
_RETURN = 0x06  # BPF_RET | BPF_K: the answer is a constant


class Counts:
    """The figures of all workers, to give to each process when it is started: how many connections
    it has, how many it took, and when it was last alive (monotonic milliseconds, 0: not there)."""

    def __init__(self, workers: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        # Whole numbers of the machine's size are read and written in one piece: no lock, which a
        # worker could hold while it dies or is stopped.
        self._figures = spawn.RawArray(ctypes.c_int64, workers * _FIELDS + 2)
        self.workers = workers

    def enter(self, worker: int, now: float) -> None:
        """It takes connections from now on."""
        self._set(worker, _OPEN, 0)
        # As many as the others: fewer would make it take every connection while all have as many.
        self._set(worker, _TAKEN, max(map(self.taken, range(self.workers))))
        self.alive(worker, now)

    def alive(self, worker: int, now: float) -> None:
        """It is not stuck."""
        self._set(worker, _ALIVE, int(now * 1000))

    def leave(self, worker: int) -> None:
        """It takes no more connections."""
        self._set(worker, _ALIVE, 0)

    def hold(self, worker: int, connections: int) -> None:
        """It has so many."""
        more = connections - self.held(worker)
        self._set(worker, _TAKEN, self.taken(worker) + max(more, 0))
        self._set(worker, _OPEN, connections)

    def held(self, worker: int) -> int:
        """How many it has."""
        return self._figures[worker * _FIELDS + _OPEN]

    def taken(self, worker: int) -> int:
        """How many it took."""
        return self._figures[worker * _FIELDS + _TAKEN]

    def present(self, now: float) -> list[int]:
        """Those that take connections."""
        since = int((now - STUCK_SECONDS) * 1000)
        alive = self._figures[_ALIVE : self.workers * _FIELDS : _FIELDS]
        return [each for each, then in enumerate(alive) if then and then >= since]

    def next(self, now: float) -> int | None:
        """Who has the fewest, and of these took the fewest; None while nobody takes any."""
        ranks = [(self.held(each), self.taken(each), each) for each in self.present(now)]
        return min(ranks)[2] if ranks else None

    def chosen(self) -> tuple[int, float]:
        """Whose socket the kernel was told of last, and when."""
        place = self.workers * _FIELDS
        return self._figures[place], self._figures[place + 1] / 1e6

    def choose(self, worker: int, now: float) -> None:
        """The kernel is told of its socket."""
        place = self.workers * _FIELDS
        self._figures[place], self._figures[place + 1] = worker, int(now * 1e6)

    def _set(self, worker: int, field: int, value: int) -> None:
        self._figures[worker * _FIELDS + field] = value


class Share:
    """One worker's part in it. `sockets` are those of all workers, in the order in which they began
    to listen: the kernel knows them by that."""

    def __init__(
        self,
        counts: Counts,
        worker: int,
        sockets: Sequence[socket.socket],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sockets = tuple(sockets)
        self._counts = counts
        self._worker = worker
        self._clock = clock
        self._moved = 0.0
        self._programs = [
            ctypes.create_string_buffer(struct.pack("HBBI", _RETURN, 0, 0, place))
            for place in range(len(self.sockets))
        ]

    @property
    def own(self) -> socket.socket:
        """Where this worker listens."""
        return self.sockets[self._worker]

    def enter(self) -> None:
        """Connections are taken here from now on."""
        self._counts.enter(self._worker, self._clock())
        self._choose(again=True)

    def leave(self) -> None:
        """No more are taken here."""
        self._counts.leave(self._worker)
        self._choose(again=True)

    def alive(self) -> None:
        """To be called several times a second."""
        self._counts.alive(self._worker, self._clock())
        self._choose(again=True)

    def hold(self, connections: int) -> None:
        """There are so many here."""
        self._counts.hold(self._worker, connections)
        self._choose()

    def deserted(self) -> list[socket.socket]:
        """Where workers listen that take no connections."""
        present = set(self._counts.present(self._clock()))
        return [each for number, each in enumerate(self.sockets) if number not in present]

    def excessive(self) -> bool:
        """Whether the connection that a request came on had better move to another worker: this one
        has many more than the one with the fewest. One at a time is told to."""
        held, now = self._counts.held(self._worker), self._clock()
        if held < _MORE or now - self._moved < MOVE_SECONDS:
            return False
        fewest = min(map(self._counts.held, self._counts.present(now)), default=held)
        if held < fewest + _MORE or held <= fewest * _RATIO:
            return False
        self._moved = now
        return True

    def _choose(self, *, again: bool = False) -> None:
        """Tells the kernel who is next; `again` although it was told the same, or just now: others
        may have told it something older at the same moment."""
        now = self._clock()
        told, when = self._counts.chosen()
        if not again and now - when < STEER_SECONDS:
            return
        chosen = self._counts.next(now)
        if chosen is not None and (again or chosen != told):
            # What is told again puts off nothing that is new.
            self._counts.choose(chosen, when if again else now)
            self._steer(chosen)

    def _steer(self, place: int) -> None:
        """Makes the kernel give connections to the socket at a place. Where it cannot be told, it
        goes on choosing by itself."""
        given = struct.pack("HL", 1, ctypes.addressof(self._programs[place]))
        with contextlib.suppress(OSError):
            self.own.setsockopt(socket.SOL_SOCKET, _ATTACH_REUSEPORT_CBPF, given)
