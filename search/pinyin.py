"""Chinese words by sound: pinyin (gudongmai), initials (gdm), or typed with a character of the same sound."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from search.languages import syllables
from search.spelling import anything

_MOST_MEANT = 4
_LONGEST_TYPED = 48
_SHORTEST_PREFIX = 4
_MOST_ASKED = 40


def keys(word: str) -> tuple[str, str]:
    """(pinyin without tones, initials) of a Chinese word."""
    sounds = syllables(word)
    return "".join(sounds), "".join(sound[0] for sound in sounds)


# Characters that are read in two ways, both of which are typed: 栓塞 is shuanse in the dictionary, shuansai to many.
_READ_ALSO = {"塞": ("se", "sai"), "血": ("xue", "xie"), "咯": ("ge", "ka"), "螫": ("shi", "zhe"), "壳": ("ke", "qiao")}


def readings(word: str) -> tuple[str, ...]:
    """The pinyin of a word, then the same with the other reading of its characters that have two."""
    return read_aloud(word, syllables(word))


def read_aloud(word: str, sounds: Sequence[str]) -> tuple[str, ...]:
    """The same where the sound of each character is known."""
    found = ["".join(sounds)]
    if len(sounds) == len(word) and not _READ_ALSO.keys().isdisjoint(word):
        pairs = list(zip(word, sounds, strict=True))
        for number in (0, 1):
            found.append("".join(_READ_ALSO.get(character, (sound, sound))[number] for character, sound in pairs))
    return tuple(dict.fromkeys(found))


def by_ear(words: Iterable[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Words by their pinyin, and by its initials: what a SoundList is made of."""
    by_sound: dict[str, list[str]] = {}
    by_initials: dict[str, list[str]] = {}
    for word in dict.fromkeys(words):
        if len(word) < 2:
            continue
        _, initials = keys(word)
        for sound in readings(word):
            by_sound.setdefault(sound, []).append(word)
        by_initials.setdefault(initials, []).append(word)
    return by_sound, by_initials


class SoundList:
    """Chinese words found by sound; words given first are preferred, then shorter ones."""

    def __init__(self, by_sound: Mapping[str, Sequence[str]], by_initials: Mapping[str, Sequence[str]]) -> None:
        self.by_sound = by_sound
        self.by_initials = by_initials
        self.sounds = sorted(by_sound)
        self.initials = sorted(by_initials)


class Sounds:
    """Several lists as one, the first preferred; what may not be told is as good as unknown."""

    def __init__(self, lists: Sequence[SoundList], may_tell: Callable[[str], bool] = anything) -> None:
        self._lists = lists
        self._may_tell = may_tell

    def spelt(self, typed: str) -> tuple[str, ...]:
        """The words whose full pinyin was typed; of several words in a row the likeliest of each, put together."""
        typed = typed.lower().replace("'", "")
        if not typed.isascii() or not typed.isalpha() or len(typed) > _LONGEST_TYPED:
            return ()
        if whole := self._told(self._of_sound(typed)):
            return whole
        parts = self._parts(typed)
        return ("".join(parts),) if parts else ()

    def begun(self, typed: str) -> tuple[str, ...]:
        """The words whose initials were typed, else those whose pinyin or initials begin so."""
        typed = typed.lower()
        if not typed.isascii() or not typed.isalpha() or not 2 <= len(typed) <= _LONGEST_TYPED:
            return ()
        if whole := self._told(word for known in self._lists for word in known.by_initials.get(typed, ())):
            return whole
        if len(typed) < _SHORTEST_PREFIX:
            return ()
        begun = [
            *(w for known in self._lists for key in _beginning(known.sounds, typed) for w in known.by_sound[key]),
            *(w for known in self._lists for key in _beginning(known.initials, typed) for w in known.by_initials[key]),
        ]
        return self._told(sorted(dict.fromkeys(begun), key=len))

    def same_sound(self, word: str) -> tuple[str, ...]:
        """Other words that sound like this one."""
        sound, _ = keys(word)
        return self._told(other for other in self._of_sound(sound) if other != word)

    def _of_sound(self, sound: str) -> Iterator[str]:
        return (word for known in self._lists for word in known.by_sound.get(sound, ()))

    def _told(self, words: Iterable[str]) -> tuple[str, ...]:
        told: list[str] = []
        for asked, word in enumerate(dict.fromkeys(words)):
            if len(told) == _MOST_MEANT or asked == _MOST_ASKED:
                break
            if self._may_tell(word):
                told.append(word)
        return tuple(told)

    def _parts(self, typed: str) -> list[str] | None:
        """The typed letters as few known words in a row, or None."""
        word_at: dict[tuple[int, int], str] = {}
        best: list[list[tuple[int, int]] | None] = [[]] + [None] * len(typed)
        for end in range(1, len(typed) + 1):
            for start in range(end):
                before = best[start]
                known = best[end]
                if before is None or (known is not None and len(before) + 1 >= len(known)):
                    continue
                word = next(iter(self._told(self._of_sound(typed[start:end]))), None)
                if word is not None:
                    word_at[start, end] = word
                    best[end] = [*before, (start, end)]
        whole = best[-1]
        return None if whole is None else [word_at[place] for place in whole]


def _beginning(ordered: Sequence[str], start: str) -> Iterator[str]:
    at = bisect_left(ordered, start)
    for key in ordered[at : at + 50]:
        if not key.startswith(start):
            return
        yield key
