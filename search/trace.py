"""What one request spent, and what it did without."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from search.fallbacks import INEXACT

_log = logging.getLogger("search.retrieval")


@dataclass(slots=True)
class Trace:
    """What one request spent and where it fell back; the pipeline's only mutable value."""

    started: float = field(default_factory=time.perf_counter)
    timings: dict[str, float] = field(default_factory=dict)
    fallbacks: list[str] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)

    def since(self, stage: str, start: float) -> None:
        """Notes the milliseconds a stage took, from its `time.perf_counter()` start."""
        self.timings[stage] = self.timings.get(stage, 0.0) + (time.perf_counter() - start) * 1000

    def failed(self, stage: str, instead: str, error: Exception) -> None:
        """Notes that another stage stands in for one that failed, which is logged."""
        if stage not in self.failures:
            _log.error("%s failed; answering by %s", stage, instead, exc_info=error)
            self.fallbacks.append(f"{stage} failed: {instead} only")
        self.failures[stage] = error

    def away(self, stage: str, fallback: str, error: Exception) -> None:
        """Notes that a stage's dependency is away, which the guard before it logs once."""
        self.failures[stage] = error
        self.note(fallback)

    def note(self, fallback: str) -> None:
        """Notes a fallback, once."""
        if fallback not in self.fallbacks:
            self.fallbacks.append(fallback)

    @property
    def exact(self) -> bool:
        """Whether everything that is to be found was looked for everywhere."""
        return INEXACT.isdisjoint(self.fallbacks)
