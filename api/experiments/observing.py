"""What watchers see of experiments: gauges for Prometheus, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Gauge

from api.experiments.book import ExperimentBook
from api.experiments.steering import Steering
from api.metrics import Metrics
from eval.experiments import Experiment
from eval.experiments.guardrails import Check, State

_STATES: Mapping[State, int] = {"holds": 0, "waits": 1, "breaks": 2}
Labels = tuple[str, ...]


def faults_of(book: ExperimentBook, steering: Steering) -> tuple[str, ...]:
    """Why experiments do not take part, and rollouts stay as they are."""
    return (*book.faults, *((steering.fault,) if steering.fault else ()))


def observe_experiments(metrics: Metrics, book: ExperimentBook, steering: Steering) -> None:
    """Brings the gauges up to date; those of what is stopped are set to 0, for files shared by
    processes cannot forget."""
    shares: dict[Labels, float] = {}
    for each in book.running:
        shares |= {(each.name, arm): share for arm, share in shares_of(each).items()}
    _set(metrics.experiment_share, shares)
    checks: dict[Labels, Check] = {
        (name, one.name): one
        for name, decision in steering.decisions.items()
        for one in decision.checks
    }
    states = {labels: float(_STATES[one.state]) for labels, one in checks.items()}
    _set(metrics.guardrail, states)
    _set(metrics.guardrail_evidence, {labels: one.evidence for labels, one in checks.items()})
    _set(metrics.shadow_overlap, {(name,): value for name, value in steering.overlaps.items()})
    metrics.experiments_away.set(bool(faults_of(book, steering)))


def shares_of(experiment: Experiment) -> Mapping[str, float]:
    """The share of all traffic that each arm has."""
    low, high = experiment.slot
    slot, share = high - low, experiment.share
    arms = experiment.arms
    if experiment.kind == "rollout":
        return {arms[0].name: slot * (1 - share), arms[1].name: slot * share}
    if experiment.kind in ("interleave", "shadow"):
        return {arm.name: slot * share for arm in arms}
    weights = sum(arm.weight for arm in arms)
    return {arm.name: slot * share * arm.weight / weights for arm in arms}


def _set(gauge: Gauge, values: Mapping[Labels, float]) -> None:
    known = {tuple(sample.labels[name] for name in gauge._labelnames) for metric in gauge.collect()
             for sample in metric.samples}  # fmt: skip
    for labels in known - values.keys():
        gauge.labels(*labels).set(0)
    for labels, value in values.items():
        gauge.labels(*labels).set(value)
