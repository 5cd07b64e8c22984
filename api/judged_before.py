"""Which judged queries taught a model: they flatter it, and say nothing of queries to come.

A model's notes hold a mark of each judged query that it learned from, so that the same judgments
are known under any name, and in part. Models without marks are known by the path of theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

from eval import Judgments
from query.text import normalize
from rankers import Model

NOTE = "judgments_learned"
"""Among a model's notes: `{"queries": how many, "marks": 8 hexadecimal digits each}`."""
_DIGITS = 8


def marks_of(queries: Iterable[str]) -> dict[str, dict[str, object]]:
    """The note on these queries, for `Model.training`."""
    marks = sorted({_mark(query) for query in queries})
    return {NOTE: {"queries": len(marks), "marks": "".join(marks)}}


def learned_queries(
    model: Model, judgments: Judgments, source: Path | None = None
) -> frozenset[str]:
    """The judged queries with a relevant product that taught the model; `source` is the file that
    the judgments are from."""
    queries, note = judgments.relevant_queries(), model.training.get(NOTE)
    if isinstance(note, Mapping):
        marks = str(note.get("marks", ""))
        known = {marks[i : i + _DIGITS] for i in range(0, len(marks), _DIGITS)}
        return frozenset(query for query in queries if _mark(query) in known)
    named = model.training.get("judgments")
    same = source is not None and isinstance(named, str) and _same(Path(named), source)
    return frozenset(queries if same else ())


def share_of(learned: Collection[str], queries: Sequence[str]) -> str:
    """How many of the judged queries these are, for people."""
    if len(learned) == len(queries):
        return f"all {len(queries):,} judged queries"
    return f"{len(learned):,} of {len(queries):,} judged queries"


def held_out_gain(model: Model) -> str:
    """What the model gained on queries held out from its training, as its notes say; "" when they
    do not."""
    found: object = model.metrics
    for name in ("held_out", "chosen", "against", "delta"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return f"{found:+.4f} nDCG@10 over the fused order" if isinstance(found, float) else ""


def _mark(query: str) -> str:
    return blake2b(normalize(query).encode(), digest_size=_DIGITS // 2).hexdigest()


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
