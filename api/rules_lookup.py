"""What rules name that an index does not have: products, brands, colors, categories, attributes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rankers.rules import Fault, Name, hint, meant
from search.errors import BadInput
from search.seams import Facts, View
from search.types import Filter, Query, Ranking

_COLUMNS = ("brand", "color", "category")
_PREFIX = "attributes."
_SEPARATOR = " > "
_COMPARED = 10_000
"""Ids that are compared letter by letter: that takes microseconds each."""


async def missing_names(view: View, names: Iterable[Name]) -> tuple[Fault, ...]:
    """A fault for each product, value and filter that this index does not have, once a rule and
    field, in the order of the names."""
    known = _Known(view)
    found: dict[tuple[str, str, str], Fault] = {}
    for name in names:
        if problem := await known.problem(name):
            fault = Fault(name.line, name.rule, name.field, problem)
            found.setdefault((name.rule, name.field, problem), fault)
    return tuple(found.values())


@dataclass(slots=True)
class _Known:
    """What an index has, looked up once."""

    view: View
    values: dict[str, Sequence[str]] = field(default_factory=dict)

    async def problem(self, name: Name) -> str:
        """Why the index does not have what is named; "" where it has."""
        if name.product:
            return await self._product(name.product)
        if name.category:
            return await self._value("category", name.category)
        assert name.filter is not None
        return await self._filter(name.filter)

    async def _product(self, product: str) -> str:
        if await self.view.find(product) is not None:
            return ""
        if "id" not in self.values:
            self.values["id"] = await self.view.compute(_ids)
        near = _alike(product, self.values["id"])
        return f"no product has the id {product!r}{hint(product, near)}"

    async def _filter(self, condition: Filter) -> str:
        try:
            await self.view.facets(None, (condition,), Ranking.empty().ordinals, ())
        except BadInput as error:
            return str(error)
        name = condition.name
        if condition.values and (name in _COLUMNS or name.startswith(_PREFIX)):
            return await self._value(name, condition.values[0])
        return ""

    async def _value(self, name: str, value: str) -> str:
        known = await self._values(name)
        if value in known:
            return ""
        if name == "category":
            return f"no product is in the category {value!r}{_category(value, known)}"
        return f"no product has the {name.removeprefix(_PREFIX)} {value!r}{hint(value, known)}"

    async def _values(self, name: str) -> Sequence[str]:
        if name not in self.values:
            if name in _COLUMNS:
                known: list[str] = list(self.view.columns.values(name))
                self.values[name] = _above(known) if name == "category" else known
            else:
                nothing = Ranking.empty().ordinals
                _, (facet,) = await self.view.facets(Query(""), (), nothing, (name,))
                self.values[name] = [each.value for each in facet.values]
        return self.values[name]


def _ids(facts: Facts) -> list[str]:
    return facts.ids(0, len(facts.columns.numbers("price")))


def _alike(product: str, ids: Sequence[str]) -> Sequence[str]:
    """The ids that begin or end as one does; where that is no help, since most do, none."""
    own, half = product.casefold(), max(len(product) // 2, 1)
    folded = [each.casefold() for each in ids]
    begin = [n for n, each in enumerate(folded) if each.startswith(own[:half])]
    end = [n for n, each in enumerate(folded) if each.endswith(own[-half:])]
    found = next((some for some in (begin + end, end, begin) if len(some) <= _COMPARED), [])
    return [ids[n] for n in found]


def _category(value: str, known: Sequence[str]) -> str:
    """The category that was probably meant: first the one named without what it is in."""
    inner = [each for each in known if each.split(_SEPARATOR)[-1].casefold() == value.casefold()]
    return meant(inner[0]) if inner else hint(value, known)


def _above(paths: Sequence[str]) -> list[str]:
    """The categories and all that they are in."""
    parts = [path.split(_SEPARATOR) for path in paths]
    every = (_SEPARATOR.join(own[:n]) for own in parts for n in range(1, len(own) + 1))
    return list(dict.fromkeys(every))
