"""Every group of features, in the order of their columns. A new one is a module and a line."""

from __future__ import annotations

from rankers.features import (
    behavior,
    kind,
    learned,
    meaning,
    numbers,
    product,
    query,
    retrieval,
    shopper,
    spelling,
    titles,
    understanding,
    words,
)
from rankers.features.declare import Group

GROUPS: tuple[Group, ...] = (
    words.GROUP,
    titles.GROUP,
    kind.GROUP,
    numbers.GROUP,
    spelling.GROUP,
    meaning.GROUP,
    retrieval.GROUP,
    understanding.GROUP,
    product.GROUP,
    behavior.GROUP,
    query.GROUP,
    shopper.GROUP,
    learned.GROUP,
)

CORE = frozenset(
    """accessory brand_agreement brand_conflict cosine_share denied_in_title for_coverage
    has_every_word kind_coverage kind_precision neighbors_score refused_in_title title_beyond
    title_coverage_idf words_share""".split()  # noqa: SIM905
)
"""Features that matter in every shop: where judgments are few, a ranker of these alone is tried."""
