"""Texts as a model's tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path

from tokenizers import Tokenizer

WORDS_KEPT = 32_768
"""Words whose tokens are remembered, about 8 MB."""
_PLAIN = re.compile(r"[ -Z\\-~]*")
"""Texts of ASCII; without brackets, which special tokens are written in."""
_WORD = re.compile("[A-Za-z0-9]+|[^A-Za-z0-9 ]")
"""What BERT's tokenizer takes apart from each other: words, and each mark between them."""


class WordPieces:
    """A model's tokenizer. Safe across threads.

    Most queries are a few words that were asked before. Their tokens are remembered word by
    word: the tokenizer takes ten times as long, since in between others have used the cache of the
    processor that its vocabulary was in.
    """

    def __init__(self, path: Path, max_tokens: int) -> None:
        """Opens the tokenizer.json at `path`; longer texts are cut at `max_tokens`.

        Raises:
            Exception: the library's own, when it is not a tokenizer.
        """
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)
        self._max_tokens = max_tokens
        self._of_word = lru_cache(WORDS_KEPT)(self._encoded)
        around = self._tokenizer.encode("").ids
        self._around = (around[:1], around[1:]) if self._is_bert() else None

    def tokens(self, text: str) -> Sequence[int]:
        """The numbers of a text's tokens, with those the model begins and ends with."""
        if self._around is not None and _PLAIN.fullmatch(text):
            start, end = self._around
            words = map(self._of_word, _WORD.findall(text))
            tokens = [*start, *chain.from_iterable(words), *end]
            if len(tokens) <= self._max_tokens:
                return tokens
        encoded: list[int] = self._tokenizer.encode(printable(text)).ids
        return encoded

    def _encoded(self, word: str) -> Sequence[int]:
        return tuple(self._tokenizer.encode(word, add_special_tokens=False).ids)

    def _is_bert(self) -> bool:
        """Whether words and marks have the same tokens alone as in a text."""
        parts = self._tokenizer.normalizer, self._tokenizer.pre_tokenizer
        added = self._tokenizer.get_added_tokens_decoder().values()
        return [type(part).__name__ for part in parts] == [
            "BertNormalizer",
            "BertPreTokenizer",
        ] and all(token.content.startswith("[") for token in added)


def printable(text: str) -> str:
    """The text as tokenizers take it: a lone surrogate is valid in a Python string and in nothing
    else, so it becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
