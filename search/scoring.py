"""How much a word says: the same points with every engine, so that the same query gives the same order.

BM25, with two changes. How often a word stands in how long a text is fixed when the entry is prepared, against an
average length that is a constant and in a few steps (LEVELS): an engine keeps a step, no frequencies and no lengths.
And how rare it is is counted among the entries that the reader may know of: nothing of others shows in a score.
Points are multiples of 1/64: their sums are exact in 32 bits, in whatever order an engine adds them.
"""

import math
from functools import lru_cache

from search.engine import HOSPITAL, SPOKEN, SPOKEN_CONCEPTS, TERMS, TEXT, TEXT_CONCEPTS, TITLE, TITLE_CONCEPTS

K1, B = 1.2, 0.6  # B a little under the usual 0.75: summaries of twice the length are not half as good
LEVELS = (0.5, 0.9, 1.3, 1.7)
GRAIN = 64
MATCHED = 6.0  # for each clause that an entry matches, where not all need to: two common words before one rare one
# Tokens of a usual entry: two titles, two summaries, captions of a quarter of an hour.
USUAL_LENGTHS = {
    TITLE: 20.0, TEXT: 120.0, SPOKEN: 1500.0, TITLE_CONCEPTS: 12.0, TEXT_CONCEPTS: 40.0, SPOKEN_CONCEPTS: 200.0,
    TERMS: 12.0, HOSPITAL: 6.0,
}  # fmt: skip


@lru_cache(maxsize=65536)
def level(frequency: int, length: int, field: str) -> int:
    """The nearest of LEVELS for a token that stands `frequency` times in a bag of `length` tokens."""
    norm = K1 * (1 - B + B * length / USUAL_LENGTHS[field])
    impact = frequency * (K1 + 1) / (frequency + norm)
    return min(range(len(LEVELS)), key=lambda number: abs(LEVELS[number] - impact))


def rarity(documents: int, of: int) -> float:
    """BM25's inverse document frequency among the `of` entries a reader may know of; never negative."""
    documents = min(documents, of)
    return math.log(1 + (of - documents + 0.5) / (documents + 0.5))


def points(weight: float, rare: float, impact: float = 1.0) -> float:
    """What one find counts."""
    return max(1, round(weight * rare * impact * GRAIN)) / GRAIN
