"""Which known word a misspelt one was meant to be, for Latin words; Chinese typing slips are search/pinyin.py's."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from search.analysis import fold

SHORTEST = 4  # with three letters every word is near another
_SHORTLIST = 40
_MOST_ASKED = 12  # candidates of which it is asked whether they may be told


def anything(_: str) -> bool:
    """Every word may be told."""
    return True


class WordList:
    """Words as they are written, found by how they are spelt; British and American spelling are the same word."""

    def __init__(self, words: Iterable[str]) -> None:
        self._written: dict[str, str] = {}
        for word in words:
            if len(word) >= SHORTEST and word.isalpha():
                self._written.setdefault(fold(word), word if word.isupper() else word.lower())
        self._with_pair: dict[str, list[str]] = {}
        for folded in self._written:
            for pair in _pairs(folded):
                self._with_pair.setdefault(pair, []).append(folded)

    def holds(self, written: str) -> bool:
        """Is it one of the words, as they are written here?"""
        return self._written.get(fold(written)) == written

    def nearest(self, word: str) -> str | None:
        """The nearest known word; see `nearest`."""
        return nearest(word, [self])

    def near(self, wanted: str, allowed: int) -> Iterator[tuple[int, bool, int, str]]:
        """(slips, is another letter first, minus the pairs of letters shared, word as written)."""
        shared = Counter(near for pair in _pairs(wanted) for near in self._with_pair.get(pair, ()))
        for near, pairs in shared.most_common(_SHORTLIST):
            if abs(len(near) - len(wanted)) <= allowed:
                slips = slips_between(wanted, near)
                if slips <= allowed:
                    yield slips, near[0] != wanted[0], -pairs, self._written[near]


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


def slips_between(one: str, other: str) -> int:
    """Letters left out, added, changed or swapped with the next (optimal string alignment distance)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        two_before, before = before, row
        row = [at]
        for to, wanted in enumerate(other, 1):
            cost = min(before[to] + 1, row[to - 1] + 1, before[to - 1] + (letter != wanted))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == wanted:
                cost = min(cost, two_before[to - 2] + 1)
            row.append(cost)
    return row[-1]
