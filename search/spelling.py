"""Which known word a misspelt one was meant to be, for Latin words; Chinese typing slips are search/pinyin.py's."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from search.analysis import fold

SHORTEST = 4  # with three letters every word is near another
_MOST_ASKED = 12  # candidates of which it is asked whether they may be told


def anything(_: str) -> bool:
    """Every word may be told."""
    return True


def spellings(words: Iterable[str]) -> dict[str, str]:
    """Folded word -> as it is written, of those that can be mended to; what a WordList is made of."""
    written: dict[str, str] = {}
    for word in words:
        if len(word) >= SHORTEST and word.isalpha():
            written.setdefault(fold(word), word if word.isupper() else word.lower())
    return written


class WordList:
    """Words as they are written, found by how they are spelt; British and American spelling are the same word."""

    def __init__(self, written: Mapping[str, str]) -> None:
        self._written = written
        self._by_length: dict[int, list[str]] = {}
        for folded in written:
            self._by_length.setdefault(len(folded), []).append(folded)

    def holds(self, written: str) -> bool:
        """Is it one of the words, as they are written here?"""
        return self._written.get(fold(written)) == written

    def nearest(self, word: str) -> str | None:
        """The nearest known word; see `nearest`."""
        return nearest(word, [self])

    def near(self, wanted: str, allowed: int) -> Iterator[tuple[int, bool, int, str]]:
        """(slips, is another letter first, minus the pairs of letters shared, word as written)."""
        pairs = _pairs(wanted)
        for length in range(len(wanted) - allowed, len(wanted) + allowed + 1):
            words = self._by_length.get(length, ())
            for near, slips, _ in process.extract(wanted, words, scorer=OSA.distance, score_cutoff=allowed, limit=None):
                yield int(slips), near[0] != wanted[0], -len(pairs & _pairs(near)), self._written[near]


def nearest(word: str, lists: Sequence[WordList], may_tell: Callable[[str], bool] = anything) -> str | None:
    """The nearest known word within one slip, two from seven letters, three from twelve; None if there is none."""
    wanted = fold(word)
    if len(wanted) < SHORTEST or not wanted.isalpha():
        return None
    allowed = 1 if len(wanted) < 7 else 2 if len(wanted) < 12 else 3
    ranked = sorted(
        (slips, other, shared, number, near)
        for number, known in enumerate(lists)
        for slips, other, shared, near in known.near(wanted, allowed)
    )
    return next((row[-1] for row in ranked[:_MOST_ASKED] if may_tell(row[-1])), None)


def _pairs(word: str) -> set[str]:
    padded = f"^{word}$"
    return {padded[at : at + 2] for at in range(len(padded) - 1)}
