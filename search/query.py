"""The query language: what a reader typed becomes a plan of clauses and filters.

    carotid stenting          all words; a vocabulary term in any of its forms is one thing looked for
    "guide wire"  “导丝交换”    these words side by side
    -stroke  -"air embolism"  entries without it
    procedure:TACE  器械:支架   a term of a scheme, its narrower terms included; any scheme of the vocabulary (step,
                              device, access, complication, …), by label, synonym, id or a part of them
    grade:4  分级:四级          the same for the grade of the operation
    hospital:协和             words of an institution's name
    has:captions  有:字幕       also steps, annotations
    lang:zh  year:2020-2024  year:>=2023  duration:<10m  duration:5m-1h
    -device:支架  -has:captions  entries without

Any text is a query: what is not understood is looked for as words or ignored with a note. Time is bounded by reading
only the first MAX_CHARACTERS and looking for at most MAX_CLAUSES things. Engines never see the text.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from search.analysis import Analyzer, fold
from search.clauses import ClauseBuilder
from search.concepts import ConceptFinder, forms
from search.documents import Vocabulary
from search.engine import HOSPITAL, Clause, Filters, Range, Term
from search.pages import Expansion

MAX_CHARACTERS = 300
MAX_CLAUSES = 12

# A minus counts only where a word begins; hyphens inside words do not.
_ITEM = re.compile(
    r"""(?P<minus>(?<!\S)[-−](?=\S))?
        (?:(?P<field>[^\W\d]\w*):(?=\S))?
        (?:["“”„「『](?P<quoted>[^"“”„」』]*)["“”」』]|(?P<word>[^\s"“”„「」『』]+))""",
    re.VERBOSE,
)
_FIELDS_ZH = {
    "术式": "procedure", "手术": "procedure", "解剖": "anatomy", "疾病": "pathology", "器械": "device", "药物": "drug",
    "入路": "access", "影像": "imaging", "并发症": "complication", "语言": "lang", "年份": "year", "年": "year",
    "时长": "duration", "步骤": "step", "阶段": "phase", "分级": "cn_grade", "级别": "cn_grade", "难度": "difficulty",
    "类型": "content_type", "医院": "hospital", "单位": "hospital", "有": "has",
}  # fmt: skip
_FIELDS = {"grade": "cn_grade", "type": "content_type", "institution": "hospital", "language": "lang"}
_TRAITS = {
    "captions": "captions", "subtitles": "captions", "字幕": "captions", "steps": "steps", "步骤": "steps",
    "annotations": "annotations", "标注": "annotations",
}  # fmt: skip
_MOST_TOLD = 3  # terms of a field that are named in its explanation
_LANGUAGES = {"zh": "zh", "中文": "zh", "chinese": "zh", "en": "en", "英文": "en", "english": "en"}
_BOUND = re.compile(r"(<=|>=|<|>|=)?(\d{1,6}(?:\.\d{1,3})?)(h|m|s|min|小时|时|分钟|分|秒)?")
_SECONDS = {"h": 3600, "小时": 3600, "时": 3600, "s": 1, "秒": 1}
_DASH = re.compile(r"\.\.|[-–~]")


@dataclass(frozen=True)
class QueryPlan:
    """A query as data. text: what was read of it; expanded: how it was understood."""

    text: str
    clauses: tuple[Clause, ...]
    excluded: tuple[Clause, ...]
    filters: Filters
    expanded: tuple[Expansion, ...]
    conditions: tuple[Clause, ...] = ()
    concepts: tuple[str, ...] = ()  # that were found in the words


@dataclass
class _Draft:
    conditions: list[Clause] = field(default_factory=list)
    concepts: list[str] = field(default_factory=list)
    clauses: list[Clause] = field(default_factory=list)
    excluded: list[Clause] = field(default_factory=list)
    filters: Filters = field(default_factory=Filters)
    expanded: list[Expansion] = field(default_factory=list)


@dataclass(frozen=True)
class _Item:
    minus: bool
    field: str
    value: str
    quoted: bool
    start: int  # of the value
    end: int


def normalise(text: str) -> str:
    """As much of a typed text as is read, in NFKC: full-width signs are the signs of the language."""
    cut = unicodedata.normalize("NFKC", text[: MAX_CHARACTERS * 2])[:MAX_CHARACTERS]
    return "".join(" " if unicodedata.category(c)[0] == "C" else c for c in cut).strip()


class QueryReader:
    """Reads queries with one vocabulary; safe for threads."""

    def __init__(self, vocabulary: Vocabulary, analyzer: Analyzer, finder: ConceptFinder) -> None:
        self._vocabulary = vocabulary
        self._analyzer = analyzer
        self._finder = finder
        self._builder = ClauseBuilder(vocabulary, analyzer, finder)
        self._forms_by_scheme = _forms_by_scheme(vocabulary)

    def read(self, text: str, lang: str = "en", choices: Mapping[str, tuple[str, ...]] | None = None) -> QueryPlan:
        """The plan for a text. choices: words as typed -> what may have been meant."""
        text = normalise(text)
        draft = _Draft()
        run: list[_Item] = []
        for item in _items(text):
            if not (item.minus or item.field or item.quoted):
                run.append(item)
                continue
            self._free(text, run, draft, lang, choices or {})
            run = []
            self._special(item, draft, lang, choices or {})
        self._free(text, run, draft, lang, choices or {})
        if len(draft.clauses) > MAX_CLAUSES:
            ignored = [Expansion("ignored", clause.typed) for clause in draft.clauses[MAX_CLAUSES:]]
            draft.expanded += ignored
        return QueryPlan(
            text,
            tuple(draft.clauses[:MAX_CLAUSES]),
            tuple(draft.excluded[:MAX_CLAUSES]),
            draft.filters,
            tuple(draft.expanded),
            tuple(draft.conditions[:MAX_CLAUSES]),
            tuple(dict.fromkeys(draft.concepts)),
        )

    def _free(
        self,
        text: str,
        run: Sequence[_Item],
        draft: _Draft,
        lang: str,
        choices: Mapping[str, tuple[str, ...]],
    ) -> None:
        """Words side by side, read together: a term may have several words."""
        if run:
            start, end = run[0].start, run[-1].end
            self._words(text[start:end], start, draft, lang, choices)

    def _words(self, text: str, start: int, draft: _Draft, lang: str, choices: Mapping[str, tuple[str, ...]]) -> None:
        built = self._builder.build(text, start, choices)
        draft.clauses += built.clauses
        for typed, concept_ids in built.concepts:
            labels = tuple(self._vocabulary.concepts[id_].label(lang) for id_ in concept_ids)
            draft.concepts += concept_ids
            draft.expanded.append(Expansion("concept", typed, labels, self._other_forms(typed, concept_ids[0], lang)))

    def _other_forms(self, typed: str, concept_id: str, lang: str) -> tuple[str, ...]:
        """Other names under which a term is looked for too: both labels, then synonyms, the reader's language first."""
        concept = self._vocabulary.concepts[concept_id]
        langs = sorted({*concept.labels, *concept.synonyms}, key=lambda of: of != lang)
        names = [concept.labels[of] for of in langs if of in concept.labels]
        names += [name for of in langs for name in concept.synonyms.get(of, ())]
        told = {typed.casefold(), concept.label(lang).casefold()}
        return tuple(name for name in dict.fromkeys(names) if name.casefold() not in told)[:_MOST_TOLD]

    def _special(self, item: _Item, draft: _Draft, lang: str, choices: Mapping[str, tuple[str, ...]]) -> None:
        name = _FIELDS_ZH.get(item.field, _FIELDS.get(item.field.lower(), item.field.lower()))
        if name and self._filter(name, item, draft, lang):
            return
        if item.minus:
            draft.excluded += self._whole(item)
        elif item.quoted:
            draft.clauses += self._whole(item)
        else:
            draft.expanded.append(Expansion("ignored", f"{item.field}:"))
            self._words(item.value, item.start, draft, lang, choices)

    def _whole(self, item: _Item) -> Iterable[Clause]:
        """A phrase as one clause; an excluded word too, so that a term excludes its synonyms."""
        if item.quoted:
            clause = self._builder.phrase(item.value, item.start)
            return (clause,) if clause.leaves else ()
        clauses = self._builder.build(item.value, item.start, {}).clauses
        return (self._builder.together(clauses, item.value),) if clauses else ()

    def _filter(self, name: str, item: _Item, draft: _Draft, lang: str) -> bool:
        """Add a condition; False when the field or its value means nothing."""
        note: tuple[str, ...] | None = (item.value,)
        if name in self._forms_by_scheme:
            note = self._term_filter(name, item, draft, lang)
        elif name == "hospital":
            note = self._hospital_filter(item, draft)
        else:
            changed = _plain_filter(name, item, draft.filters)
            note = None if changed is None else note
            draft.filters = changed or draft.filters
        if note is None:
            return False
        draft.expanded.append(Expansion("filter", f"{'-' if item.minus else ''}{item.field}:{item.value}", note))
        return True

    def _term_filter(self, scheme: str, item: _Item, draft: _Draft, lang: str) -> tuple[str, ...] | None:
        """Add a condition on terms; the labels of some of them, None if there are none."""
        filters = draft.filters
        pairs = frozenset((scheme, id_) for id_ in self._terms(scheme, item.value))
        if not pairs:
            return None
        if item.minus:
            draft.filters = replace(filters, without=filters.without | pairs)
        else:
            draft.filters = replace(filters, terms=(*filters.terms, pairs))
        labels = sorted(
            {self._vocabulary.concepts[id_].label(lang) for _, id_ in pairs}, key=lambda name: (len(name), name)
        )
        return (*labels[:_MOST_TOLD], *(("…",) if len(labels) > _MOST_TOLD else ()))

    def _hospital_filter(self, item: _Item, draft: _Draft) -> tuple[str, ...] | None:
        """Add a condition on the words of an institution's name."""
        words = dict.fromkeys(token.text for token in self._analyzer.words(item.value))
        if not words:
            return None
        leaves = (Clause((Term(HOSPITAL, word, 1.0),), word) for word in words)
        clause = self._builder.together(tuple(leaves)[:MAX_CLAUSES], item.value)
        (draft.excluded if item.minus else draft.conditions).append(clause)
        return (item.value,)

    def _terms(self, scheme: str, value: str) -> Iterator[str]:
        """Ids of a scheme: by id, else by any form, else all terms with the value in a form."""
        named = value.lower()
        ids = [
            id_ for id_, _ in self._forms_by_scheme[scheme] if named in (id_.lower(), id_.lower().rpartition(".")[2])
        ]
        if ids:
            return iter(ids)
        units = self._analyzer.units(value, loose=True)
        for found in self._finder.longest_in(units):
            if found.last - found.first + 1 == len(units):
                ids = [id_ for id_ in found.concept_ids if self._vocabulary.concepts[id_].scheme == scheme]
                if ids:
                    return iter(ids)
        wanted = fold_text(value)
        rows = self._forms_by_scheme[scheme]
        whole = [id_ for id_, written in rows if wanted and f" {wanted} " in f" {written} "]
        return iter(whole or [id_ for id_, written in rows if wanted and wanted in written])


