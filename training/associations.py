"""Learns which words and meanings go together, from queries with judgments, for a model to use.

What is learned (`training.association_fitting`) enters models as features
(`rankers.features.learned`). In the rows a model is trained on these come from other queries'
judgments (stacking, Wolpert 1992): in its own every query would seem understood.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eval import folds
from rankers.associations import Associations
from rankers.features.learned import meaning_gains, numbers_by_code, word_gains
from training.association_fitting import BASE, fit_associations, words_of
from training.linear import fit_linear, pair_losses, prepare
from training.pairs import collect_pairs
from training.select import NEARLY
from training.tables import JudgedQuery, Tables, stack
from training.ticking import Tick, unheard
from training.wording import Wording

COLUMNS = ("learned_words", "learned_meaning")
"""The features made of associations."""
MANY = 1000
"""With fewer queries words are too rare to learn anything of."""
FOLDS = 4
TICKS = 2 * FOLDS


def can_associate(tables: Tables) -> bool:
    """Whether there is enough to learn associations from, and columns for them."""
    return (
        len(tables) >= MANY
        and set(COLUMNS) <= set(tables.schema.names)
        and all(each.wording is not None for each in tables.queries)
    )


def learnable(tables: Tables) -> Tables:
    """The tables, without the columns for associations where nothing can be learned of them: even
    columns of unknown values change which others trees draw."""
    names = tables.schema.names
    if can_associate(tables) or not set(COLUMNS) & set(names):
        return tables
    kept = [i for i, name in enumerate(names) if name not in COLUMNS]
    schema = tables.schema.only(kept)
    return stack([replace(e, values=e.values[:, kept]) for e in tables.queries], schema)


def associate(
    tables: Tables, seed: int, tick: Tick = unheard
) -> tuple[Tables, Associations | None]:
    """The tables with learned columns, and what was learned of all of them: nothing where there is
    too little or a linear ranker does no better for it. Ticks `TICKS` times, and not at all where
    there is too little."""
    if not can_associate(tables):
        return tables, None
    crossed: dict[str, JudgedQuery] = {}
    for fold in folds(tables.texts, FOLDS, seed):
        learned = fit_associations(tables.only(fold.train), seed)
        for each in with_associations(tables.only(fold.test), learned).queries:
            crossed[each.query] = each
        tick()
    told = stack([crossed[each.query] for each in tables.queries], tables.schema)
    if not _helps(tables, told, seed, tick):
        return tables, None
    return told, fit_associations(tables, seed)


def with_associations(tables: Tables, learned: Associations | None) -> Tables:
    """The tables with learned columns as serving computes them; unchanged without any."""
    if learned is None:
        return tables
    places = [tables.schema.names.index(name) for name in COLUMNS]
    numbers = _numbers(tables, learned)
    changed = []
    for each in tables.queries:
        values = each.values.copy()
        if each.wording is not None:
            values[:, places] = _columns(each.wording, learned, numbers)
        changed.append(replace(each, values=values))
    return stack(changed, tables.schema)


def _numbers(tables: Tables, learned: Associations) -> NDArray[np.int32]:
    codes = {word: code for code, word in words_of(tables.queries).items()}
    return numbers_by_code([codes.get(word, -1) for word in learned.words])


def _columns(
    wording: Wording, learned: Associations, numbers: NDArray[np.int32]
) -> NDArray[np.float32]:
    """`COLUMNS` of one query's candidates, float32 of shape (candidates, 2)."""
    out = np.full((len(wording.products), len(COLUMNS)), np.nan, np.float32)
    if learned.words:
        out[:, 0] = word_gains(learned, numbers, wording.query, wording.titles())
    vectors = wording.vectors()
    if vectors is not None and wording.vector is not None and len(learned.meaning):
        out[:, 1] = meaning_gains(learned, wording.vector, vectors)
    return out


def _helps(before: Tables, after: Tables, seed: int, tick: Tick) -> bool:
    """Whether with the learned columns a linear ranker finds the pairs likelier in queries it was
    not trained on, by more than a simpler ranker may stay behind (`training.select.NEARLY`). All
    pairs tell it from chance where nDCG, which a few places decide, cannot."""
    gained = []
    for fold in folds(before.texts, FOLDS, seed):
        pairs = collect_pairs(before.only(fold.test), seed)
        without, with_them = (
            pair_losses(
                fit_linear(prepare(each.only(fold.train), seed), BASE).scores(
                    each.only(fold.test).values
                ),
                pairs,
                BASE.unjudged,
            )
            for each in (before, after)
        )
        gained.append(without - with_them)
        tick()
    gains = np.concatenate(gained)
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    return bool(gains.mean() > NEARLY * error)
