"""What a command waits for is handed over as it is, and never written out."""

from __future__ import annotations

from api.commands.async_work import wait_for


class Vast:
    """What takes minutes to write out."""

    def __repr__(self) -> str:
        raise AssertionError("it was written out")


def test_a_result_is_not_written_out() -> None:
    async def work() -> Vast:
        return Vast()

    assert isinstance(wait_for(work()), Vast)
