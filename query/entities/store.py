"""A part on disk: tries that are mapped, and one JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import marisa_trie

from query.entities.calibration import Calibration
from query.entities.candidates import Count
from query.entities.statistics import Usage
from query.entities.values import Lexicon, Value

READINGS, NEIGHBORS, VALUES, MODEL = (
    *("readings.marisa", "neighbors.marisa"),
    *("values.json", "model.json"),
)
READING, NEIGHBOR = "<III", "<II"


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned beyond counts: the calibration, the probability from which each type
    filters, the share usual for each type, and the names of sizes."""

    calibration: Calibration
    filtering: Mapping[str, float]
    usual: Mapping[str, float]
    sizes: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """The model as JSON values."""
        return {
            "calibration": self.calibration.to_json(),
            "filtering": dict(self.filtering),
            "usual": dict(self.usual),
            "sizes": dict(self.sizes),
        }


@dataclass(frozen=True, slots=True)
class LearnedEvidence:
    """What is known while learning; see `candidates.Evidence`."""

    lexicon: Lexicon
    usage: Usage
    usual_shares: Mapping[str, float]

    def readings(self, key: str) -> Sequence[Count]:
        """The values a key may mean."""
        seen = self.usage.seen[key]
        return [
            Count(number, self.lexicon.values[number].type, seen, self.usage.right[key, number])
            for number in self.lexicon.readings.get(key, ())
        ]

    def beside(self, key: str, number: int, word: str) -> tuple[int, int] | None:
        """Products that hold both words, and those of them with the value."""
        count = self.usage.beside.get((key, word))
        return None if count is None else (count, self.usage.right_beside[key, number, word])

    def usual(self, kind: str) -> float:
        """The share usual for a type."""
        return self.usual_shares.get(kind, 0.5)


class StoredEvidence:
    """What is known while serving; see `candidates.Evidence`."""

    def __init__(
        self, directory: Path, values: Sequence[Value], usual: Mapping[str, float]
    ) -> None:
        self._readings = marisa_trie.RecordTrie(READING).mmap(str(directory / READINGS))
        self._neighbors = marisa_trie.RecordTrie(NEIGHBOR).mmap(str(directory / NEIGHBORS))
        self._values = values
        self._usual = usual

    def readings(self, key: str) -> Sequence[Count]:
        """The values a key may mean."""
        values = self._values
        return [
            Count(number, values[number].type, seen, right)
            for number, seen, right in self._readings.get(key, ())
        ]

    def beside(self, key: str, number: int, word: str) -> tuple[int, int] | None:
        """Products that hold both words, and those of them with the value."""
        found = self._neighbors.get(f"{key}\t{word}\t{number}")
        return found[0] if found else None

    def usual(self, kind: str) -> float:
        """The share usual for a type."""
        return self._usual.get(kind, 0.5)


def write(directory: Path, lexicon: Lexicon, usage: Usage, model: Model) -> None:
    """Writes everything but the phrases."""
    readings = [
        (key, (number, usage.seen[key], usage.right[key, number]))
        for key, numbers in lexicon.readings.items()
        for number in numbers
    ]
    marisa_trie.RecordTrie(READING, readings).save(str(directory / READINGS))
    neighbors = [
        (f"{key}\t{word}\t{number}", (usage.beside[key, word], right))
        for (key, number, word), right in usage.right_beside.items()
    ]
    marisa_trie.RecordTrie(NEIGHBOR, neighbors).save(str(directory / NEIGHBORS))
    values = [[v.type, v.forms, v.filter, v.raws, v.count] for v in lexicon.values]
    (directory / VALUES).write_text(json.dumps(values), "utf-8")
    (directory / MODEL).write_text(json.dumps(model.to_json()), "utf-8")


def read_values(directory: Path) -> list[Value]:
    """The values by number."""
    rows = json.loads((directory / VALUES).read_text("utf-8"))
    return [
        Value(kind, tuple(forms), place, tuple(raws), count)
        for kind, forms, place, raws, count in rows
    ]


def read_model(directory: Path) -> Model:
    """What `write` wrote of the model."""
    data = json.loads((directory / MODEL).read_text("utf-8"))
    return Model(
        Calibration.from_json(data["calibration"]), data["filtering"], data["usual"], data["sizes"]
    )
