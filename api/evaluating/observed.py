"""What is noted of products while systems are run: titles, categories, where they were found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from eval import Judgments, Run, Stages
from search.retrieval import Candidates
from search.seams import View
from search.types import Product

_SHOWN = 10


@dataclass(slots=True)
class Observed:
    """Gathered while the systems of an index answer; filled by `api.evaluation.IndexSearcher`."""

    judgments: Judgments
    titles: dict[str, str] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    version: str = ""
    _places: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)
    _ordinals: dict[str, int | None] = field(default_factory=dict)

    def note(self, products: Iterable[Product]) -> None:
        """Notes what products are called and where they belong."""
        for product in products:
            self.titles[product.id] = product.title
            if product.category:
                self.categories[product.id] = product.category[0]

    async def place(self, system: str, query: str, view: View, found: Candidates) -> None:
        """Notes where a query's relevant products stand among the candidates: with a model, before
        it ordered them, those that it saw first."""
        self.version = view.version
        pooled = found.fused.ordinals
        if found.ranked is not None and found.ranker is not None:
            self.models[system] = found.ranker.version
            scored = found.ranked.table.ordinals
            pooled = found.stages["fused"].ordinals
            pooled = np.concatenate([scored, pooled[~np.isin(pooled, scored)]])
            self._seen[system] = max(self._seen.get(system, 0), len(scored))
        wanted = await self._find(view, query)
        order = np.argsort(pooled, kind="stable")
        at = np.searchsorted(pooled, list(wanted.values()), sorter=order)
        places = {
            product: int(order[i]) + 1
            for (product, ordinal), i in zip(wanted.items(), at.tolist(), strict=True)
            if i < len(pooled) and pooled[order[i]] == ordinal
        }
        self._places.setdefault(system, {})[query] = places

    async def _find(self, view: View, query: str) -> dict[str, int]:
        """The ordinals of a query's relevant products that the index has."""
        found = {}
        for product, gain in self.judgments.gains.get(query, {}).items():
            if gain <= 0:
                continue
            if product not in self._ordinals:
                self._ordinals[product] = await view.find(product)
            ordinal = self._ordinals[product]
            if ordinal is not None:
                found[product] = ordinal
        return found

    async def complete(self, view: View) -> None:
        """Looks up the relevant products that no system returned."""
        missing = [
            ordinal
            for product, ordinal in self._ordinals.items()
            if ordinal is not None and product not in self.titles
        ]
        self.note(await view.products(np.array(missing, np.int32)))

    async def look_up(self, view: View, run: Run) -> tuple[int, int]:
        """Notes the first products of a run that another program made; returns how many of them the
        index has not, and how many they are."""
        shown = {product for ranked in run.values() for product in ranked[:_SHOWN]}
        ordinals = []
        for product in sorted(shown - self.titles.keys()):
            ordinal = await view.find(product)
            if ordinal is not None:
                ordinals.append(ordinal)
        self.note(await view.products(np.array(ordinals, np.int32)))
        return len(shown - self.titles.keys()), len(shown)

    def unknown(self) -> int:
        """How many relevant products are not in the index."""
        return sum(ordinal is None for ordinal in self._ordinals.values())

    def stages(self) -> Mapping[str, Stages]:
        """What each system told of its stages."""
        return {
            system: Stages(places, self._seen.get(system))
            for system, places in self._places.items()
        }
