"""A BERT encoder that reads a query and a product's text at once, and scores how well the second
answers the first (Nogueira & Cho 2019, arXiv 1901.04085).

The score is a linear function of the unit vector that the encoder gives to both texts, so a
cross-encoder is exported and served as any encoder, with a few hundred numbers more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

SCALE = 6.0
"""What unit vectors are multiplied by before the head: about the length they have without being
brought to length 1, so that head and encoder learn at one rate."""
CHUNK = 128
"""Pairs scored together."""

Tokens = Sequence[int]
Tokenize = Callable[[str, str], Tokens]
"""The tokens of a query and a product's text as one sequence."""


class PairNetwork:
    """Scores pairs with a SentenceTransformer of a BERT model with mean pooling."""

    def __init__(self, model: Any, tokenize: Tokenize, seed: int = 0) -> None:
        """Puts a head of small random numbers on top of `model`, and has attention computed in one
        step, which is faster than the form that can be exported."""
        import torch

        model[0].auto_model.set_attn_implementation("sdpa")
        self.model, self._tokenize = model, tokenize
        self._bert = model[0].auto_model
        width = int(model.get_embedding_dimension())
        self._head = torch.nn.Linear(width, 1, device=self._bert.device)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self._head.weight.copy_(torch.randn(1, width, generator=generator) * 0.02)
            self._head.bias.zero_()
        self._drop = torch.nn.Dropout(0.1)

    @property
    def device(self) -> Any:
        """Where the model is."""
        return self._bert.device

    @property
    def head(self) -> NDArray[np.float32]:
        """What a pair's unit vector is multiplied by for its score, float32 of shape (width,); the
        same constant is missing from all scores."""
        weights: NDArray[np.float32] = self._head.weight.detach().cpu().numpy()[0]
        return weights * np.float32(SCALE)

    def parameters(self) -> list[Any]:
        """What learns: all but the embeddings of words."""
        return [*self._bert.encoder.parameters(), *self._head.parameters()]

    def start_at(self, score: float) -> None:
        """Has all pairs begin near this score, which the bias would take long to learn."""
        import torch

        with torch.no_grad():
            self._head.bias.fill_(score)

    def tokens(self, query: str, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of the query with each text."""
        return [self._tokenize(query, text) for text in texts]

    def forward(self, pairs: Sequence[Tokens]) -> Tensor:
        """Scores, float32 of shape (pairs,), with gradients where they are switched on."""
        import torch

        lengths = torch.tensor([len(each) for each in pairs])
        ids = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor(each) for each in pairs], batch_first=True
        ).to(self.device)
        mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long().to(self.device)
        states = self._bert(input_ids=ids, attention_mask=mask).last_hidden_state
        kept = mask.unsqueeze(-1).to(states.dtype)
        mean = (states * kept).sum(1) / kept.sum(1)
        unit = torch.nn.functional.normalize(mean.float(), dim=1)
        if self._bert.training:
            unit = self._drop(unit)
        scores: Tensor = self._head(unit * SCALE).squeeze(-1)
        return scores

    def scores(self, pairs: Sequence[Tokens]) -> NDArray[np.float32]:
        """Scores without gradients, float32 of shape (pairs,)."""
        import torch

        self.model.eval()
        order = np.argsort([len(each) for each in pairs], kind="stable")
        found = np.empty(len(pairs), np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), CHUNK):
                rows = order[start : start + CHUNK]
                found[rows] = self.forward([pairs[row] for row in rows]).cpu().numpy()
        return found
