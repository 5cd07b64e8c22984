"""Orders varied a little by chance, with exact probabilities: what clicks can be learned from."""

from rankers.exploration.swap import Swap
from rankers.exploration.thompson import Thompson

__all__ = ["Swap", "Thompson"]
