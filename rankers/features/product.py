"""What is known of a product whatever is asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rankers.features import kernels
from rankers.features.declare import Direction, Feature, FeatureType, Group
from rankers.features.inputs import Inputs


def _product(
    name: str, label: str, type_: FeatureType, unit: str, direction: Direction, sentence: str
) -> Feature:
    return Feature(name, label, type_, unit, "catalogue", sentence, direction)


FEATURES = (
    _product("price", "price", "number", "currency", 0, "Its price."),
    _product(
        "price_log",
        "price, by its logarithm",
        "number",
        "log currency",
        0,
        "The logarithm of its price.",
    ),
    _product(
        "price_over_median",
        "price for its category",
        "number",
        "log ratio",
        0,
        "Its price over the median of its category, as a logarithm; the catalogue's median where "
        "the category has too few prices.",
    ),
    _product(
        "discount", "discount", "number", "share", 0, "How much its price is below its list price."
    ),
    _product(
        "rating",
        "rating",
        "number",
        "stars",
        1,
        "Its rating, as if 10 average ones had been given as well; NaN without one.",
    ),
    _product(
        "ratings_log",
        "number of ratings",
        "number",
        "log count",
        1,
        "The logarithm of 1 + its ratings' number.",
    ),
    _product(
        "sales_rank_log",
        "place among the best sellers",
        "number",
        "log place",
        -1,
        "The logarithm of 1 + its place among the best sellers.",
    ),
    _product(
        "age",
        "days in the catalogue",
        "number",
        "days",
        0,
        "How long it has been in the catalogue.",
    ),
    _product(
        "in_stock", "in stock", "flag", "yes or no", 1, "It is in stock; NaN when stock is unknown."
    ),
    _product("has_image", "has a picture", "flag", "yes or no", 1, "It has a picture."),
    _product("title_words", "length of the title", "number", "words", 0, "Words of its title."),
    _product(
        "description_words",
        "length of the description",
        "number",
        "words",
        0,
        "Different words of its description.",
    ),
)


def fill(inputs: Inputs, out: NDArray[np.float32]) -> None:
    """See `rankers.features.declare.Group.fill`."""
    columns = inputs.columns
    title, description = inputs.texts["title"], inputs.texts["description"]
    kernels.product.fill(
        out,
        inputs.ordinals,
        columns.numbers("price"),
        columns.numbers("list_price"),
        columns.numbers("rating"),
        columns.numbers("rating_count"),
        columns.numbers("sales_rank"),
        columns.numbers("stock"),
        columns.numbers("created"),
        columns.numbers("image"),
        columns.codes("category"),
        inputs.usual_prices,
        inputs.facts.statistics.rating,
        inputs.pool.today,
        (title.spans, description.spans),
        np.empty(len(out), np.float32),
    )


GROUP = Group("product", FEATURES, fill)
