"""The words that one group of readers may be told of, to mend and complete what they type.

Vocabulary words are for everybody; titles, names and their words only where an entry that the group may know of has
them, so that nothing private shows in a suggestion or a "did you mean".
"""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from search.analysis import is_chinese
from search.concepts import NOT_IN_TEXTS, forms
from search.documents import Vocabulary
from search.lists import Lists
from search.pages import Suggestion
from search.pinyin import SoundList, Sounds, by_ear, readings
from search.query import QueryPlan
from search.spelling import WordList, nearest, spellings
from search.suggest import TypedKeys, completion_key, has_chinese, is_typed_in_full

SHORTEST_SOUND, LONGEST_SOUND, MOST_STRETCHES = 5, 24, 3
MOST_TERMS, MOST_PEOPLE = 5, 2  # of a list of suggestions, while there is anything else to offer


@dataclass(frozen=True)
class Mended:
    """A query with its unknown words replaced. choices: words that may mean several things -> all of these.

    changes: (as typed, what instead, "spelling" or "pinyin").
    """

    text: str
    choices: dict[str, tuple[str, ...]]
    did_you_mean: str
    changes: tuple[tuple[str, tuple[str, ...], str], ...]


class VocabularyWords:
    """The words of one vocabulary: Latin ones for spelling, Chinese ones by sound."""

    def __init__(self, vocabulary: Vocabulary, typed: TypedKeys) -> None:
        concepts = vocabulary.concepts.values()
        searched = [concept for concept in concepts if concept.scheme not in NOT_IN_TEXTS]
        written = [name for concept in searched for names in forms(concept).values() for name in sorted(names)]
        whole = sorted((name for name in written if is_chinese(name)), key=len)
        read = [typed.words_of(name) for name in written]
        self.word_list = WordList(spellings(word for latin, _ in read for word in latin))
        # terms, then the words inside them
        self.sound_list = SoundList(*by_ear([*whole, *(word for _, chinese in read for word in chinese)]))
        self.chinese = frozenset(word for words in self.sound_list.by_sound.values() for word in words)


class Completions:
    """What one group of readers is offered. uses: how many entries that they may know of carry each term."""

    def __init__(self, typed: TypedKeys, lists: Lists, audiences: frozenset[str], uses: Mapping[str, int]) -> None:
        self._typed = typed
        self._lists = lists
        self._audiences = audiences
        self._uses = uses

    def complete(self, typed: str, lang: str, limit: int) -> tuple[Suggestion, ...]:
        """Terms, then people, then titles, each once; of one kind what was typed in full first, then by use."""
        start = completion_key(typed)
        if not start:
            return ()
        terms, others = list(self._terms(start, lang)), list(self._others(start, lang))
        people = [offer for offer in others if offer.kind == "person"]
        titles = [offer for offer in others if offer.kind == "title"]
        first = [*terms[:MOST_TERMS], *people[:MOST_PEOPLE], *titles]
        chosen = [*first[:limit], *terms[MOST_TERMS:], *people[MOST_PEOPLE:]][:limit]
        order = {"term": 0, "person": 1, "title": 2}
        return tuple(sorted(chosen, key=lambda offer: order[offer.kind]))

    def _terms(self, start: str, lang: str) -> Iterator[Suggestion]:
        rows = [row for row in self._typed.terms_from(start) if self._uses.get(row.concept_id)]
        rows.sort(key=lambda row: (row.key != start, (lang == "zh") != row.is_chinese, -self._uses[row.concept_id],
                                   row.is_synonym, len(row.name), row))  # fmt: skip
        told: set[str] = set()
        for row in rows:
            if row.concept_id not in told:
                told.add(row.concept_id)
                yield Suggestion(row.name, "term", concept_id=row.concept_id)

    def _others(self, start: str, lang: str) -> Iterator[Suggestion]:
        """Titles and names; of an entry one title, and of people of one name one."""
        found = sorted(
            self._lists.completions(start, self._audiences),
            key=lambda row: (
                not is_typed_in_full(row[0], start),
                (lang == "zh") != has_chinese(row[0]),
                len(row[0]),
                row,
            ),
        )
        told: set[str] = set()
        for text, kind, entry_id in found:
            one = text if kind == "person" else entry_id
            if one not in told:
                told.add(one)
                yield Suggestion(text, kind, entry_id=entry_id if kind == "title" else None)


