"""Click rates of much and of little evidence: empirical Bayes along a hierarchy.

Clicks are Poisson around (looked-at impressions × rate), and the rates of one group vary as a
gamma distribution around the group's mean μ with a strength of m looked-at impressions. Then the
expected rate after C clicks in E looked-at impressions is

    (m · μ + C) / (m + E)

m is where the clicks of all groups are likeliest, the marginal of which is negative binomial
(DuMouchel 1999, "Bayesian data mining in large frequency tables", The American Statistician 53,
section 3; Gelman et al. 2013, "Bayesian Data Analysis", section 2.6).

Human judgments take no part in that. They are rates without the chance of clicks, many and alike
where shoppers' clicks are few: m fitted on both says that hardly anything varies, and shrinks the
judgments themselves away. What was shown, moreover, is not a sample of what was judged. A judgment
takes the place of the group's mean instead: somebody looked, so nothing need be guessed. Its looks
w at the rate ρ that its grade stands for are then the prior, (w · ρ + C) / (w + E).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from training.learners.clicked import ClickedTables, Kin
from training.tables import Values

Codes = NDArray[np.int32] | NDArray[np.int64]
_STRENGTHS = (0.5, 1e5)
_SAMPLE = 100_000
"""Groups that are enough to know how much they vary."""
_NEIGHBORS, _NEAR = 10, 0.6
"""Products alike count when their cosine is at least so large."""
_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Rates:
    """`prior` is what each row's rate is expected to be before its own clicks, `rates` after them,
    float64 of shape (rows,): a row's own evidence counts as much as the prior where it was looked
    at `strength` times, or as often as its judgment counts."""

    prior: Values
    rates: Values
    strength: float


def estimate_rates(clicked: ClickedTables, *, by_place: bool = True) -> Rates:
    """Shrinks each document's click rate to its prior: document → query × category → category →
    all, times what the product and those like it get beyond that under other queries, and with
    `by_place` times what corrected rates are where it was shown, against all: a logger that knew
    something put the better ones higher, one that knew nothing leaves this at 1.

    A document nobody saw has its prior; a product nobody saw that of products like it; a query
    nobody asked that of the categories. What was judged has its judgment for a prior.

    Each period by itself: what was clicked earlier is a feature of later periods, and would come
    back as their label.
    """
    if len(clicked.tables.periods) > 1:
        return _by_period(clicked, by_place)
    shoppers = clicked.without_judgments()
    clicks, examined = shoppers.clicks, shoppers.examined
    means = hierarchy(clicks, examined, _levels(clicked))
    prior = means * lifts(clicks, examined * means, clicked.kin)
    if by_place:
        prior = prior * place_lifts(clicks, examined * prior, clicked.places)
    strength = fit_strength(clicks, examined, prior)
    weights, told = clicked.judged, clicked.clicks - clicks
    prior = np.where(weights > 0, told / np.maximum(weights, 1e-12), prior)
    counted = np.where(weights > 0, weights, strength)
    return Rates(prior, shrink(clicks, examined, prior, counted), strength)


def _by_period(clicked: ClickedTables, by_place: bool) -> Rates:
    """The same of every period; the strength is the geometric mean over rows."""
    prior, rates = np.empty((2, len(clicked.tables.query)))
    log_strength = 0.0
    for rows, part in clicked.by_period():
        found = estimate_rates(part, by_place=by_place)
        prior[rows], rates[rows] = found.prior, found.rates
        log_strength += float(np.log(found.strength)) * len(rows) / len(rates)
    return Rates(prior, rates, float(np.exp(log_strength)))


def shrink(clicks: Values, examined: Values, prior: Values, strength: Values | float) -> Values:
    """(m · μ + C) / (m + E), of the shape of all of them."""
    return np.asarray((strength * prior + clicks) / (strength + examined), np.float64)


def hierarchy(clicks: Values, examined: Values, levels: Sequence[Codes]) -> Values:
    """The rate of each row's innermost group, shrunk to that around it and so on out to the rate of
    all; float64 of shape (rows,). `levels` are codes of nested groups, the outermost first; a row
    whose code is negative keeps the mean of the group around it."""
    means = np.full(len(clicks), clicks.sum() / max(float(examined.sum()), 1e-12))
    for codes in levels:
        known = np.flatnonzero(codes >= 0)
        if not len(known):
            continue
        own = codes[known]
        found = _sums(own, clicks[known]), _sums(own, examined[known])
        rows = np.maximum(_sums(own, np.ones(len(own))), 1.0)
        around = _sums(own, means[known]) / rows
        strength = fit_strength(*found, around)
        means[known] = shrink(*found, around, strength)[own]
    return means


def fit_strength(clicks: Values, examined: Values, means: Values) -> float:
    """The strength m under which the clicks are likeliest, all arrays of shape (groups,). The
    largest there is where groups do not differ beyond chance."""
    used = np.flatnonzero((examined > 0) & (means > 0))
    if len(used) > _SAMPLE:
        used = used[:: len(used) // _SAMPLE + 1]
    if len(used) < 2:
        return _STRENGTHS[1]
    c, e, mu = clicks[used], examined[used], means[used]

    def unlikely(log_m: float) -> float:
        m = float(np.exp(log_m))
        a = m * mu
        alike = gammaln(c + a) - gammaln(a) + a * np.log(m) - (c + a) * np.log(m + e)
        return -float(alike.sum())

    found = minimize_scalar(unlikely, bounds=tuple(np.log(_STRENGTHS)), method="bounded")
    return float(np.exp(found.x))


def lifts(clicks: Values, expected: Values, kin: Kin) -> Values:
    """How many times as often as its queries and categories let expect a row's product is clicked
    under *other* queries, shrunk to what products alike have, and that to 1; float64 of shape
    (rows,). The observed-to-expected ratio of DuMouchel (1999), the row itself left out."""
    products = kin.products
    count = int(products.max(initial=-1)) + 1
    seen, hoped = (_sums(products, each, count) for each in (clicks, expected))
    strength = _lift_strength(seen, hoped)
    base = np.ones(count)
    if kin.vectors is not None:
        base = _alike(kin.vectors, seen, hoped, strength)
    others = seen[products] - clicks, hoped[products] - expected
    found = (strength * base[products] + others[0]) / (strength + others[1])
    return np.asarray(np.maximum(found, 1e-6), np.float64)


def place_lifts(clicks: Values, expected: Values, places: Values) -> Values:
    """How many times as often as expected what was shown about as high is clicked once looked at,
    shrunk to 1; 1 for what was never shown (NaN); float64 of shape (rows,)."""
    shown = np.flatnonzero(~np.isnan(places))
    codes = np.round(places[shown]).astype(np.int64)
    seen, hoped = _sums(codes, clicks[shown]), _sums(codes, expected[shown])
    found = np.ones(len(places))
    found[shown] = shrink(seen, hoped, np.ones(len(seen)), _lift_strength(seen, hoped))[codes]
    return np.maximum(found, 1e-6)


def _lift_strength(seen: Values, hoped: Values) -> float:
    """In expected clicks, not impressions: the rate is a ratio whose mean is 1."""
    return fit_strength(seen, hoped, np.ones(len(seen)))


def _alike(vectors: NDArray[np.float32], seen: Values, hoped: Values, strength: float) -> Values:
    """The lift of the nearest products together, each counting by its cosine, the product itself
    left out; float64 of shape (products,)."""
    sizes = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(sizes, 1e-12)
    known = np.flatnonzero(hoped > 0)
    base = np.ones(len(vectors))
    for first in range(0, len(vectors), _CHUNK):
        here = np.arange(first, min(first + _CHUNK, len(vectors)))
        cosines = unit[here] @ unit[known].T
        cosines[here[:, None] == known[None, :]] = 0.0
        if len(known) > _NEIGHBORS:
            least = np.partition(cosines, -_NEIGHBORS, axis=1)[:, -_NEIGHBORS, None]
            cosines[cosines < least] = 0.0
        weights = np.where(cosines >= _NEAR, cosines, 0.0).astype(np.float64)
        base[here] = (strength + weights @ seen[known]) / (strength + weights @ hoped[known])
    return base


def _levels(clicked: ClickedTables) -> list[Codes]:
    """Categories, and categories under each query; a product of no known category is with the
    others of its query."""
    categories = clicked.kin.categories.astype(np.int64)
    width = int(categories.max(initial=-1)) + 2
    pairs = clicked.tables.query * width + categories + 1
    _, dense = np.unique(pairs, return_inverse=True)
    return [categories, dense.astype(np.int64)]


def _sums(codes: Codes, amounts: Values, count: int = 0) -> Values:
    return np.bincount(codes, amounts, minlength=count).astype(np.float64, copy=False)
