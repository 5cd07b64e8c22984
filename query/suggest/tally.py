"""What is counted of a possible entry: its products, how much they are asked for, and where they
are."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from search.types import Product

_RANKS = 1_000_000


def demand(product: Product) -> float:
    """How much a product is asked for, at least 1: 1 and the logarithm of its ratings, or of how
    far up it is among the best sold."""
    if product.rating_count:
        return 1.0 + math.log1p(max(0, product.rating_count))
    if product.sales_rank is not None:
        return 1.0 + math.log1p(_RANKS / max(1, product.sales_rank))
    return 1.0


@dataclass(slots=True)
class Tally:
    """Products counted one by one."""

    products: int = 0
    demand: float = 0.0
    categories: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def add(self, category: tuple[str, ...], demand: float) -> None:
        """Counts one product."""
        self.products += 1
        self.demand += demand
        if category:
            self.categories[category] += 1

    @property
    def home(self) -> tuple[str, ...]:
        """The category of most of the products, () when they have none."""
        return max(self.categories, key=lambda path: (self.categories[path], path), default=())