def _forms_by_scheme(vocabulary: Vocabulary) -> dict[str, list[tuple[str, str]]]:
    by_scheme: dict[str, list[tuple[str, str]]] = {}
    for concept in vocabulary.concepts.values():
        written = " | ".join(fold_text(form) for names in forms(concept).values() for form in names)
        by_scheme.setdefault(concept.scheme, []).append((concept.id, written))
    return by_scheme


def fold_text(text: str) -> str:
    """Every word of a text folded, as `fold` does one."""
    return " ".join(fold(word) for word in text.split())


def _items(text: str) -> Iterator[_Item]:
    for found in _ITEM.finditer(text):
        kind = "quoted" if found["quoted"] is not None else "word"
        start, end = found.span(kind)
        yield _Item(bool(found["minus"]), found["field"] or "", found[kind], kind == "quoted", start, end)


def _plain_filter(name: str, item: _Item, filters: Filters) -> Filters | None:
    """The filters with a condition on a language, a trait, years or durations more; None if it means nothing."""
    value = item.value.lower()
    if name == "has" and value in _TRAITS:
        kind = "without_traits" if item.minus else "traits"
        return replace(filters, **{kind: getattr(filters, kind) | {_TRAITS[value]}})
    if name == "lang" and value in _LANGUAGES and not item.minus:
        return replace(filters, langs=filters.langs | {_LANGUAGES[value]})
    if item.minus:
        return None
    interval = _interval(value, in_seconds=name == "duration") if name in ("year", "duration") else None
    if interval is None:
        return None
    if name == "year":
        return replace(filters, years=(*filters.years, interval)[:MAX_CLAUSES])
    return replace(filters, durations_s=(*filters.durations_s, interval)[:MAX_CLAUSES])


def _interval(value: str, *, in_seconds: bool) -> Range | None:
    """The interval of "<10m", ">=2020", "5m-1h", "2021"; minutes where a duration has no unit."""
    ends = _DASH.split(value)
    if len(ends) == 2 and all(ends):
        low, high = (_bound(end, in_seconds=in_seconds) for end in ends)
        return Range(low[1], high[1]) if low and high and not low[0] and not high[0] else None
    bound = _bound(value, in_seconds=in_seconds)
    if bound is None:
        return None
    sign, number = bound
    if sign in ("<", "<="):
        return Range(None, number, strict=sign == "<")
    if sign in (">", ">="):
        return Range(number, None, strict=sign == ">")
    # A duration typed in minutes is never met to the second.
    return Range(number - 30, number + 30) if in_seconds else Range(number, number)


def _bound(text: str, *, in_seconds: bool) -> tuple[str, float] | None:
    found = _BOUND.fullmatch(text)
    if found is None or (found[3] and not in_seconds):
        return None
    factor = _SECONDS.get(found[3] or "m", 60) if in_seconds else 1
    return found[1] or "", float(found[2]) * factor
