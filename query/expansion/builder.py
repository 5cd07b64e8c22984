"""Collects what may stand for what: the shop's own list, forms learned from titles, and short
forms. Synonyms are never learned here: those are proposed (`query.expansion.propose`) and a person
accepts them."""

from __future__ import annotations

from pathlib import Path

from query.expansion.forms import bundled, compounds, plurals, read_vocabulary
from query.expansion.rewrite import RULES
from query.expansion.rules import make_rules, write_rules
from query.expansion.synonyms import read_synonyms
from query.parts import Corpus
from query.text import words
from search.types import Product

FORM_WEIGHT = 0.95
"""What a match of another form of the same word counts beside the word itself."""
SYNONYM_WEIGHT = 0.85
ABBREVIATION_WEIGHT = 0.8


class ExpansionBuilder:
    """Learns from the sample alone: a form that no sampled title has is too rare to matter."""

    def add(self, product: Product) -> None:
        """Nothing to note: titles are read from the sample."""

    def write(self, directory: Path, corpus: Corpus) -> None:
        """Writes one table of rules.

        Raises:
            BadInput: a line of the shop's `synonyms.txt` cannot be used.
        """
        path = corpus.shop_list("synonyms.txt")
        own = read_synonyms(path) if path is not None else []
        vocabulary = read_vocabulary(words(product.title) for product in corpus.sample)
        rules = make_rules(
            (
                (own, SYNONYM_WEIGHT),
                (compounds(vocabulary), FORM_WEIGHT),
                (plurals(vocabulary), FORM_WEIGHT),
                (bundled("variants.txt", vocabulary), FORM_WEIGHT),
                (bundled("abbreviations.txt", vocabulary), ABBREVIATION_WEIGHT),
            )
        )
        write_rules(rules, directory / RULES)
