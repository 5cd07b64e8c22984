from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from training.events.frames import Damage, Kind, frame, read_frames

PAYLOADS = [b'{"n":%d}\n' % n * (n + 1) for n in range(6)]


def written(path: Path, content: bytes) -> tuple[list[bytes], Damage]:
    path.write_bytes(content)
    damage = Damage()
    return [payload for _, payload in read_frames(path, damage)], damage


def test_what_was_written_is_read(tmp_path: Path) -> None:
    content = b"".join(frame(Kind.events, payload) for payload in PAYLOADS)
    assert written(tmp_path / "s", content) == (PAYLOADS, Damage())
    assert written(tmp_path / "s", b"") == ([], Damage())


def test_a_torn_end_is_left_out_wherever_it_was_torn(tmp_path: Path) -> None:
    whole = b"".join(frame(Kind.events, payload) for payload in PAYLOADS[:3])
    last = frame(Kind.events, PAYLOADS[3])
    for length in range(1, len(last)):
        read, damage = written(tmp_path / "s", whole + last[:length])
        assert read == PAYLOADS[:3]
        assert (damage.torn, damage.corrupt) == (length, [])


@given(st.data())
def test_a_changed_byte_costs_its_own_record_and_no_other(data: st.DataObject) -> None:
    records = [frame(Kind.events, payload) for payload in PAYLOADS]
    hurt = data.draw(st.integers(0, len(records) - 2))
    at = data.draw(st.integers(0, len(records[hurt]) - 1))
    broken = bytearray(records[hurt])
    broken[at] ^= data.draw(st.integers(1, 255))
    content = b"".join([*records[:hurt], broken, *records[hurt + 1 :]])
    with TemporaryDirectory() as folder:
        read, damage = written(Path(folder, "s"), content)
    assert read == PAYLOADS[:hurt] + PAYLOADS[hurt + 1 :]
    start = sum(map(len, records[:hurt]))
    assert damage.corrupt == [(start, start + len(broken))]
    assert damage.torn == 0
