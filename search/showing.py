"""How a hit is shown: the title and a snippet with what was found marked, and the moments it was found at.

Done for the hits of one page only, from their records; engines' own highlighters are slower by a hundred times.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from search.analysis import Analyzer
from search.concepts import ConceptFinder
from search.documents import Moment, Vocabulary
from search.engine import WIDER, WORDS, AllOf, Clause, Leaf, Phrase
from search.pages import FoundMoment, MarkedText
from search.phrases import Place, SoughtPhrase
from search.preparing import goes_on
from search.records import CONCEPT_MARK, Record, Spoken, line_of

SNIPPET_CHARACTERS = 160
MOST_MOMENTS = 3
WINDOW_S = 30.0
_LONGEST_MOMENT_TEXT = 200


@dataclass
class _Wanted:
    """What one clause looks for. concepts: narrower ones are found too."""

    words: set[str] = field(default_factory=set)
    concepts: set[str] = field(default_factory=set)
    phrases: list[SoughtPhrase] = field(default_factory=list)
    # alternatives whose parts have to stand together, each a list of its parts
    together: list[list["_Wanted"]] = field(default_factory=list)

    @cached_property
    def lines(self) -> list[bytes]:
        """By what its words and concepts are looked up in records; asked for when it is complete."""
        return [line_of(token) for token in (*self.words, *(CONCEPT_MARK + id_ for id_ in self.concepts))]

    @classmethod
    def apart(cls, leaves: Iterable[Leaf], analyzer: Analyzer) -> "_Wanted":
        """Where to look for places: a part of an alternative alone is not what was asked for."""
        wanted = cls()
        for leaf in leaves:
            if isinstance(leaf, AllOf):
                wanted.together.append([cls.apart(clause.leaves, analyzer) for clause in leaf.clauses])
            else:
                wanted.add([leaf], analyzer)
        return wanted

    def add(self, leaves: Iterable[Leaf], analyzer: Analyzer, *, apart: bool = False) -> None:
        """Note what leaves look for. apart: as words of a term; a single character of one says nothing by itself."""
        for leaf in leaves:
            if isinstance(leaf, Phrase):
                if not apart or sum(len(token) for _, token in leaf.tokens) > 1:
                    self.phrases.append(SoughtPhrase(leaf, analyzer))
            elif isinstance(leaf, AllOf):
                for clause in leaf.clauses:
                    self.add(clause.leaves, analyzer, apart=True)
            elif leaf.field == WORDS:
                self.words.add(leaf.token)
            else:
                self.concepts.add(leaf.token.removeprefix(WIDER))


class Shower:
    """Marks texts and picks moments for one query."""

    def __init__(
        self, vocabulary: Vocabulary, analyzer: Analyzer, finder: ConceptFinder, clauses: Sequence[Clause]
    ) -> None:
        self._vocabulary = vocabulary
        self._analyzer = analyzer
        self._finder = finder
        self._wanted: list[_Wanted] = []
        self._places = [_Wanted.apart(clause.leaves, analyzer) for clause in clauses]
        for clause in clauses:
            wanted = _Wanted()
            wanted.add(clause.leaves, analyzer)
            self._wanted.append(wanted)

    def shown(self, record: Record, lang: str) -> tuple[MarkedText, MarkedText, tuple[FoundMoment, ...]]:
        """Title, snippet and moments of a hit, in the reader's language where there is a choice."""
        moments = self.moments(record, lang)
        places = record.places(self._lines) if self._wanted else {}
        (number, text), summaries = record.texts(lang)
        title = MarkedText(text, self._marks(text, places.get(number, ()), is_plain=record.is_plain))
        return title, self._snippet(record, summaries, places, moments), moments

    def _snippet(
        self,
        record: Record,
        summaries: Sequence[tuple[int, str]],
        places: Mapping[int, Sequence[Place]],
        moments: Sequence[FoundMoment],
    ) -> MarkedText:
        """The stretch of a summary with most found in it; else the first moment found; else how a summary begins."""
        for number, text in summaries:
            marks = self._marks(text, places.get(number, ()), is_plain=record.is_plain)
            if marks:
                return _cut(MarkedText(text, marks))
        if moments:
            return _cut(MarkedText(moments[0].text, self._marks_anew(moments[0].text)))
        return _cut(MarkedText(summaries[0][1] if summaries else ""))

    def moments(self, record: Record, lang: str) -> tuple[FoundMoment, ...]:
        """Up to three stretches in which most of what was asked for is found, best first, none at the same time."""
        spoken = record.spoken if self._places else None
        if spoken is None:
            return ()
        found: dict[int, set[int]] = {}
        for clause, wanted in enumerate(self._places):
            for number in self._numbers(wanted, spoken):
                found.setdefault(number, set()).add(clause)
        if not found:
            return ()
        rows = sorted(_windows(spoken.some(list(found)), found, lang), key=lambda row: (-row[0], row[1].start_s))
        chosen: list[FoundMoment] = []
        for _, moment in rows:
            if all(moment.end_s <= other.start_s or moment.start_s >= other.end_s for other in chosen):
                chosen.append(moment)
            if len(chosen) == MOST_MOMENTS:
                break
        return tuple(chosen)

    def _numbers(self, wanted: _Wanted, spoken: Spoken) -> set[int]:
        numbers = spoken.numbers(wanted.lines)
        for phrase in wanted.phrases:
            numbers.update(self._with_phrase(phrase, spoken))
        groups = [[self._numbers(part, spoken) for part in parts] for parts in wanted.together]
        for group in groups:
            numbers |= set.intersection(*group)
        # nowhere together: in neighbouring cues, perhaps
        return numbers or set().union(*(part for group in groups for part in group))

    def _is_wanted(self, concept_id: str, wanted: _Wanted) -> bool:
        line = (concept_id, *self._vocabulary.broader_than(concept_id))
        return not wanted.concepts.isdisjoint(line)

    def _with_phrase(self, phrase: SoughtPhrase, spoken: Spoken) -> Iterator[int]:
        """The moments that hold the phrase, or in which it begins when the next cue goes on with it."""
        if phrase.needle and spoken.is_plain:
            yield from spoken.holding(phrase.needle)
            return
        if not phrase.may_stand_in(spoken.text, is_plain=spoken.is_plain):
            return
        moments = spoken.moments
        for number, moment in enumerate(moments):
            after = moments[number + 1] if number + 1 < len(moments) else None
            joined = f"{moment.text} {after.text}" if after and goes_on(moment, after) else moment.text
            places = list(phrase.places(joined, is_plain=spoken.is_plain))
            if any(start < len(moment.text) for start, _ in places):
                yield number
                if after and any(start < len(moment.text) < end for start, end in places):
                    yield number + 1

    def _marks(self, text: str, places: Iterable[Place], *, is_plain: bool) -> tuple[Place, ...]:
        """Marks in a text, the places of whose words are known."""
        phrased = (place for phrase in self._phrases for place in phrase.places(text, is_plain=is_plain))
        return _merged([*places, *phrased])

    def _marks_anew(self, text: str) -> tuple[Place, ...]:
        places = [(token.start, token.end) for token in self._analyzer.words(text) if token.text in self._tokens]
        units = self._analyzer.units(text, loose=False)
        for found in self._finder.all_in(units):
            if any(self._is_wanted(id_, wanted) for id_ in found.concept_ids for wanted in self._wanted):
                places.append((units[found.first].start, units[found.last].end))
        return self._marks(text, places, is_plain=False)

    @cached_property
    def _tokens(self) -> frozenset[str]:
        """All words looked for, and concepts with their mark."""
        words = {word for wanted in self._wanted for word in wanted.words}
        return frozenset(words | {CONCEPT_MARK + id_ for wanted in self._wanted for id_ in wanted.concepts})

    @cached_property
    def _lines(self) -> list[bytes]:
        return [line_of(token) for token in self._tokens]

    @cached_property
    def _phrases(self) -> list[SoughtPhrase]:
        return list({phrase.tokens: phrase for wanted in self._wanted for phrase in wanted.phrases}.values())


