"""Chinese words by sound: pinyin (gudongmai), initials (gdm), or typed with a character of the same sound."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from search.languages import syllables

_MOST_MEANT = 4
_LONGEST_TYPED = 48
_SHORTEST_PREFIX = 4


def keys(word: str) -> tuple[str, str]:
    """(pinyin without tones, initials) of a Chinese word."""
    sounds = syllables(word)
    return "".join(sounds), "".join(sound[0] for sound in sounds)


class SoundList:
    """Chinese words found by sound; words given first are preferred, then shorter ones."""

    def __init__(self, words: Iterable[str]) -> None:
        self._by_sound: dict[str, list[str]] = {}
        self._by_initials: dict[str, list[str]] = {}
        for word in dict.fromkeys(words):
            if len(word) < 2:
                continue
            sound, initials = keys(word)
            self._by_sound.setdefault(sound, []).append(word)
            self._by_initials.setdefault(initials, []).append(word)
        self._sounds = sorted(self._by_sound)
        self._initials = sorted(self._by_initials)

    def spelt(self, typed: str) -> tuple[str, ...]:
        """The words whose full pinyin was typed; of several words in a row the likeliest of each, put together."""
        typed = typed.lower().replace("'", "")
        if not typed.isascii() or not typed.isalpha() or len(typed) > _LONGEST_TYPED:
            return ()
        if typed in self._by_sound:
            return tuple(self._by_sound[typed][:_MOST_MEANT])
        parts = self._parts(typed)
        return ("".join(self._by_sound[part][0] for part in parts),) if parts else ()

    def begun(self, typed: str) -> tuple[str, ...]:
        """The words whose initials were typed, else those whose pinyin or initials begin so."""
        typed = typed.lower()
        if not typed.isascii() or not typed.isalpha() or not 2 <= len(typed) <= _LONGEST_TYPED:
            return ()
        if typed in self._by_initials:
            return tuple(self._by_initials[typed][:_MOST_MEANT])
        if len(typed) < _SHORTEST_PREFIX:
            return ()
        begun = [
            *(word for key in _beginning(self._sounds, typed) for word in self._by_sound[key]),
            *(word for key in _beginning(self._initials, typed) for word in self._by_initials[key]),
        ]
        return tuple(sorted(dict.fromkeys(begun), key=len)[:_MOST_MEANT])

    def same_sound(self, word: str) -> tuple[str, ...]:
        """Other words that sound like this one."""
        sound, _ = keys(word)
        return tuple(other for other in self._by_sound.get(sound, ()) if other != word)[:_MOST_MEANT]

    def _parts(self, typed: str) -> list[str] | None:
        """The typed letters as few known sounds in a row, or None."""
        best: list[list[str] | None] = [[]] + [None] * len(typed)
        for end in range(1, len(typed) + 1):
            for start in range(end):
                before = best[start]
                if before is not None and typed[start:end] in self._by_sound:
                    known = best[end]
                    if known is None or len(before) + 1 < len(known):
                        best[end] = [*before, typed[start:end]]
        return best[-1]


def _beginning(ordered: list[str], start: str) -> Iterator[str]:
    at = bisect_left(ordered, start)
    for key in ordered[at : at + 50]:
        if not key.startswith(start):
            return
        yield key
