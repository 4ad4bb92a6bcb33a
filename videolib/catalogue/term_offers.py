"""Terms offered while somebody types: by label or synonym in either language, pinyin, initials, or with a slip."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy.orm import Session

from search.analysis import is_chinese
from search.languages import syllables
from search.suggest import completion_key
from videolib.catalogue.vocabulary import LANGUAGES, Term, list_terms

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
_WORD = re.compile(r"[^\W_]+")
_SHORTEST_SLIP = 4
_ALIKE = 0.8


@dataclass(frozen=True)
class Offer:
    """A term and the name by which it was found (its label, or a synonym)."""

    term: Term
    found_by: str


@dataclass(frozen=True)
class _Keys:
    """A name folded; where its words begin; its pinyin from each syllable on; its initials."""

    whole: str
    words: tuple[int, ...]
    sounds: tuple[str, ...]
    initials: str


def offer_terms(
    session: Session, scheme_id: str, typed: str, *, language: str, limit: int = DEFAULT_LIMIT
) -> list[Offer]:
    """The choosable terms that `typed` may mean, likeliest first; all in their order where nothing was typed."""
    terms = [term for term in list_terms(session, scheme_id) if term.is_choosable()]
    wanted = completion_key(typed)
    if not wanted:
        return [Offer(term, term.label(language)) for term in terms[:limit]]
    ranked = [(*best, place) for place, term in enumerate(terms) if (best := _best(term, wanted, language))]
    if not ranked:
        ranked = [(*best, place) for place, term in enumerate(terms) if (best := _slip(term, wanted))]
    ranked.sort(key=lambda found: (found[0], found[1], found[3]))
    return [Offer(terms[place], name) for _rank, _length, name, place in ranked[:limit]]


def _best(term: Term, wanted: str, language: str) -> tuple[int, int, str] | None:
    """How well the best name of a term fits: (rank, length of the name, name)."""
    fits = []
    for spoken in LANGUAGES:
        for name in (term.labels.get(spoken, ""), *term.synonyms.get(spoken, ())):
            rank = _rank(wanted, _keys(name)) if name else None
            if rank is not None:
                fits.append((rank, spoken != language, len(name), name))
    if not fits:
        return None
    rank, _foreign, length, name = min(fits)
    return rank, length, name


def _rank(wanted: str, keys: _Keys) -> int | None:
    """How well a name fits what was typed; None where it does not."""
    return next((rank for rank, fits in enumerate(_FITS) if fits(wanted, keys)), None)


def _stands_inside(wanted: str, keys: _Keys) -> bool:
    # two Latin letters stand inside everything
    return wanted in keys.whole and (len(wanted) > 2 or any(is_chinese(character) for character in wanted))


def _every_word(wanted: str, keys: _Keys) -> bool:
    words = wanted.split(" ")
    return len(words) > 1 and all(word in keys.whole for word in words)


def _letters(wanted: str) -> str:
    letters = wanted.replace(" ", "").replace("'", "")
    return letters if letters.isascii() and letters.isalpha() else ""


def _sounds_so(wanted: str, keys: _Keys) -> bool:
    letters = _letters(wanted)
    return bool(letters) and any(sound.startswith(letters) for sound in keys.sounds)


def _has_initials(wanted: str, keys: _Keys) -> bool:
    letters = _letters(wanted)
    return len(letters) > 1 and letters in keys.initials


# the best first: the whole name, its beginning, the beginning of a word, inside, every word, pinyin, initials
_FITS: tuple[Callable[[str, _Keys], bool], ...] = (
    lambda wanted, keys: wanted == keys.whole,
    lambda wanted, keys: keys.whole.startswith(wanted),
    lambda wanted, keys: any(keys.whole.startswith(wanted, start) for start in keys.words),
    _stands_inside,
    _every_word,
    _sounds_so,
    _has_initials,
)


def _slip(term: Term, wanted: str) -> tuple[int, int, str] | None:
    """A Latin name, or a word of one, that differs by a slip of the finger."""
    if len(wanted) < _SHORTEST_SLIP or not wanted.isascii():
        return None
    for name in (term.labels.get("en", ""), *term.synonyms.get("en", ())):
        whole = _keys(name).whole
        candidates = [whole, *_WORD.findall(whole)]
        if difflib.get_close_matches(wanted, _shortened(candidates, len(wanted)), n=1, cutoff=_ALIKE):
            return 9, len(name), name
    return None


def _shortened(candidates: Iterable[str], length: int) -> list[str]:
    """What was typed is often a beginning: beginnings of its length are compared too."""
    return [part for name in candidates for part in {name, name[:length], name[: length + 1]}]


@lru_cache(maxsize=50_000)
def _keys(name: str) -> _Keys:
    whole = completion_key(name)
    sounds = syllables("".join(character for character in whole if is_chinese(character)))
    return _Keys(
        whole,
        tuple(found.start() for found in _WORD.finditer(whole)),
        tuple("".join(sounds[start:]) for start in range(len(sounds))),
        "".join(sound[0] for sound in sounds if sound),
    )
