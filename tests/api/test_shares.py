"""Which worker the kernel gives the next connection to, and which has too many."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from api.serving import listen
from api.shares import MOVE_SECONDS, STEER_SECONDS, STUCK_SECONDS, Counts, Share


class Workers:
    """The shares of workers that are all in this process, and a clock that goes when it is told."""

    def __init__(self, workers: int) -> None:
        self.now = 10.0
        self.counts = Counts(workers)
        port = 0
        self.sockets = []
        for _ in range(workers):
            self.sockets.append(listen("127.0.0.1", port, shared=True))
            self.sockets[-1].setblocking(False)
            port = self.sockets[0].getsockname()[1]
        self.port = port
        self.shares = [
            Share(self.counts, each, self.sockets, lambda: self.now) for each in range(workers)
        ]
        for share in self.shares:
            share.enter()

    def connect(self) -> int:
        """Whose socket a new connection comes to, some time after the one before."""
        self.now += STEER_SECONDS * 2
        with socket.create_connection(("127.0.0.1", self.port), 5):
            for number, each in enumerate(self.sockets):
                with contextlib.suppress(BlockingIOError):
                    each.accept()[0].close()
                    return number
        raise AssertionError("it came to nobody")

    def held(self) -> list[int]:
        return [self.counts.held(each) for each in range(len(self.shares))]


@pytest.fixture
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    made = Workers(getattr(request, "param", 2))
    yield made
    for each in made.sockets:
        each.close()


@pytest.mark.parametrize("workers", [3], indirect=True)
def test_every_connection_comes_to_the_worker_with_the_fewest(workers: Workers) -> None:
    for _ in range(12):
        number = workers.connect()
        workers.now += STEER_SECONDS * 2
        workers.shares[number].hold(workers.counts.held(number) + 1)
    assert workers.held() == [4, 4, 4]
    workers.now += STEER_SECONDS * 2
    workers.shares[1].hold(2)
    assert [workers.connect() for _ in range(5)] == [1] * 5


def test_workers_with_as_many_take_turns_although_one_is_new(workers: Workers) -> None:
    def short() -> int:
        number = workers.connect()
        workers.now += STEER_SECONDS * 2
        workers.shares[number].hold(1)
        workers.shares[number].hold(0)
        return number

    assert [short() for _ in range(6)] == [0, 1, 0, 1, 0, 1]
    workers.shares[1].leave()
    assert [short() for _ in range(3)] == [0, 0, 0]
    workers.shares[1].enter()
    assert sorted(short() for _ in range(4)) == [0, 0, 1, 1]


def test_a_worker_that_left_gets_none_until_it_enters(workers: Workers) -> None:
    first, second = workers.shares
    first.hold(5)
    second.leave()
    assert workers.connect() == 0
    assert second.own in first.deserted()
    second.enter()
    assert workers.connect() == 1
    assert first.deserted() == []


def test_a_stuck_worker_gets_none_until_it_is_alive(workers: Workers) -> None:
    stuck, busy = workers.shares
    busy.hold(3)
    workers.now += STUCK_SECONDS + 0.1
    busy.alive()
    assert workers.connect() == 1
    assert stuck.own in busy.deserted()
    stuck.alive()
    assert workers.connect() == 0


def test_a_worker_with_many_more_asks_one_connection_at_a_time_to_move(workers: Workers) -> None:
    crowded, other = workers.shares
    crowded.hold(8)
    assert crowded.excessive()
    workers.now += MOVE_SECONDS / 2
    assert not crowded.excessive()
    workers.now += MOVE_SECONDS
    assert crowded.excessive()
    assert not other.excessive()


@pytest.mark.parametrize("held", [(1, 0), (5, 4), (1, 1), (50, 42)])
def test_a_small_difference_moves_none(workers: Workers, held: tuple[int, int]) -> None:
    for share, connections in zip(workers.shares, held, strict=True):
        share.hold(connections)
    assert not any(share.excessive() for share in workers.shares)


def test_a_worker_that_is_gone_draws_no_connections(workers: Workers) -> None:
    one, other = workers.shares
    one.hold(8)
    other.leave()
    assert not one.excessive()