class Lexicon:
    """Words and sounds for one group of readers and one commit. may_tell: does an entry that they know of have it?"""

    def __init__(
        self,
        known: VocabularyWords,
        lists: Lists,
        audiences: frozenset[str],
        may_tell: Callable[[str], bool],
    ) -> None:
        self._known = known
        self._lists = lists
        self._audiences = audiences
        self._may_tell = may_tell

    @cached_property
    def sounds(self) -> Sounds:
        """Chinese terms, then the words inside them, then those of titles."""
        lists = [self._known.sound_list, *(part.sound_list for part in self._lists.parts)]
        return Sounds(lists, lambda word: word in self._known.chinese or self._may_tell(word))

    def _in_titles(self, typed: str) -> tuple[str, ...]:
        """Stretches of titles and names that sound as typed, whatever words the dictionary cuts them into."""
        if not typed.isascii() or not typed.isalpha() or not SHORTEST_SOUND <= len(typed) <= LONGEST_SOUND:
            return ()
        stretches: dict[str, None] = {}
        for text, _, _ in self._lists.completions(typed, self._audiences):
            stretches.update(dict.fromkeys(_sounding(text, typed)))
        return tuple(stretches)[:MOST_STRETCHES]

    def _nearest(self, typed: str) -> str | None:
        """A word of the vocabulary, or of a title where that is nearer."""
        lists = [self._known.word_list, *(part.word_list for part in self._lists.parts)]
        return nearest(typed, lists, lambda word: self._known.word_list.holds(word) or self._may_tell(word))

    def mend(self, plan: QueryPlan, unmatched: AbstractSet[int]) -> Mended | None:
        """The query with each word that finds nothing replaced by what was probably meant; None if nothing helps."""
        text, shown = plan.text, plan.text
        choices: dict[str, tuple[str, ...]] = {}
        changes: list[tuple[str, tuple[str, ...], str]] = []
        # From the right, so that places on the left stay true.
        for start, end in reversed(list(self._stretches(plan, unmatched))):
            typed = plan.text[start:end]
            meant, how = self._meant(typed)
            if not meant:
                continue
            if len(meant) == 1:
                text = text[:start] + meant[0] + text[end:]
            else:
                choices[typed] = meant
            shown = shown[:start] + meant[0] + shown[end:]
            changes.append((typed, meant, how))
        return Mended(text, choices, shown, tuple(reversed(changes))) if changes else None

    def _stretches(self, plan: QueryPlan, unmatched: AbstractSet[int]) -> Iterator[tuple[int, int]]:
        """Where the words that find nothing stand; those that together are pinyin are one."""
        unknown = [clause for number, clause in enumerate(plan.clauses) if number in unmatched and clause.is_word]
        at = 0
        while at < len(unknown):
            row = 1
            while at + row < len(unknown) and plan.text[unknown[at + row - 1].end : unknown[at + row].start] == " ":
                row += 1
            joined = (n for n in range(row, 1, -1) if self.sounds.spelt("".join(c.typed for c in unknown[at : at + n])))
            count = next(joined, 1)
            yield unknown[at].start, unknown[at + count - 1].end
            at += count

    def _meant(self, typed: str) -> tuple[tuple[str, ...], str]:
        if is_chinese(typed):
            return self.sounds.same_sound(typed), "pinyin"
        if spelt := self.sounds.spelt(typed.replace(" ", "")):
            return spelt, "pinyin"
        if in_titles := self._in_titles(typed.replace(" ", "").lower()):
            return in_titles, "pinyin"
        if meant := self._nearest(typed):
            return (meant,), "spelling"
        return self.sounds.begun(typed), "pinyin"


def _sounding(text: str, typed: str) -> Iterator[str]:
    """The stretches of Chinese in a text whose pinyin is exactly what was typed."""
    for start in range(len(text)):
        for end in range(start + 1, min(len(text), start + len(typed)) + 1):
            if not is_chinese(text[start:end]):
                break
            heard = readings(text[start:end])
            if typed in heard:
                yield text[start:end]
            if not any(typed.startswith(sound[:SHORTEST_SOUND]) for sound in heard):
                break
