"""How well spelling is corrected: misspelled queries put right, good queries left alone.

A label is a query as typed and as meant; when both are the same, the query is good. Texts are
compared in the form the caller normalizes them to, so letter case and spaces do not count.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput

_DRAWS = 2_000

Normalize = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class SpellingLabel:
    """A query as typed and as meant. `kind` names the error, or the sort of good query; `part` the
    part of the set it belongs to; both may be empty."""

    query: str
    expected: str
    kind: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system makes of a query: the text it searches for, and the one it offers (the same
    when there is nothing to offer)."""

    searched: str
    offered: str


Speller = Callable[[str], Answer]
"""Answers a normalized query."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95% bootstrap interval; all 0 when there is nothing to share in."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SpellingQuality:
    """One system: `exact` is the share of misspelled queries that it searches as they were meant,
    `offered` those it searches or offers so, `changed` the share of good queries that it searches
    otherwise, `questioned` those for which it searches or offers something else."""

    exact: Share
    offered: Share
    changed: Share
    questioned: Share


@dataclass(frozen=True, slots=True)
class KindQuality:
    """How many labels of a kind there are; how many are searched, and searched or offered, as
    meant."""

    labels: int
    exact: int
    offered: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A label that the first system does not search as meant."""

    query: str
    expected: str
    searched: str
    offered: str


@dataclass(frozen=True, slots=True)
class SpellingReport:
    """Every system over the same labels; `kinds` and `failures` are those of the first."""

    misspelled: int
    good: int
    systems: Mapping[str, SpellingQuality]
    kinds: Mapping[str, KindQuality]
    failures: tuple[Failure, ...]


def load_spelling_labels(path: Path) -> tuple[SpellingLabel, ...]:
    """Labels from a CSV file whose header names `query` and `expected`, perhaps `kind` and `part`.

    Raises:
        BadInput: the file cannot be read, lacks a column or has a line without a value.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            missing = sorted({"query", "expected"} - set(reader.fieldnames or ()))
            if missing:
                raise BadInput(
                    f"{path} has no column {missing[0]}; its first line must be query,expected"
                )
            labels = tuple(_label(row, f"{path}, line {reader.line_num}") for row in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read ({error}); it must be CSV in UTF-8") from error
    if not labels:
        raise BadInput(f"{path} holds no labels; add lines such as ketle,kettle")
    return labels


def evaluate_spelling(
    labels: Sequence[SpellingLabel],
    systems: Mapping[str, Speller],
    normalize: Normalize,
    seed: int = 0,
) -> SpellingReport:
    """Asks every system for every label. Draws of the bootstrap are repeatable by `seed`."""
    pairs = [(normalize(label.query), normalize(label.expected)) for label in labels]
    answers = {name: [ask(typed) for typed, _ in pairs] for name, ask in systems.items()}
    first = next(iter(answers.values()), [])
    misspelled = sum(typed != meant for typed, meant in pairs)
    return SpellingReport(
        misspelled=misspelled,
        good=len(pairs) - misspelled,
        systems={name: _quality(pairs, given, seed) for name, given in answers.items()},
        kinds=_kinds(labels, pairs, first),
        failures=tuple(
            Failure(typed, meant, answer.searched, answer.offered)
            for (typed, meant), answer in zip(pairs, first, strict=True)
            if answer.searched != meant
        ),
    )


def do_nothing(query: str) -> Answer:
    """The system that leaves every query as it is."""
    return Answer(query, query)


def compound_lookup(counts: Mapping[str, int]) -> Speller:
    """symspellpy's `lookup_compound` alone, over words and their uses; takes seconds to build."""
    from symspellpy import SymSpell

    speller = SymSpell(max_dictionary_edit_distance=2, prefix_length=7)
    for word, count in counts.items():
        speller.create_dictionary_entry(word, count)

    def ask(query: str) -> Answer:
        found = speller.lookup_compound(query, max_edit_distance=2) if query else []
        text = found[0].term if found else query
        return Answer(text, text)

    return ask


def _label(row: Mapping[str, str | None], place: str) -> SpellingLabel:
    query, expected = (row["query"] or "").strip(), (row["expected"] or "").strip()
    if not query or not expected:
        raise BadInput(f"{place}: query or expected is empty; fill it or remove the line")
    return SpellingLabel(query, expected, row.get("kind") or "", row.get("part") or "")


def _quality(
    pairs: Sequence[tuple[str, str]], answers: Sequence[Answer], seed: int
) -> SpellingQuality:
    both = list(zip(pairs, answers, strict=True))
    wrong = [(meant, answer) for (typed, meant), answer in both if typed != meant]
    good = [(meant, answer) for (typed, meant), answer in both if typed == meant]
    return SpellingQuality(
        exact=_share([answer.searched == meant for meant, answer in wrong], seed),
        offered=_share([meant in (a.searched, a.offered) for meant, a in wrong], seed),
        changed=_share([answer.searched != meant for meant, answer in good], seed),
        questioned=_share([not a.searched == a.offered == meant for meant, a in good], seed),
    )


def _share(hits: Sequence[bool], seed: int) -> Share:
    """The mean with its percentile bootstrap interval (Efron and Tibshirani 1993, chapter 13)."""
    if not hits:
        return Share(0.0, 0.0, 0.0)
    values: NDArray[np.float64] = np.array(hits, np.float64)
    draws = np.random.default_rng(seed).binomial(len(values), values.mean(), _DRAWS) / len(values)
    low, high = np.quantile(draws, (0.025, 0.975))
    return Share(float(values.mean()), float(low), float(high))


def _kinds(
    labels: Sequence[SpellingLabel], pairs: Sequence[tuple[str, str]], answers: Sequence[Answer]
) -> dict[str, KindQuality]:
    kinds: dict[str, KindQuality] = {}
    for label, (_, meant), answer in zip(labels, pairs, answers, strict=False):
        known = kinds.get(label.kind, KindQuality(0, 0, 0))
        exact = answer.searched == meant
        kinds[label.kind] = KindQuality(
            known.labels + 1,
            known.exact + exact,
            known.offered + (exact or answer.offered == meant),
        )
    return kinds if any(kinds) else {}
