"""Synonyms learned from the catalogue and from clicks, for a person to accept: nothing here is
ever used by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from query.expansion.clicks import Clicks, CoClick, co_clicks
from query.expansion.substitutes import Substitute, find_substitutes, read_names, without_longer
from query.intent.dictionary import read_sample
from search.types import Product, Vectors

LEAST_SCORE = 0.68
"""The gate. On the demo shop, whose synonyms are known, 87 of 100 pairs above it are right."""
MOST_TOGETHER = 0.1
"""Titles that hold both names speak of two things, not of one under two names."""
MOST_PROPOSALS = 500

_HEADER = """\
# Proposed synonyms: nothing here is in use. Keep the lines that are right in your shop, remove the
# others, and add what you keep to synonyms.txt in the directory of your lists; then index again.
"""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Two phrases that may mean the same, how sure that is (0 to 1), and why."""

    first: str
    second: str
    score: float
    evidence: str


def propose(
    products: Sequence[Product],
    encode: Callable[[Sequence[str]], Vectors | None],
    clicks: Clicks | None = None,
    least: float = LEAST_SCORE,
) -> list[Proposal]:
    """The pairs that pass the gate, best first, those of clicks before those of the catalogue
    alone. At most `MOST_PROPOSALS`."""
    sampled = read_sample(products)
    names = read_names(sampled)
    encoded = encode(names.written) if names.written else None
    vectors = None if encoded is None else np.asarray(encoded, np.float32)
    apart = [
        each
        for each in find_substitutes(sampled, names, vectors)
        if each.together <= MOST_TOGETHER and each.score >= least
    ]
    clicked = [_of_clicks(each) for each in co_clicks(clicks or {})]
    known = {frozenset((each.first, each.second)) for each in clicked}
    learned = [_of_catalogue(each) for each in without_longer(apart)]
    new = [one for one in learned if frozenset((one.first, one.second)) not in known]
    return [*clicked, *new][:MOST_PROPOSALS]


def format_proposals(proposals: Sequence[Proposal]) -> str:
    """A synonym file: each pair a line, under a comment with its score and evidence."""
    lines = [f"\n# {one.score:.2f}: {one.evidence}\n{one.first}, {one.second}" for one in proposals]
    return _HEADER + "\n".join(lines) + ("\n" if lines else "# None passed the gate.\n")


def _of_clicks(each: CoClick) -> Proposal:
    queries = "1 pair" if each.pairs == 1 else f"{each.pairs} pairs"
    evidence = f"{queries} of queries that differ in this lead to the same products"
    return Proposal(each.first, each.second, each.alike, evidence)


def _of_catalogue(each: Substitute) -> Proposal:
    evidence = (
        f"{each.titles[0]} and {each.titles[1]} titles, {each.together:.0%} with both; same shelf"
        f" {each.shelf:.0%}, same words around them {each.context:.2f}, meaning {each.meaning:.2f}"
    )
    return Proposal(each.first, each.second, each.score, evidence)
