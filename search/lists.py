"""Titles, names and words of an index's entries, kept beside the engine's files for completions and for spelling.

A commit adds one file with what changed, like a segment of an index; now and then files are put together:

    lists-00000007-1f0c….npz    keys (the first 24 bytes of each way to type something, sorted) with the offer each
                                belongs to; offers with their entries; entries with their readers; words; and the
                                ids of entries whose rows in earlier files hold no more

Who may know of an entry is looked at for every row, so one file serves all groups of readers.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from search.engine import Offers, PreparedEntry
from search.errors import IndexDamaged
from search.pinyin import SoundList, by_ear
from search.spelling import WordList, spellings

PREFIX = "lists-"
KEY_BYTES = 24
MOST_FILES = 8
MOST_FOUND = 400  # of the completions of one letter nobody needs more
KINDS = ("title", "person")


@dataclass
class Draft:
    """What will be written: rows taken while entries pass by on their way to the engine."""

    entries: list[str] = field(default_factory=list)
    audiences: list[int] = field(default_factory=list)
    groups: dict[frozenset[str], int] = field(default_factory=dict)
    offers: list[tuple[str, int, int]] = field(default_factory=list)  # text, kind, entry
    keys: list[bytes] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    latin: dict[str, None] = field(default_factory=dict)
    chinese: dict[str, None] = field(default_factory=dict)

    def passing(self, entries: Iterable[PreparedEntry]) -> Iterator[PreparedEntry]:
        """The same entries, noted."""
        for entry in entries:
            self.add(entry.card.entry_id, entry.card.audiences, entry.offers)
            yield entry

    def add(self, entry_id: str, audiences: frozenset[str], offers: Offers) -> None:
        """Note one entry."""
        number = self._entry(entry_id, audiences)
        for offer in offers.offers:
            keys = (key.encode("utf-8", "replace")[:KEY_BYTES] for key in offer.keys)
            self._offer((offer.text, KINDS.index(offer.kind), number), keys)
        self.latin.update(dict.fromkeys(offers.latin_words))
        self.chinese.update(dict.fromkeys(offers.chinese_words))

    def take_over(self, part: "Part", live: npt.NDArray[np.bool_]) -> None:
        """Note what of an earlier file still holds."""
        by_offer: dict[int, list[bytes]] = {}
        for key, owner in zip(part.keys.tolist(), part.owners.tolist(), strict=True):
            by_offer.setdefault(owner, []).append(key)
        entries = {n: self._entry(part.entries[n], part.readers(n)) for n in np.flatnonzero(live).tolist()}
        for number, text in enumerate(part.texts):
            owner = int(part.offer_entries[number])
            if owner in entries:
                self._offer((text, int(part.kinds[number]), entries[owner]), by_offer.get(number, ()))
        self.latin.update(dict.fromkeys(part.latin.values()))
        self.chinese.update(dict.fromkeys(part.chinese))

    def join(self, other: "Draft") -> None:
        """Note all of another draft."""
        groups, first_entry, first_offer = list(other.groups), len(self.entries), len(self.offers)
        for entry_id, group in zip(other.entries, other.audiences, strict=True):
            self._entry(entry_id, groups[group])
        self.offers += [(text, kind, entry + first_entry) for text, kind, entry in other.offers]
        self.keys += other.keys
        self.owners += [owner + first_offer for owner in other.owners]
        self.latin.update(other.latin)
        self.chinese.update(other.chinese)

    def write(self, path: Path, replaced: Iterable[str]) -> None:
        """Sort and store it."""
        keys = np.array(self.keys or [b""], dtype=f"S{KEY_BYTES}")[: len(self.keys)]
        order = np.argsort(keys, kind="stable")
        words = {
            "entries": self.entries,
            "groups": [sorted(group) for group in self.groups],
            "texts": [text for text, _, _ in self.offers],
            "latin": spellings(self.latin),
            "chinese": list(self.chinese),
            # a sound a word takes a second for an index of many words: not at the first slip of a reader
            "sounds": by_ear(self.chinese),
            "replaced": list(replaced),
        }
        np.savez(
            path,
            allow_pickle=False,
            keys=keys[order],
            owners=np.array(self.owners, dtype=np.int32)[order],
            audiences=np.array(self.audiences, dtype=np.int32),
            kinds=np.array([kind for _, kind, _ in self.offers], dtype=np.uint8),
            offer_entries=np.array([entry for _, _, entry in self.offers], dtype=np.int32),
            words=np.frombuffer(json.dumps(words, ensure_ascii=False).encode("utf-8", "replace"), dtype=np.uint8),
        )

    def _entry(self, entry_id: str, audiences: frozenset[str]) -> int:
        self.entries.append(entry_id)
        self.audiences.append(self.groups.setdefault(audiences, len(self.groups)))
        return len(self.entries) - 1

    def _offer(self, offer: tuple[str, int, int], keys: Iterable[bytes]) -> None:
        self.offers.append(offer)
        before = len(self.keys)
        self.keys += keys
        self.owners += [len(self.offers) - 1] * (len(self.keys) - before)


class Part:
    """One file, in memory."""

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as arrays:
                self.keys: npt.NDArray[np.bytes_] = arrays["keys"]
                self.owners: npt.NDArray[np.int32] = arrays["owners"]
                self.kinds: npt.NDArray[np.uint8] = arrays["kinds"]
                self.offer_entries: npt.NDArray[np.int32] = arrays["offer_entries"]
                self._audiences: npt.NDArray[np.int32] = arrays["audiences"]
                words: Mapping[str, Any] = json.loads(arrays["words"].tobytes())
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise IndexDamaged("The lists of the search index cannot be read: run `videolib reindex`.") from error
        self.entries: Sequence[str] = words["entries"]
        self.texts: Sequence[str] = words["texts"]
        self.latin: Mapping[str, str] = words["latin"]
        self.chinese: Sequence[str] = words["chinese"]
        self._sounds: Sequence[Mapping[str, Sequence[str]]] = words["sounds"]
        self.replaced: Sequence[str] = words["replaced"]
        self._groups = [frozenset(group) for group in words["groups"]]

    @cached_property
    def number_of(self) -> Mapping[str, int]:
        """Entries' numbers by id."""
        return {entry_id: number for number, entry_id in enumerate(self.entries)}

    @cached_property
    def word_list(self) -> WordList:
        """Latin words, for spelling."""
        return WordList(self.latin)

    @cached_property
    def sound_list(self) -> SoundList:
        """Chinese words, by sound."""
        return SoundList(*self._sounds)

    def readers(self, number: int) -> frozenset[str]:
        """Who may know of an entry."""
        return self._groups[int(self._audiences[number])]

    def seen_by(self, audiences: frozenset[str]) -> npt.NDArray[np.bool_]:
        """Which entries these readers may know of."""
        groups = np.array([bool(group & audiences) for group in self._groups], dtype=np.bool_)
        return groups[self._audiences] if len(groups) else np.zeros(0, dtype=np.bool_)

    def from_key(self, start: bytes) -> npt.NDArray[np.int32]:
        """The offers of which a key begins so."""
        start = start[:KEY_BYTES]
        low = np.searchsorted(self.keys, np.bytes_(start))
        high = np.searchsorted(self.keys, np.bytes_(start + b"\xff" * (KEY_BYTES - len(start))), side="right")
        return self.owners[low:high]


