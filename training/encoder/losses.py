"""What fine-tuning minimizes, over the cosines of a batch's queries to its products.

Both losses are means over queries by their weight, and 0 for a batch that has nothing to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SCALE = 20.0
"""What cosines are multiplied by, the inverse temperature usual for sentence encoders."""


def contrastive(
    cosines: Tensor, gains: Tensor, negative: Tensor, weights: Tensor, scale: float = SCALE
) -> Tensor:
    """Multiple negatives ranking with hard negatives (Henderson et al. 2017, arXiv 1705.00652,
    section 4.4): each answer against the other examples' products and its own query's products of
    gain 0. A query's answers share its weight by their gains.

    `cosines` and `gains` (NaN where not the query's own) are of shape (queries, products),
    `negative` bool of that shape, `weights` (queries,).
    """
    import torch

    known = torch.nan_to_num(gains, nan=0.0)
    against = negative | (gains == 0)
    scores = cosines * scale
    others = scores.masked_fill(~against, -torch.inf).logsumexp(dim=1, keepdim=True)
    lost = torch.nn.functional.softplus(others - scores)
    shares = known / known.sum(1, keepdim=True).clamp(min=1e-9)
    return _mean((shares * lost).sum(1), weights * ((known > 0).any(1) & against.any(1)))


def pairwise(cosines: Tensor, gains: Tensor, weights: Tensor, scale: float = SCALE) -> Tensor:
    """RankNet within each query (Burges et al., ICML 2005): of two of its own products the better
    one shall be nearer; a pair counts by the difference of its gains, and a query's pairs count 1
    together. Cosines of different queries are never compared, as CoSENT does.

    Shapes are those of `contrastive`.
    """
    import torch

    ahead = torch.nan_to_num(gains[:, :, None] - gains[:, None, :], nan=0.0).clamp(min=0)
    between = (cosines[:, :, None] - cosines[:, None, :]) * scale
    total = ahead.sum((1, 2))
    lost = (ahead * torch.nn.functional.softplus(-between)).sum((1, 2)) / total.clamp(min=1e-9)
    return _mean(lost, weights * (total > 0))


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean; 0, with a gradient, where all weights are."""
    return (values * weights).sum() / weights.sum().clamp(min=1e-9)
