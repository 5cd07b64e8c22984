"""What the catalogue's fields hold, counted while indexing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from search.types import Product

MANY = 200_000
"""Distinct values of a field beyond which the rare ones are forgotten."""
FREE_TEXT = 3_000
"""Distinct values of an attribute beyond which it is no attribute to filter by but free text."""
LONGEST_VALUE = 40
"""Characters of an attribute's value beyond which it is a description."""


@dataclass(slots=True)
class Catalogue:
    """Counts of products by field and value, over all products seen."""

    products: int = 0
    brands: Counter[str] = field(default_factory=Counter)
    colors: Counter[str] = field(default_factory=Counter)
    categories: Counter[tuple[str, ...]] = field(default_factory=Counter)
    attributes: dict[str, Counter[str] | None] = field(default_factory=dict)
    """None for an attribute that turned out to be free text."""

    def add(self, product: Product) -> None:
        """Counts one product's values (about 5 µs)."""
        self.products += 1
        if product.brand:
            _count(self.brands, product.brand)
        if product.color:
            _count(self.colors, product.color)
        if product.category:
            self.categories[product.category] += 1
        for name, value in product.attributes.items():
            if type(value) is str:
                self._attribute(name, value)
            elif type(value) is tuple:
                for each in value:
                    self._attribute(name, each)

    def _attribute(self, name: str, value: str) -> None:
        if len(value) > LONGEST_VALUE:
            return
        if name not in self.attributes:
            self.attributes[name] = Counter()
        counts = self.attributes[name]
        if counts is None:
            return
        counts[value] += 1
        if len(counts) > FREE_TEXT:
            self.attributes[name] = None

    def attribute_counts(self) -> dict[str, Counter[str]]:
        """The attributes that are not free text."""
        return {name: counts for name, counts in self.attributes.items() if counts}


def _count(counts: Counter[str], value: str) -> None:
    counts[value] += 1
    if len(counts) > MANY:
        for rare in [each for each, count in counts.items() if count == 1]:
            del counts[rare]
