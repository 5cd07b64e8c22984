"""What an order would have been worth, from places that were drawn by chance.

Where exploration logged how probable each place was, a product's clicks at the very place that the
order gives it say what it gets there: the item-position estimator (Li, Abbasi-Yadkori, Kveton et
al., KDD 2018, section 4.3). It assumes only that the products beside it do not matter, nothing of
how examination and attraction combine, so trust in high places does no harm. It knows only the
places that exploration could have given.
"""

from __future__ import annotations

import numpy as np

from eval.off_policy.clicklog import Amounts, Cells, Codes, Layout
from eval.off_policy.clicklog import sums as added
from eval.off_policy.estimators import Sums, attractions, foretold, per


def worth_by_chance(sums: Sums, drawn: Cells, places: Codes, queries: Codes) -> Amounts:
    """The value of an order in clicks a search by each of `METHODS`, float64 of shape (3,). `drawn`
    are the sums of rows weighed by one over their chance.

    * inverse propensity scoring: clicks at the order's own places over their chances;
    * self-normalized: the same, divided place by place by the weights of all that stood there;
    * doubly robust: the direct model, corrected at the order's own places.
    """
    cells, depth = sums.cells, len(sums.curve)
    met = places[cells.documents] == cells.places
    clicks, shown = np.where(met, drawn.clicks, 0.0), np.where(met, drawn.impressions, 0.0)
    at_place = [added(cells.places, each, depth) for each in (clicks, shown, cells.impressions)]
    looked = cells.impressions * sums.curve[cells.places]
    attraction = attractions(cells, looked, queries)
    model = foretold(cells, attraction, added(cells.documents, cells.impressions, len(places)))
    target = sums.exposure(places, queries) * sums.searches[queries]
    expected = shown * sums.curve[cells.places] * attraction[cells.documents, cells.folds]
    values = [
        clicks.sum(),
        per(at_place[0], at_place[1]) @ at_place[2],
        target @ model + (clicks - expected).sum(),
    ]
    return np.array(values, np.float64) / sums.total


def supported(sums: Sums, drawn: Cells, places: Codes) -> float:
    """The share of what is looked at that exploration could have ordered as the order does."""
    cells = sums.cells
    looked = sums.curve[cells.places]
    met = np.where(places[cells.documents] == cells.places, drawn.impressions, 0.0)
    return min(float(met @ looked) / float(cells.impressions @ looked), 1.0)


def weights_of_clicks(layout: Layout, places: Codes) -> Amounts:
    """What each click at the order's own places counts for, float64."""
    log = layout.log
    met = (places[log.documents] == log.positions - 1) & (log.clicks > 0)
    return np.asarray(1 / log.chances[met], np.float64)
