"""Text into tokens, the same way for the index and for the query.

NFKC, traditional to simplified, then: Chinese by the dictionary, with the shorter words inside each word; Latin words
folded, American in spelling and stemmed, except acronyms, which stay whole (TIPS is not "tip"). Three views of a text:

    words()  a bag of words for ranking
    exact()  one position a Chinese character or Latin word, for phrases; a quoted phrase is found wherever its
             characters stand in the text, however the dictionary cut them
    units()  the keys by which search/concepts.py recognises vocabulary terms

All offsets are into the text as it was given.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from search.languages import Segmenter, simplify, stem

ANALYSIS_VERSION = 2  # part of an index's name: raise it when the same text gives other tokens

CHINESE = "\u3400-\u9fff\uf900-\ufaff〇々\U00020000-\U0003ffff"
_PIECE = re.compile(
    rf"(?P<chinese>[{CHINESE}]+)|(?P<latin>\d+(?:\.\d+)+|[^\W_{CHINESE}]+)|(?P<stop>[。．.,，;；!?！？、\n])"
)
_ALL_CHINESE = re.compile(f"[{CHINESE}]+")
_LETTERS_OR_DIGITS = re.compile(r"\d+(?:\.\d+)*|\D+")
_JOINERS = frozenset("-‐‑–/")
_MAX_WORD = 64  # longer runs of letters are no words; they are cut, not kept

# British to American: any consistent rewriting will do, wrong hits ("rising") only meet themselves.
_AMERICAN = (
    (re.compile(r"aemia"), "emia"),
    (re.compile(r"haem"), "hem"),
    (re.compile(r"^oe(?=[sd])"), "e"),
    (re.compile(r"coel"), "cel"),
    (re.compile(r"(an|p|f)ae(?=[sdc])"), r"\1e"),
    (re.compile(r"(?<=.{2})our(s|ed|ing)?$"), r"or\1"),
    (re.compile(r"(?<=.{3})is(e|es|ed|ing|er|ation|ations)$"), r"iz\1"),
    (re.compile(r"(?<=.{2})ys(e|es|ed|ing)$"), r"yz\1"),
    (re.compile(r"(?<=.{2}[bt])re(s?)$"), r"er\1"),
    (re.compile(r"ch?aem"), "chem"),
    (re.compile(r"(?<=.{3})lli(ng|ed)$"), r"li\1"),
)


class Token(NamedTuple):
    """A word for the index with its place in the text."""

    text: str
    start: int
    end: int


class Unit(NamedTuple):
    """One step of a vocabulary form: a Chinese character, a Latin word, or (no keys) a stop between sentences."""

    keys: tuple[str, ...]
    start: int
    end: int
    inside_word: bool = False  # does it continue a dictionary word begun before it?


class _Piece(NamedTuple):
    kind: str
    text: str
    start: int  # into the normalised text


class _Normalised:
    """A text after NFKC and simplification, with the way back to the offsets of the original."""

    def __init__(self, original: str) -> None:
        self._starts: list[int] | None = None
        self._length = len(original)
        if unicodedata.is_normalized("NFKC", original):
            self.text = simplify(original)
            return
        characters: list[str] = []
        starts: list[int] = []
        for at, cluster in _clusters(original):
            for character in unicodedata.normalize("NFKC", cluster):
                characters.append(character)
                starts.append(at)
        self.text = simplify("".join(characters))
        self._starts = starts

    def original(self, start: int, end: int) -> tuple[int, int]:
        if self._starts is None:
            return start, end
        past = next((at for at in self._starts[end:] if at > self._starts[end - 1]), self._length)
        return self._starts[start], past

    def pieces(self) -> Sequence[_Piece]:
        return self._pieces

    @cached_property
    def _pieces(self) -> Sequence[_Piece]:
        return [
            _Piece(str(found.lastgroup), found.group()[: _MAX_WORD * 64], found.start())
            for found in _PIECE.finditer(self.text)
        ]


# The same text is read as words, as units and by position, one after the other.
_normalised = lru_cache(maxsize=256)(_Normalised)


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Each character with the combining marks behind it, which NFKC may melt into one."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not unicodedata.combining(text[at]):
            yield start, text[start:at]
            start = at


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """A Latin word without case and accents, in American spelling; not stemmed."""
    word = word[:_MAX_WORD].casefold()
    if not word.isascii():
        word = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    if len(word) > 4:
        for british, american in _AMERICAN:
            word = british.sub(american, word)
    return word


def acronym(word: str) -> str | None:
    """The acronym that a word is: "TIPS" for TIPS, "AVM" for AVMs and AVM, None for what is no acronym."""
    base = word[:-1] if len(word) > 2 and word[-1] == "s" and word[:-1].isupper() else word
    return base if base.isupper() and sum(c.isalpha() for c in base) >= 2 and len(base) <= 10 else None


def latin_token(word: str) -> str:
    """What stands in the index for a Latin word: acronyms whole, other words stemmed."""
    short = acronym(word)
    return fold(short) if short else stem(fold(word))


def split_digits(word: str) -> list[str]:
    """Y90 as Y and 90."""
    return _LETTERS_OR_DIGITS.findall(word)


class Analyzer:
    """Both languages' text analysis with one vocabulary's words in its dictionary; safe for threads."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    def words(self, text: str) -> list[Token]:
        """Every word and the shorter words inside it; Latin compounds also in one piece (Y-90 as y, 90 and y90)."""
        normalised = _normalised(text)
        tokens: list[Token] = []
        previous: _Piece | None = None
        for piece in normalised.pieces():
            if piece.kind == "chinese":
                tokens += self._chinese_words(piece, normalised)
            elif piece.kind == "latin":
                place = normalised.original(piece.start, piece.start + len(piece.text))
                tokens.append(Token(latin_token(piece.text), *place))
                joined = _joined(previous, piece, normalised.text)
                if joined and previous:
                    end = piece.start + len(piece.text)
                    tokens.append(Token(joined, *normalised.original(previous.start, end)))
            previous = piece if piece.kind == "latin" else None
        return tokens

    def _chinese_words(self, piece: _Piece, normalised: _Normalised) -> Iterator[Token]:
        at = piece.start
        for word in self._segmenter.cut(piece.text):
            yield Token(word, *normalised.original(at, at + len(word)))
            for offset, part in self._segmenter.sub_words(word):
                yield Token(part, *normalised.original(at + offset, at + offset + len(part)))
            at += len(word)

    def cut(self, text: str) -> list[Token]:
        """The words of a query, one after another: single Chinese characters in a row stay together (a name)."""
        normalised = _normalised(text)
        tokens: list[Token] = []
        for piece in normalised.pieces():
            if piece.kind == "latin":
                place = normalised.original(piece.start, piece.start + len(piece.text))
                tokens.append(Token(piece.text, *place))
            elif piece.kind == "chinese":
                at = piece.start
                for word in _gather_single(self._segmenter.cut(piece.text)):
                    tokens.append(Token(word, *normalised.original(at, at + len(word))))
                    at += len(word)
        return tokens

    def knows(self, word: str) -> bool:
        """Is it a word of the Chinese dictionary?"""
        return self._segmenter.knows(word)

    def exact(self, text: str) -> list[tuple[str, ...]]:
        """The tokens at each position: a Chinese character and the pair it begins, or a folded Latin word."""
        return [tokens for tokens, _, _ in self.exact_places(text)]

    def exact_places(self, text: str) -> list[tuple[tuple[str, ...], int, int]]:
        """The same with each position's place in the text."""
        normalised = _normalised(text)
        positions: list[tuple[tuple[str, ...], int, int]] = []
        for piece in normalised.pieces():
            if piece.kind == "latin":
                place = normalised.original(piece.start, piece.start + len(piece.text))
                positions.append(((fold(piece.text),), *place))
            elif piece.kind == "chinese":
                run = piece.text
                for at, character in enumerate(run):
                    place = normalised.original(piece.start + at, piece.start + at + 1)
                    tokens = (character, run[at : at + 2]) if at + 1 < len(run) else (character,)
                    positions.append((tokens, *place))
        return positions

    def phrase(self, text: str) -> tuple[tuple[int, str], ...]:
        """(offset, token) in exact() that together stand for the text: pairs of characters where it can."""
        wanted: list[tuple[int, str]] = []
        for at, tokens in enumerate(self.exact(text)):
            covered = len(tokens) == 1 and wanted and len(wanted[-1][1]) == 2 and wanted[-1][1][1] == tokens[0]
            if not (covered and wanted[-1][0] == at - 1 and is_chinese(tokens[0])):
                wanted.append((at, tokens[-1]))
        return tuple(wanted)

    def units(self, text: str, *, loose: bool) -> list[Unit]:
        """The steps by which vocabulary forms are recognised; loose also takes "tips" for TIPS (typed queries)."""
        normalised = _normalised(text)
        units: list[Unit] = []
        for piece in normalised.pieces():
            if piece.kind == "chinese":
                units += self._chinese_units(piece, normalised)
            elif piece.kind == "latin":
                for part in _LETTERS_OR_DIGITS.finditer(piece.text):
                    start = piece.start + part.start()
                    place = normalised.original(start, start + len(part.group()))
                    units.append(Unit(_latin_keys(part.group(), loose=loose), *place))
            else:
                units.append(Unit((), *normalised.original(piece.start, piece.start + 1)))
        return units

    def _chinese_units(self, piece: _Piece, normalised: _Normalised) -> Iterator[Unit]:
        at = piece.start
        for word in self._segmenter.cut(piece.text):
            for offset, character in enumerate(word):
                place = normalised.original(at + offset, at + offset + 1)
                yield Unit((character,), *place, inside_word=offset > 0)
            at += len(word)


