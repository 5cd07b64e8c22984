"""Every method of interleaving, by the name that settings and logs use."""

from __future__ import annotations

from collections.abc import Mapping

from eval.interleaving.balanced import Balanced
from eval.interleaving.optimized import Optimized
from eval.interleaving.preference import Preference
from eval.interleaving.probabilistic import Probabilistic
from eval.interleaving.seams import Interleaver
from eval.interleaving.team_draft import TeamDraft
from search.errors import BadInput

INTERLEAVERS: Mapping[str, Interleaver] = {
    method.name: method
    for method in (TeamDraft(), Balanced(), Probabilistic(), Optimized(), Preference())
}


def interleaver(name: str) -> Interleaver:
    """A method of interleaving by name.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in INTERLEAVERS:
        raise BadInput(f"no interleaving {name!r}; there are {', '.join(INTERLEAVERS)}")
    return INTERLEAVERS[name]
