"""The libraries that know Chinese and English words, typed: jieba, OpenCC, Snowball and pypinyin.

Nothing outside this module imports them. Their first load takes about a second and is shared by a process.
"""

import logging
import re
import threading
import warnings
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path

with warnings.catch_warnings():
    # jieba 0.42.1 has invalid escapes in its regular expressions and asks setuptools for pkg_resources.
    warnings.filterwarnings("ignore", category=SyntaxWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=UserWarning, message=".*pkg_resources")
    import jieba
import opencc
import pypinyin
import snowballstemmer

jieba.setLogLevel(logging.ERROR)  # it greets on stderr at every load

LONGEST_SUB_WORD = 6


@cache
def library_versions() -> str:
    """The versions whose tables decide which tokens a text gives; part of an index's name."""
    return " ".join(version(name) for name in ("jieba", "opencc", "snowballstemmer"))


class Segmenter:
    """Chinese text into words, by jieba's dictionary and ours; no statistics guess new words.

    words: our own dictionary. folder: where jieba keeps its parsed dictionary between starts, None for nowhere of
    ours (then it uses the machine's temporary folder).
    """

    def __init__(self, words: Iterable[str], folder: Path | None = None) -> None:
        self._tokenizer = jieba.Tokenizer()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._tokenizer.tmp_dir = str(folder)
            self._tokenizer.cache_file = "jieba.cache"
        self._tokenizer.initialize()
        for word in sorted(set(words)):  # the order decides the suggested frequencies
            self._tokenizer.add_word(word)
        # The same stretch is asked for as words, as units and for marking: remember the last ones.
        self.cut = lru_cache(maxsize=16384)(self._cut)
        self.sub_words = lru_cache(maxsize=16384)(self._sub_words)

    def _cut(self, text: str) -> tuple[str, ...]:
        """The words of a stretch of Chinese, one after another, nothing left out."""
        return tuple(self._tokenizer.cut(text, HMM=False))

    def knows(self, word: str) -> bool:
        """Is it in the dictionary?"""
        return bool(self._tokenizer.FREQ.get(word))

    def _sub_words(self, word: str) -> tuple[tuple[int, str], ...]:
        """(offset, word) of each shorter dictionary word inside `word`, of two characters or more."""
        found: list[tuple[int, str]] = []
        frequencies = self._tokenizer.FREQ
        for length in range(2, min(len(word) - 1, LONGEST_SUB_WORD) + 1):
            for start in range(len(word) - length + 1):
                part = word[start : start + length]
                if frequencies.get(part):
                    found.append((start, part))
        return tuple(found)


_HALF_CHARACTERS = re.compile("[\ud800-\udfff]")
_converter_lock = threading.Lock()


@cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def simplify(text: str) -> str:
    """Traditional characters as simplified ones; always as many characters as before."""
    if text.isascii():
        return text
    text = _HALF_CHARACTERS.sub("\ufffd", text)  # which no encoding knows
    with _converter_lock:  # the binding makes no promise about threads
        converted: str = _converter().convert(text)
        if len(converted) == len(text):
            return converted
        characters = [str(_converter().convert(character)) for character in text]
    return "".join(new if len(new) == 1 else old for old, new in zip(text, characters, strict=True))


_stemmer_state = threading.local()


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The English stem of a lower-case word; a stemmer a thread, since each keeps the word it works on."""
    stemmer = getattr(_stemmer_state, "stemmer", None)
    if stemmer is None:
        stemmer = _stemmer_state.stemmer = snowballstemmer.stemmer("english")
    return str(stemmer.stemWord(word))


@lru_cache(maxsize=65536)
def syllables(text: str) -> tuple[str, ...]:
    """The toneless pinyin of each Chinese character; what is not Chinese is left out."""
    found: Sequence[str] = pypinyin.lazy_pinyin(text, errors="ignore")
    return tuple(syllable.lower() for syllable in found)