def _joined(previous: _Piece | None, piece: _Piece, text: str) -> str | None:
    """The compound of two Latin pieces with a hyphen or slash between them, as one word."""
    if previous is None or previous.start + len(previous.text) + 1 != piece.start:
        return None
    if text[piece.start - 1] not in _JOINERS:
        return None
    return latin_token(previous.text + piece.text)


def _latin_keys(word: str, *, loose: bool) -> tuple[str, ...]:
    """The keys of a word: "=TIPS" is that of an acronym, "tip" of the word."""
    folded = fold(word)
    stemmed = stem(folded)
    short = acronym(word)
    if short:
        # A title in capitals is full of words that only look like acronyms; real ones are short.
        return (f"={short}", stemmed) if len(word) >= 5 else (f"={short}",)
    if not word.isalpha():
        return (stemmed,)
    # Written small in a text, "tace" can only be TACE, but "pad" or "tips" mostly are not PAD and TIPS.
    if loose or (len(word) >= 4 and stemmed == folded):
        return (stemmed, f"={word.upper()}")
    return (stemmed,)


def _gather_single(words: Iterable[str]) -> list[str]:
    gathered: list[str] = []
    open_run = False
    for word in words:
        if open_run and len(word) == 1:
            gathered[-1] += word
        else:
            gathered.append(word)
        open_run = len(word) == 1
    return gathered


def is_chinese(text: str) -> bool:
    """Are all its characters Chinese?"""
    return _ALL_CHINESE.fullmatch(text) is not None
