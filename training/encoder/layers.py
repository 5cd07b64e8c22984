"""A BERT sentence encoder in two halves: the layers that stay as they are, whose output is computed
once per text, and the last ones, which learn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 32
"""Texts computed together: a batch sorted by length and cut up has little padding."""


class SplitEncoder:
    """Encodes with a SentenceTransformer of a BERT model with mean pooling, in two halves.

    The lower half's output is kept as 16-bit floats, 768 bytes a token at 384 dimensions: 60,000
    titles of 20 tokens take .9 GB.
    """

    def __init__(self, model: Any, layers: int, tokens: int) -> None:
        """The last `layers` layers are the upper half; texts are cut at `tokens` tokens. The model
        must have been loaded with eager attention."""
        self._bert = model[0].auto_model
        self._tokenizer = model.tokenizer
        self._tokens = tokens
        count = len(self._bert.encoder.layer)
        self._lower = self._bert.encoder.layer[: count - layers]
        self._upper = self._bert.encoder.layer[count - layers :]
        self._kept: dict[str, Tensor] = {}

    @property
    def device(self) -> Any:
        """Where the model is."""
        return self._bert.device

    def parameters(self) -> list[Any]:
        """Those of the upper half."""
        return list(self._upper.parameters())

    def prepare(self, texts: Iterable[str], progress: Callable[[int, int], None]) -> None:
        """Computes the lower half for texts that were not seen yet."""
        import torch

        new = sorted({text for text in texts if text not in self._kept}, key=len)
        for start in range(0, len(new), CHUNK):
            chunk = new[start : start + CHUNK]
            with torch.no_grad(), reduced_precision(self.device):
                states, mask = self._below(chunk)
            for text, state, length in zip(chunk, states, mask.sum(1).tolist(), strict=True):
                self._kept[text] = state[:length].to("cpu", torch.bfloat16).clone()
            progress(start + len(chunk), len(new))

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors of prepared texts, float32 of shape (len(texts), dimensions), with
        gradients of the upper half where they are switched on."""
        import torch

        order = np.argsort([len(self._kept[text]) for text in texts], kind="stable")
        parts = []
        for rows in _chunks(order):
            states = [self._kept[texts[row]] for row in rows.tolist()]
            with reduced_precision(self.device):
                parts.append(self._above(states))
        back = torch.from_numpy(np.argsort(order, kind="stable")).to(self.device)
        return torch.nn.functional.normalize(torch.cat(parts), dim=1)[back]

    def _below(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        features = self._tokenizer(
            texts, padding=True, truncation=True, max_length=self._tokens, return_tensors="pt"
        ).to(self.device)
        mask = features["attention_mask"]
        states = self._bert.embeddings(input_ids=features["input_ids"])
        for layer in self._lower:
            states = layer(states, _additive(mask))
        return states, mask

    def _above(self, kept: Sequence[Tensor]) -> Tensor:
        """Mean over tokens of the upper half's output, float32, not yet of length 1."""
        import torch

        states = torch.nn.utils.rnn.pad_sequence(list(kept), batch_first=True).float()
        lengths = torch.tensor([len(each) for each in kept])
        mask = (torch.arange(states.shape[1]) < lengths[:, None]).long().to(self.device)
        states = states.to(self.device)
        for layer in self._upper:
            states = layer(states, _additive(mask))
        weights = mask.unsqueeze(-1).float()
        mean: Tensor = (states.float() * weights).sum(1) / weights.sum(1)
        return mean


def reduced_precision(device: Any) -> Any:
    """A context in which matrix products are of 16-bit floats where the device is faster with them:
    three times, on a CPU that has instructions for it."""
    import torch

    if device.type == "cuda":
        able = torch.cuda.is_bf16_supported()
    else:
        able = torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=able)


def _additive(mask: Tensor) -> Tensor:
    """What attention adds to its scores: 0 at tokens, very little at padding."""
    import torch

    return (1.0 - mask[:, None, None, :].float()) * torch.finfo(torch.bfloat16).min


def _chunks(order: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(order), CHUNK):
        yield order[start : start + CHUNK]
