"""Fine-tuning the packaged encoder on a few made examples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from indexer.encoder_export import load_transformer, packaged_files
from training.encoder.examples import Example
from training.encoder.layers import SplitEncoder
from training.encoder.losses import contrastive, pairwise
from training.encoder.tuning import Recipe, fine_tune, interpolate, snapshot

pytestmark = pytest.mark.slow  # importing torch takes seconds

NAN = math.nan
ANSWERS = {
    "zorblat": "garden hose reel with 20 m hose",
    "quimvel": "stainless steel electric kettle",
    "brastok": "waterproof hiking boots for women",
    "fendril": "usb c to hdmi cable",
}
EXAMPLES = [
    Example(
        f"{made} {word}".strip(),
        (right, *[each for each in ANSWERS.values() if each != right]),
        (1.0, 0.0, 0.0, 0.0),
    )
    for made, right in ANSWERS.items()
    for word in ("", "buy", "cheap", "new", "best", "large")
]
RECIPE = Recipe(epochs=3, rate=1e-3, batch=24)


@pytest.fixture
def model() -> Any:
    return load_transformer(packaged_files("all-MiniLM-L6-v2"))


def cosine(model: Any, a: str, b: str) -> float:
    vectors = model.encode([a, b], normalize_embeddings=True, show_progress_bar=False)
    return float(vectors[0] @ vectors[1])


def test_losses_are_those_of_their_papers() -> None:
    import torch

    cosines = torch.tensor([[0.9, 0.5, 0.1], [0.2, 0.3, 0.7]])
    gains = torch.tensor([[1.0, 0.5, NAN], [NAN, NAN, 1.0]])
    negative = torch.isnan(gains)
    weights = torch.ones(2)
    first = (2 / 3) * math.log1p(math.exp(0.1 - 0.9)) + (1 / 3) * math.log1p(math.exp(0.1 - 0.5))
    second = math.log1p(math.exp(0.2 - 0.7) + math.exp(0.3 - 0.7))
    found = contrastive(cosines, gains, negative, weights, scale=1.0)
    assert float(found) == pytest.approx((first + second) / 2, abs=1e-6)
    # The second query has no pair to compare, and does not count.
    found = pairwise(cosines, gains, weights, scale=2.0)
    assert float(found) == pytest.approx(math.log1p(math.exp(-2 * 0.4)), abs=1e-6)
    assert float(pairwise(cosines, torch.full((2, 3), NAN), weights)) == 0.0


def test_weights_of_examples_share_the_loss() -> None:
    import torch

    cosines = torch.tensor([[0.9, 0.5], [0.1, 0.7]])
    gains = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    both = [float(pairwise(cosines[i : i + 1], gains[:1], torch.ones(1))) for i in range(2)]
    found = float(pairwise(cosines, gains, torch.tensor([3.0, 1.0])))
    assert found == pytest.approx((3 * both[0] + both[1]) / 4)


def test_both_halves_together_are_the_model(model: Any) -> None:
    import torch

    texts = ["red kettle", "a garden hose reel with 20 m of hose", "kettle " * 60, "red kettle"]
    split = SplitEncoder(model, 2, 128)
    split.prepare(texts, lambda done, total: None)
    with torch.no_grad():
        vectors = split.encode(texts).numpy()
    exact = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    # 16-bit products differ in the third digit.
    assert (vectors * exact).sum(axis=1).min() > 0.998
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_what_was_taught_comes_nearer_and_only_the_last_layers_change(model: Any) -> None:
    base = snapshot(model)
    before = {made: cosine(model, made, right) for made, right in ANSWERS.items()}
    done: list[tuple[str, int, int]] = []
    fine_tune(model, EXAMPLES, RECIPE, lambda *each: done.append(each))
    assert all(cosine(model, m, r) > before[m] + 0.1 for m, r in ANSWERS.items())
    assert done[-1] == ("train", 3 * len(EXAMPLES), 3 * len(EXAMPLES))
    tuned = snapshot(model)
    changed = {name for name in base if not base[name].equal(tuned[name])}
    assert changed
    assert all(".layer.4." in name or ".layer.5." in name for name in changed)
    kept = interpolate(base, tuned, 0.0)
    assert all(kept[name].equal(base[name]) for name in base)
    model.load_state_dict(interpolate(base, tuned, 0.5))
    assert all(cosine(model, m, r) > before[m] for m, r in ANSWERS.items())


def test_the_same_seed_gives_the_same_weights(model: Any) -> None:
    base = snapshot(model)
    weights = []
    for _ in range(2):
        model.load_state_dict(base)
        fine_tune(model, EXAMPLES[:8], Recipe(batch=8))
        weights.append(snapshot(model))
    assert all(weights[0][name].equal(weights[1][name]) for name in base)


def test_nothing_to_learn_from_is_an_error(model: Any) -> None:
    with pytest.raises(ValueError, match="no examples"):
        fine_tune(model, [], Recipe())
