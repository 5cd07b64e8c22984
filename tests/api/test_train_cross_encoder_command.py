"""What `aisle train cross-encoder` says at its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.commands.train_cross_encoder_command import _lines, _values
from api.cross_encoder_training import Outcome
from tests.api.conftest import Run
from training.comparison import Difference
from training.cross_encoder.combining import Combined, Order

GAIN = Difference(0.004, 0.002, 0.006, 0.001, 100)
ORDER = Order((0.8, 0.8, 0.8, 0.9), None)


def outcome(weight: float, directory: Path | None) -> Outcome:
    orders = {"without": ORDER, "with": ORDER, "alone": ORDER}
    combined = Combined(weight, (weight, weight), 1.0, orders, GAIN, GAIN, None)
    return Outcome("base", combined, 100, 1000, directory=directory)


@pytest.mark.parametrize(
    ("out", "copied"), [(None, False), (Path("/else"), True)], ids=["in place", "elsewhere"]
)
def test_what_is_to_be_set_can_be_set(out: Path | None, copied: bool) -> None:
    last = _lines(outcome(1.5, Path("/else/mini-cross-1")), out)[-1]
    assert '`cross_encoder = "mini-cross-1"`' in last
    assert ("copy /else/mini-cross-1 into DATA/encoders" in last) == copied


def test_one_that_counts_nothing_is_not_offered() -> None:
    lines = _lines(outcome(0.0, Path("/else/mini-cross-1")), Path("/else"))
    assert lines[0].startswith("Not adopted")
    assert "changes no order" in lines[-1]
    assert not any("aisle.toml" in line for line in lines)


def test_what_was_not_kept_ends_with_what_it_counts() -> None:
    assert "1.5 times" in _lines(outcome(1.5, None))[-1]


def test_the_help_says_what_the_numbers_are(cli: Run) -> None:
    code, out, _ = cli("train", "cross-encoder", "--help")
    assert code == 0
    parts = cli("train", "--help")[1]
    told, listed = (" ".join(text.replace("│", " ").split()) for text in (out, parts))
    assert "are nDCG at 1, 3, 5 and 10" in told
    assert "goes on where it was" in told
    assert "for the order of the best hits" in listed


def test_json_says_where_its_ndcg_is_measured() -> None:
    values = _values(outcome(1.5, None))
    assert values["cutoffs"] == [1, 3, 5, 10]
    assert len(values["orders"]["with"]["ndcg"]) == len(values["cutoffs"])