def _merged(places: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _cut(marked: MarkedText) -> MarkedText:
    """The stretch of a long text that holds most marks, begun a little before the first of them."""
    if len(marked.text) <= SNIPPET_CHARACTERS:
        return marked
    room = SNIPPET_CHARACTERS - 2

    def held(start: int) -> int:
        return sum(start <= mark[0] and mark[1] <= start + room for mark in marked.marks)

    starts = [max(0, mark[0] - room // 4) for mark in marked.marks] or [0]
    start = min(max(starts, key=held), max(0, len(marked.text) - room))
    if start and " " in marked.text[start : start + 20]:
        start += marked.text[start : start + 20].index(" ") + 1
    end = min(len(marked.text), start + room)
    before = "…" if start else ""
    marks = tuple(
        (max(a, start) - start + len(before), min(b, end) - start + len(before))
        for a, b in marked.marks
        if a < end and b > start
    )
    return MarkedText(before + marked.text[start:end] + ("…" if end < len(marked.text) else ""), marks)


def _windows(
    moments: Mapping[int, Moment], found: dict[int, set[int]], lang: str
) -> Iterator[tuple[float, FoundMoment]]:
    """(how good, moment): cues of one language within 30 s together, other kinds each alone."""
    cues: dict[str | None, list[int]] = {}
    for number in sorted(found, key=lambda number: moments[number].start_s):
        moment = moments[number]
        if moment.kind == "caption":
            cues.setdefault(moment.lang, []).append(number)
        else:
            # A named step says more than a word in passing.
            yield len(found[number]) + 0.5, _joined([moment])
    for of, numbers in cues.items():
        bonus = 0.2 if (of or "").split("-")[0] == lang else 0.0
        for at, first in enumerate(numbers):
            limit = moments[first].start_s + WINDOW_S
            window = [number for number in numbers[at:] if moments[number].end_s <= limit] or [first]
            covered = set().union(*(found[number] for number in window))
            yield len(covered) + bonus + min(0.1 * len(window), 0.3), _joined([moments[n] for n in window])


def _joined(moments: Sequence[Moment]) -> FoundMoment:
    space = "" if moments[0].lang and moments[0].lang.startswith("zh") else " "
    text = space.join(moment.text.strip() for moment in moments)
    end_s = max(moment.end_s for moment in moments)
    first = moments[0]
    return FoundMoment(first.start_s, end_s, first.kind, text[:_LONGEST_MOMENT_TEXT], first.lang)
