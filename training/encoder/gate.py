"""Whether an adapted encoder is adopted: only where queries it never saw gain by it."""

from __future__ import annotations

from dataclasses import dataclass

from eval import Report

METRIC = "ndcg@10"
SIGNIFICANT = 0.05
BASE, ADAPTED = "base", "adapted"
SYSTEMS = ("dense", "hybrid")
"""What is compared: by meaning alone, and as searched. The second decides."""


@dataclass(frozen=True, slots=True)
class Gain:
    """A system with the base encoder and with the adapted one: means of nDCG@10 over held-out
    queries, their difference with its 95% interval, and p of the paired sign-flip test."""

    base: float
    adapted: float
    delta: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided and why; `gains` by system."""

    adopted: bool
    reason: str
    queries: int
    gains: dict[str, Gain]


def run_name(system: str, encoder: str) -> str:
    """How the run of a system with one of both encoders is named in a report."""
    return f"{system} {encoder}"


def judge(report: Report) -> Verdict:
    """Decides by a report that has the runs of all `SYSTEMS` with both encoders."""
    gains = {system: _gain(report, system) for system in SYSTEMS}
    hybrid = gains[SYSTEMS[-1]]
    helps = hybrid.delta > 0 and hybrid.p < SIGNIFICANT
    found = (
        f"hybrid search changes by {hybrid.delta:+.4f} nDCG@10"
        f" [{hybrid.low:+.4f}, {hybrid.high:+.4f}], p = {hybrid.p:.3g},"
        f" on {len(report.queries)} held-out queries"
    )
    if helps:
        return Verdict(True, found, len(report.queries), gains)
    why = "it does not help" if hybrid.delta <= 0 else "that may be chance"
    return Verdict(False, f"{found}: {why}", len(report.queries), gains)


def _gain(report: Report, system: str) -> Gain:
    base, adapted = run_name(system, BASE), run_name(system, ADAPTED)
    found = next(
        c for c in report.comparisons if c.metric == METRIC and {c.a, c.b} == {base, adapted}
    )
    sign = 1.0 if found.a == adapted else -1.0
    low, high = sorted((sign * found.low, sign * found.high))
    before, after = (report.systems[name].scores[METRIC].mean for name in (base, adapted))
    return Gain(before, after, sign * found.delta, low, high, found.p)
