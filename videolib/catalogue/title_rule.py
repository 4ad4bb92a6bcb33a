"""Whether a title names what an entry is about: by a label or synonym of its terms, or of a broader or narrower one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from search.analysis import CHINESE, latin_token
from search.concepts import forms
from search.documents import Concept
from search.languages import simplify
from videolib.catalogue.vocabulary import Term

_CHINESE_RUN = re.compile(rf"[{CHINESE}]+")
# 动脉化疗栓塞 is called 化疗栓塞 in a title: the end of a longer name says enough
_LONG_NAME, _ENOUGH = 5, 4
_LATIN_WORD = re.compile(rf"[^\W_{CHINESE}]+")


def names_one_of(title: Mapping[str, str], term_ids: Iterable[str], terms: Mapping[str, Term]) -> bool:
    """Whether one of the titles holds all words of some way to write one of the terms; `terms` is their whole list."""
    said = [_plain(text) for text in title.values()]
    return any(
        _is_said(_plain(form), said)
        for identifier in _line_of(term_ids, terms)
        for written in forms(_concept(terms[identifier])).values()
        for form in written
    )


def _plain(text: str) -> str:
    return simplify(unicodedata.normalize("NFKC", text))


def _is_said(form: str, said: list[str]) -> bool:
    """Chinese stands in the title as it is written, Latin words in any order and inflection."""
    runs, needed = _CHINESE_RUN.findall(form), _latin_words(form)
    return bool(runs or needed) and any(
        all(_core_of(run) in title for run in runs) and needed <= _latin_words(title) for title in said
    )


def _core_of(run: str) -> str:
    name = run.removesuffix("术")
    return name[-_ENOUGH:] if len(name) >= _LONG_NAME else run


def _latin_words(text: str) -> set[str]:
    return {latin_token(word) for word in _LATIN_WORD.findall(text)}


def _line_of(term_ids: Iterable[str], terms: Mapping[str, Term]) -> set[str]:
    """The terms, everything above them and everything below."""
    own = {identifier for identifier in term_ids if identifier in terms}
    line = set(own)
    for identifier in own:
        above = terms[identifier].broader_id
        while above in terms and above not in line:
            line.add(str(above))
            above = terms[str(above)].broader_id
    below = own
    while below:
        below = {term.id for term in terms.values() if term.broader_id in below} - line
        line |= below
    return line


def _concept(term: Term) -> Concept:
    synonyms = {language: tuple(names) for language, names in term.synonyms.items()}
    return Concept(
        id=term.id, scheme=term.scheme_id, labels=dict(term.labels), synonyms=synonyms, broader=term.broader_id
    )
