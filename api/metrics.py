"""Prometheus metrics. With several worker processes they are summed through files in
`PROMETHEUS_MULTIPROC_DIR`, so that any worker answers for all of them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.002, 0.004, 0.008, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Every instrument of one process, on a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        of = self.registry
        self.requests = Counter(
            "aisle_requests", "Requests answered", ("route", "method", "status"), registry=of
        )
        self.seconds = Histogram(
            "aisle_request_seconds", "Time to answer", ("route",), registry=of, buckets=_SECONDS
        )
        self.stages = Histogram(
            "aisle_stage_seconds", "Time in a stage", ("stage",), registry=of, buckets=_SECONDS
        )
        self.in_flight = Gauge(
            "aisle_requests_in_flight",
            "Requests being answered",
            registry=of,
            multiprocess_mode="livesum",
        )
        self.shed = Counter("aisle_requests_shed", "Requests refused for load", registry=of)
        self.zero = Counter("aisle_searches_without_hits", "Searches that found none", registry=of)
        self.fallbacks = Counter(
            "aisle_fallbacks", "Searches answered by a fallback", ("fallback",), registry=of
        )
        self.relaxed = Counter(
            "aisle_searches_relaxed", "Searches that needed relaxing", ("step",), registry=of
        )
        self.changes = Counter("aisle_changes", "Changes to the catalogue", ("kind",), registry=of)
        self.events = Counter(
            "aisle_events",
            "Events sent by shops, by what became of them",
            ("outcome",),
            registry=of,
        )
        self.actions = Counter(
            "aisle_shopper_actions",
            "What shoppers did with what was found, of the events that were kept",
            ("action",),
            registry=of,
        )
        self.searches_logged = Counter(
            "aisle_searches_logged", "Searches handed to the event log", registry=of
        )
        self.searches_waiting = self._sum(
            "aisle_searches_waiting", "Searches that wait to be written to the event log"
        )
        self.searches_not_logged = self._sum(
            "aisle_searches_not_logged",
            "Searches that the event log could not keep since the start",
        )
        self.cache_asked = Counter(
            "aisle_cache_lookups", "Lookups in a cache of this process", ("cache",), registry=of
        )
        self.cache_found = Counter(
            "aisle_cache_hits", "Lookups that found what they sought", ("cache",), registry=of
        )
        self.breaker = Gauge(
            "aisle_breaker_state",
            "A circuit breaker: 0 lets requests through, 1 tries one, 2 refuses them at once",
            ("server",),
            registry=of,
            multiprocess_mode="livemax",
        )
        self.catalogue_lag = self._gauge(
            "aisle_catalogue_lag", "Changes of the catalogue that wait to be applied"
        )
        self.catalogue_freshness = self._gauge(
            "aisle_catalogue_freshness_seconds",
            "Seconds since the moment up to which all changes are applied; 0 when none is followed",
        )
        self.artifacts_behind = self._gauge(
            "aisle_artifacts_behind_seconds",
            "For how long this machine is not known to hold what the shared place holds",
        )
        self.artifacts_lag = self._gauge(
            "aisle_artifacts_lag_seconds",
            "How long the last change took from being sent to being served here",
        )
        self.artifacts_left = self._gauge(
            "aisle_artifacts_left_bytes", "What is still to be fetched of what there is"
        )
        self.artifacts_fault = self._gauge(
            "aisle_artifacts_fault", "1 when sending or fetching fails (see /readyz)"
        )
        self.memory = self._sum("aisle_memory_bytes", "Resident memory of the serving processes")
        self.disk_free = self._gauge(
            "aisle_disk_free_bytes", "Room left where the data directory lies"
        )
        self.disk_size = self._gauge("aisle_disk_bytes", "Room there is, taken or free")
        self.products = self._gauge("aisle_index_products", "Products in the index")
        self.age = self._gauge("aisle_index_age_seconds", "Age of the snapshot being served")
        self.built = self._gauge(
            "aisle_index_snapshot_timestamp_seconds", "When the snapshot being served was built"
        )
        self.batches = self._gauge("aisle_index_batches", "Batches of changes on the snapshot")
        self.rules = self._gauge("aisle_rules", "The shop's rules in force")
        self.rules_refused = self._gauge(
            "aisle_rules_refused", "1 when the rules cannot be used: earlier ones are in force"
        )
        self.reading_fault = self._gauge(
            "aisle_cross_encoder_fault", "1 when a cross-encoder cannot be opened (see /readyz)"
        )
        self.drift = Gauge(
            "aisle_drift_index",
            "Stability index between the days the model learned from and recent ones",
            ("part",),
            registry=of,
            multiprocess_mode="mostrecent",
        )
        self.drift_checked = self._gauge(
            "aisle_drift_checked_timestamp", "When drift was looked for, in seconds since 1970"
        )
        self.experiment_share = self._labeled(
            "aisle_experiment_share",
            "Share of all traffic that an arm of an experiment has; 0 once it is stopped",
            ("experiment", "arm"),
        )
        self.guardrail = self._labeled(
            "aisle_rollout_guardrail",
            "A guardrail of a rollout or an A/B test: 0 holds, 1 is not sure yet, 2 breaks",
            ("experiment", "guardrail"),
        )
        self.guardrail_evidence = self._labeled(
            "aisle_rollout_guardrail_evidence",
            "How much there is of what proves a breach, up to 1",
            ("experiment", "guardrail"),
        )
        self.shadow_overlap = self._labeled(
            "aisle_shadow_overlap",
            "Part of the first ten results that a shadow has in common with what is served",
            ("experiment",),
        )
        self.experiments_away = self._gauge(
            "aisle_experiments_fault",
            "1 when experiments cannot be followed or rollouts not steered (see /readyz)",
        )
        self._counted: dict[tuple[Counter, str], int] = {}
        # Looking a series up by its labels takes longer than counting.
        self._answers: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._stages: dict[str, Histogram] = {}
        self.limited = Counter(
            "aisle_requests_limited", "Requests over a rate limit", ("key",), registry=of
        )
        self.limits_local = Gauge(
            "aisle_rate_limits_local",
            "1 when Redis is away and each process counts rates for itself",
            registry=of,
            multiprocess_mode="livemax",
        )
        self.keys = self._gauge("aisle_api_keys", "API keys that there are")
        self.keys_fault = self._gauge(
            "aisle_api_keys_fault", "1 when API keys cannot be read and those known hold on"
        )
        self.ready = self._gauge("aisle_ready", "1 when there is an index to answer from")

    def _labeled(self, name: str, text: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry, multiprocess_mode="mostrecent")

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry, multiprocess_mode="mostrecent")

    def _sum(self, name: str, text: str) -> Gauge:
        """A gauge that is added up over the processes that live."""
        return Gauge(name, text, registry=self.registry, multiprocess_mode="livesum")

    def looked_up(self, cache: str, asked: int, found: int) -> None:
        """Records a cache's own counts, taken since the process began."""
        for counter, count in ((self.cache_asked, asked), (self.cache_found, found)):
            before = self._counted.get((counter, cache), 0)
            # A cache that was made anew counts from the beginning.
            counter.labels(cache).inc(count - before if count >= before else count)
            self._counted[counter, cache] = count

    def searched(self, stages: Mapping[str, float]) -> None:
        """Records the stages of one search, given in milliseconds."""
        known = self._stages
        for stage, milliseconds in stages.items():
            series = known.get(stage)
            if series is None:
                series = known[stage] = self.stages.labels(stage)
            series.observe(milliseconds / 1000)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Records one answered request."""
        series = self._answers.get((route, method, status))
        if series is None:
            counted = self.requests.labels(route, method, str(status))
            series = self._answers[route, method, status] = counted, self.seconds.labels(route)
        series[0].inc()
        series[1].observe(seconds)

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        merged = CollectorRegistry()
        MultiProcessCollector(merged)  # type: ignore[no-untyped-call]
        return generate_latest(merged)