class Lists:
    """All files of one commit; threads share it."""

    def __init__(self, parts: Sequence[tuple[str, Part]]) -> None:
        self.names = tuple(name for name, _ in parts)
        self.parts = tuple(part for _, part in parts)
        self._live = [np.ones(len(part.entries), dtype=np.bool_) for part in self.parts]
        for at, later in enumerate(self.parts):
            for live, part in zip(self._live[:at], self.parts[:at], strict=True):
                numbers = [part.number_of[entry_id] for entry_id in later.replaced if entry_id in part.number_of]
                live[numbers] = False
        self._seen: dict[frozenset[str], list[npt.NDArray[np.bool_]]] = {}

    def completions(self, start: str, audiences: frozenset[str]) -> Iterator[tuple[str, str, str]]:
        """(text, kind, entry id) of what begins so, of entries these readers may know of."""
        wanted = start.encode("utf-8", "replace")
        for part, seen in zip(self.parts, self._seen_by(audiences), strict=True):
            owners = part.from_key(wanted)
            for owner in owners[seen[part.offer_entries[owners]]][:MOST_FOUND].tolist():
                entry_id = part.entries[int(part.offer_entries[owner])]
                yield part.texts[owner], KINDS[int(part.kinds[owner])], entry_id

    def live_of(self, number: int) -> npt.NDArray[np.bool_]:
        """Which entries of a part still hold."""
        return self._live[number]

    def _seen_by(self, audiences: frozenset[str]) -> list[npt.NDArray[np.bool_]]:
        known = self._seen.get(audiences)
        if known is None:
            known = [live & part.seen_by(audiences) for live, part in zip(self._live, self.parts, strict=True)]
            if len(self._seen) < 64:
                self._seen[audiences] = known
        return known


def open_lists(folder: Path, before: Lists | None) -> Lists:
    """The lists of a commit; files that the commit before had too are not read again."""
    known = dict(zip(before.names, before.parts, strict=True)) if before else {}
    names = sorted(path.name for path in folder.glob(f"{PREFIX}*.npz"))
    return Lists([(name, known.get(name) or Part(folder / name)) for name in names])


def write_lists(folder: Path, draft: Draft, deleted_ids: Iterable[str]) -> None:
    """Add a file with what changed; too many files are put together."""
    names = sorted(path.name for path in folder.glob(f"{PREFIX}*.npz"))
    replaced = dict.fromkeys([*deleted_ids, *draft.entries]) if names else {}
    if not (draft.entries or replaced or not names):
        return
    number = int(names[-1].removeprefix(PREFIX)[:8]) + 1 if names else 1
    if len(names) >= MOST_FILES:
        sizes = [(folder / name).stat().st_size for name in names]
        gathered = names[1:] if sum(sizes[1:]) * 4 < sizes[0] else names
        draft, replaced = _gathered(folder, names, gathered, draft, replaced)
        for name in gathered:
            (folder / name).unlink()
    draft.write(folder / f"{PREFIX}{number:08d}-{secrets.token_hex(4)}.npz", replaced)


def _gathered(
    folder: Path, names: Sequence[str], gathered: Sequence[str], draft: Draft, replaced: Mapping[str, None]
) -> tuple[Draft, dict[str, None]]:
    """What some files and a draft hold together, and what is replaced in the files before them."""
    lists = open_lists(folder, None)
    whole = Draft()
    for at, name in enumerate(names):
        if name in gathered:
            part = lists.parts[at]
            gone = np.array([entry_id not in replaced for entry_id in part.entries], dtype=np.bool_)
            whole.take_over(part, lists.live_of(at) & gone)
    still = dict(replaced)
    for part in lists.parts[len(names) - len(gathered) :]:
        still.update(dict.fromkeys(part.replaced))
    whole.join(draft)
    return whole, {} if len(gathered) == len(names) else still
