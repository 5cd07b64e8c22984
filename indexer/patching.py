"""What a batch of changes means for each id it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from pydantic import TypeAdapter, ValidationError

from search.errors import BadInput
from search.types import Change, Delete, Patch, Product, Upsert

_FIELDS = {field.name for field in fields(Product)}
_BLANK = Product(id="", title="")
_PRODUCT = TypeAdapter(Product)


def collapse(changes: Sequence[Change]) -> dict[str, Change]:
    """One change per id, equal to all of that id's changes in order.

    A later upsert or delete replaces what came before; a patch changes the product an earlier
    upsert gave, adds to an earlier patch, and finds nothing after a delete.

    Raises:
        BadInput: a patch is not possible; the message names the id and the field.
    """
    merged: dict[str, Change] = {}
    for change in changes:
        if isinstance(change, Upsert):
            merged[change.product.id] = change
        elif isinstance(change, Delete):
            merged[change.id] = change
        else:
            merged[change.id] = _after(merged.get(change.id), change)
    return merged


def _after(earlier: Change | None, patch: Patch) -> Change:
    if isinstance(earlier, Upsert):
        return Upsert(patched(earlier.product, patch.fields))
    if isinstance(earlier, Patch):
        return Patch(patch.id, {**earlier.fields, **patch.fields})
    return earlier or patch


def patched(product: Product, changes: Mapping[str, object]) -> Product:
    """The product with some fields replaced; None clears a field.

    Raises:
        BadInput: a field does not exist, cannot be changed, or has a value it cannot take.
    """
    for name in changes:
        if name not in _FIELDS or name == "id":
            known = ", ".join(sorted(_FIELDS - {"id"}))
            raise BadInput(
                f"product {product.id!r}: {name!r} cannot be patched; fields are {known}",
                field=name,
            )
    if "title" in changes and not changes["title"]:
        raise BadInput(f"product {product.id!r}: a title cannot be cleared", field="title")
    kept = {name: getattr(_BLANK, name) if v is None else v for name, v in changes.items()}
    try:
        return _PRODUCT.validate_python(
            {name: kept.get(name, getattr(product, name)) for name in _FIELDS}
        )
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise BadInput(f"product {product.id!r}: {name}: {first['msg']}", field=name) from None
