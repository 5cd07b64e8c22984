"""What `aisle features` says to people: the list by what features are of, and values with a column
a product."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from rankers.features import Feature
    from search.types import FeatureTable, Product

SUBJECTS: Mapping[str, Mapping[str, str]] = {
    "Query and product": {
        "words": "how much of the query each text has, and how rare its words are",
        "titles": "the order and nearness of the query's words in the title",
        "kind": "whether the title says that the product is what is asked for",
        "numbers": "another number in the place of the one asked for",
        "spelling": "words of the title one letter away from a known one",
        "meaning": "embeddings of the query and of the best candidates",
        "retrieval": "place and score in each retriever",
        "understanding": "agreement with what was recognized in the query",
        "learned": "what the model learned of the query's words and meaning",
    },
    "Product": {
        "product": "price, rating, sales, age, stock and texts",
        "behavior": "clicks, carts and purchases where it was seen",
    },
    "Query": {"query": "its length, its kind, and what it holds"},
    "Shopper and session": {"shopper": "what was clicked and bought, and when the search is made"},
}
"""What features are of, and what each group of them says."""
_DIRECTIONS = {1: "higher is better", 0: "either way", -1: "lower is better"}
_INDENT = 4
_GAP = "  "


def matches(group: str, feature: Feature, wanted: str) -> bool:
    """Whether a feature has every word of `wanted` in what is declared of it."""
    parts = (group, feature.name, feature.label, feature.unit, feature.source, feature.sentence)
    told = " ".join(parts).lower()
    return all(word in told for word in wanted.lower().split())


def show_list(console: Console, groups: Mapping[str, Sequence[Feature]]) -> None:
    """The features of each group: on a terminal in its width, elsewhere a sentence a line."""
    for subject, parts in SUBJECTS.items():
        known = [name for name in parts if groups.get(name)]
        if known:
            console.print(f"[bold underline]{subject}[/]\n")
        for name in known:
            _say(console, f"[bold]{name}[/]: {parts[name]}", 0)
            for each in groups[name]:
                _show_feature(console, each)
            console.print()


def _show_feature(console: Console, feature: Feature) -> None:
    from rich.text import Text

    facts = [
        feature.type,
        f"unit {feature.unit}",
        f"source {feature.source}",
        _DIRECTIONS[feature.direction],
    ]
    if not math.isnan(feature.missing):
        facts.append(f"{feature.missing:g} where unknown")
    _say(console, Text.assemble((feature.name, "bold"), _GAP, feature.label), 2)
    _say(console, Text(", ".join(facts), "dim"), 2 + _INDENT)
    _say(console, Text(feature.sentence), 2 + _INDENT)


def _say(console: Console, text: str | Text, indent: int) -> None:
    """Lines in the width of a terminal, all of them indented; elsewhere a single one."""
    from rich.padding import Padding
    from rich.text import Text

    said = Text.from_markup(text) if isinstance(text, str) else text
    if console.is_terminal:
        console.print(Padding(said, (0, 0, 0, indent)))
    else:
        console.print(Text(" " * indent).append_text(said), soft_wrap=True)


def show_values(
    console: Console, table: FeatureTable, products: Sequence[Product], names: Sequence[str]
) -> None:
    """Which products there are, then the values of the features `names`, a column a product, as
    many side by side as there is room for. What is unknown for all is counted, not shown."""
    values = table.values[: len(products)]
    columns = {name: values[:, list(table.names).index(name)].tolist() for name in names}
    shown = {name: row for name, row in columns.items() if not all(map(math.isnan, row))}
    for rank, product in enumerate(products, 1):
        _say_cut(console, f"{rank}. {product.id}{_GAP}{product.title}")
    for some in _side_by_side(console, products, shown):
        console.print()
        for line in _lines([products[i].id for i in some], shown, some):
            console.print(line, markup=False, soft_wrap=True)
    unknown = len(columns) - len(shown)
    if unknown:
        console.print(f"\n{unknown} more features are unknown for all of them.")


def _say_cut(console: Console, line: str) -> None:
    if console.is_terminal:
        console.print(line, markup=False, no_wrap=True, overflow="ellipsis")
    else:
        console.print(line, markup=False, soft_wrap=True)


def _side_by_side(
    console: Console, products: Sequence[Product], names: Mapping[str, object]
) -> Iterator[list[int]]:
    """The places of the products in each table: all in one unless a terminal is too narrow."""
    room = console.width - _widest(names) if console.is_terminal else math.inf
    some: list[int] = []
    for i, product in enumerate(products):
        used = sum(_width(products[j].id) for j in some)
        if some and used + _width(product.id) > room:
            yield some
            some = []
        some.append(i)
    yield some


def _lines(
    ids: Sequence[str], rows: Mapping[str, Sequence[float]], some: Sequence[int]
) -> Iterator[str]:
    first = _widest(rows)
    yield "feature".ljust(first) + "".join(each.rjust(_width(each)) for each in ids)
    for name, row in rows.items():
        cells = ("" if math.isnan(row[i]) else f"{row[i]:.4g}" for i in some)
        line = name.ljust(first) + "".join(
            cell.rjust(_width(each)) for cell, each in zip(cells, ids, strict=True)
        )
        yield line.rstrip()


def _widest(names: Mapping[str, object]) -> int:
    return max(map(len, ("feature", *names)))


def _width(product: str) -> int:
    """Of a column: that of its id, or of the longest number as it is shown."""
    return len(_GAP) + max(len(product), len("-1.234e-05"))
