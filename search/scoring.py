"""How much a word says: the same points with every engine, so that the same query gives the same order.

BM25F, with three changes. How often a token stands in how long a text is fixed when the entry is prepared, against an
average length that is a constant. What it says in title, texts and speech is added up then too, and kept in a few steps
(LEVELS): an engine keeps one step for each token of an entry, no frequencies and no lengths. And how rare it is is
counted among the entries that the reader may know of: nothing of others shows in a score.
Points are multiples of 1/64: their sums are exact in 32 bits, in whatever order an engine adds them.
"""

import math
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

K1, B = 1.2, 0.6  # B a little under the usual 0.75: summaries of twice the length are not half as good
LEVELS = tuple(0.4 * 1.45**number for number in range(10))
GRAIN = 64
MATCHED = 6.0  # for each clause that an entry matches, where not all need to: two common words before one rare one


class Place(NamedTuple):
    """Where tokens stand: how much more that says than elsewhere, and how many a usual entry has there."""

    weight: float
    usual_length: float


# A usual entry has two titles, two summaries, captions of a quarter of an hour.
TITLE, TEXT, SPOKEN = Place(3.0, 20.0), Place(1.5, 120.0), Place(0.7, 1500.0)
GIVEN, TITLE_CONCEPTS, TEXT_CONCEPTS, SPOKEN_CONCEPTS = (
    Place(3.0, 12.0), Place(3.0, 12.0), Place(1.5, 40.0), Place(0.7, 200.0)
)  # fmt: skip

_BETWEEN = [math.sqrt(low * high) for low, high in pairwise(LEVELS)]


def levels(found: Iterable[tuple[Place, Sequence[str]]]) -> Mapping[str, int]:
    """The nearest of LEVELS for each token of an entry, by all places in which it stands."""
    worth: dict[str, float] = {}
    for place, tokens in found:
        for token, count in Counter(tokens).items():
            worth[token] = worth.get(token, 0.0) + _impact(count, len(tokens), place)
    return {token: bisect(_BETWEEN, value) for token, value in worth.items()}


@lru_cache(maxsize=65536)
def _impact(frequency: int, length: int, place: Place) -> float:
    norm = K1 * (1 - B + B * length / place.usual_length)
    return place.weight * frequency * (K1 + 1) / (frequency + norm)


def rarity(documents: int, of: int) -> float:
    """BM25's inverse document frequency among the `of` entries a reader may know of; never negative."""
    documents = min(documents, of)
    return math.log(1 + (of - documents + 0.5) / (documents + 0.5))


def points(weight: float, rare: float, impact: float = 1.0) -> float:
    """What one find counts."""
    return max(1, round(weight * rare * impact * GRAIN)) / GRAIN
