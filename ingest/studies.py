"""A folder of DICOM files becomes recordings: each examination one, its runs in the order they were taken.

A study is kept as one file: an uncompressed tar (see `dicom_study`) whose bytes follow from the files alone, not from
their names or the day, so that the same study taken in again has the same digest. Stills, reports, the index of a
disc and the like are left out with a reason; a second patient stops it, since nobody may mix two people's pictures.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from ingest.dicom_cards import Card, has_second_patient, read_card
from ingest.dicom_header import is_dicom
from ingest.dicom_study import LIST_NAME, RunFiles, StudyList
from ingest.errors import Refused
from ingest.scratch import scratch_folder
from ingest.signature import looks_like_media, may_be_dicom

SECOND_PATIENT = (
    "This folder holds DICOM files of more than one patient. Nothing of it was taken in: "
    "put each patient's study into a folder of its own."
)
# which files those are, by numbers for people; so many names of files are enough to find the others
_FILES_OF = "Patient {} of {}: {}"
_MOST_NAMES = 20
NOTHING_TO_SHOW = "This folder holds DICOM files, but no recording among them."
_FEW_SLICES = "A few single slices (a localiser, a dose screen) are no series to scroll through."
_NO_MEDIA = "Files that are neither DICOM nor video, such as the viewer of a disc."
_UNUSED_STATE = "A presentation state of pictures that are not in this folder, or of which there is a newer one."
_FEWEST_SLICES = 3
_SAME_MOMENT_S = 1.0


@dataclass(frozen=True)
class StudyRun:
    """The files of a run: one of a cine, all slices of a series in order; `second_plane`: the other half of a pair.

    `states` and `second_states` are the presentation states by which they are shown.
    """

    paths: tuple[Path, ...]
    second_plane: tuple[Path, ...] = ()
    states: tuple[Path, ...] = ()
    second_states: tuple[Path, ...] = ()


@dataclass(frozen=True)
class StudyFolder:
    """One examination in a folder; `left_out` names the files that are no part of it, each with a sentence why."""

    folder: Path
    runs: tuple[StudyRun, ...]
    left_out: tuple[tuple[Path, str], ...]


Found = Path | StudyFolder | tuple[Path, Refused]


def find_recordings(folder: Path) -> list[Found]:
    """Answer what a folder holds: studies, single files, and folders that are refused, in the order of their names.

    Files and folders whose names begin with a dot are passed over. A study is the DICOM files of one examination below
    the topmost folder that holds no other, or a whole disc with its index.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _is_hidden(path, folder)]
    cards = {path: read_card(path) for path in files if _is_dicom(path)}
    if not cards:
        return list(files)
    return _recordings_below(folder, files, cards)


@contextmanager
def packed(study: StudyFolder, scratch: Path | None = None) -> Iterator[Path]:
    """Give a study as one file for a while, in a folder of its own below `scratch` (None: the system's)."""
    with scratch_folder(scratch, "study-") as temporary:
        target = temporary / f"{study.folder.name or 'study'}.tar"
        pack(study, target)
        yield target


def pack(study: StudyFolder, target: Path) -> None:
    """Write a study as one file; equal studies give equal bytes. Raises OSError where a file cannot be read."""
    names = (f"{number:04}.dcm" for number in count(1))
    members: list[tuple[str, Path]] = []

    def named(paths: Iterable[Path]) -> tuple[str, ...]:
        given = [(next(names), path) for path in paths]
        members.extend(given)
        return tuple(name for name, _path in given)

    runs = tuple(
        RunFiles(named(run.paths), named(run.second_plane), named(run.states), named(run.second_states))
        for run in study.runs
    )
    left_out = Counter(sentence for _path, sentence in study.left_out)
    listed = StudyList(runs, tuple(sorted(left_out.items()))).as_json()
    with tarfile.open(target, "w:", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(_member(LIST_NAME, len(listed)), io.BytesIO(listed))
        for name, path in members:
            with path.open("rb") as file:
                archive.addfile(_member(name, path.stat().st_size), file)


def _member(name: str, size: int) -> tarfile.TarInfo:
    """Describe a member without date or owner, which are not the study's."""
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def _recordings_below(folder: Path, files: Sequence[Path], cards: dict[Path, Card]) -> list[Found]:
    """Split a folder as far as it holds several examinations in folders of their own."""
    direct = [path for path in files if path.parent == folder]
    below: dict[Path, list[Path]] = defaultdict(list)
    for path in files:
        if path.parent != folder:
            below[folder / path.relative_to(folder).parts[0]].append(path)
    mine = [cards[path] for path in files if path in cards]
    is_one = len({card.study for card in mine if not card.is_index}) <= 1
    is_disc = any(path in cards and cards[path].is_index for path in direct)
    if is_one or is_disc or not any(path in cards for paths in below.values() for path in paths):
        return _recordings_of(folder, files, cards)
    found = _recordings_of(folder, direct, cards) if direct else []
    for child, paths in sorted(below.items()):
        found += _recordings_below(child, paths, cards)
    return found


def _recordings_of(folder: Path, files: Sequence[Path], cards: dict[Path, Card]) -> list[Found]:
    """Answer what files that belong together are: a study for each examination, and what is a recording by itself."""
    mine = [cards[path] for path in files if path in cards]
    others = [path for path in files if path not in cards]
    if len(mine) < 2:
        return list(files)
    if has_second_patient(mine):
        refusal = Refused("unsupported", SECOND_PATIENT, hints=_whose(folder, mine))
        return [(folder, refusal), *(path for path in others if _is_media(path))]
    alone: list[Found] = [card.path for card in mine if card.kind == "video"]
    alone += [path for path in others if _is_media(path)]
    left_out = [(path, _NO_MEDIA) for path in others if not _is_media(path)]
    left_out += [(card.path, card.reason) for card in mine if card.kind == "other"]
    newest = _newest_states(mine)
    used = {newest[card.instance].path for card in mine if card.instance in newest}
    left_out += [(card.path, _UNUSED_STATE) for card in mine if card.kind == "state" and card.path not in used]
    by_study: dict[str, list[Card]] = defaultdict(list)
    for card in mine:
        if card.kind in {"cine", "slice"}:
            by_study[card.study].append(card)
    studies: list[Found] = []
    for _study, members in sorted(by_study.items(), key=lambda item: min(card.taken_at for card in item[1])):
        runs, few = _runs_of(members)
        runs = tuple(_with_states(run, cards, newest) for run in runs)
        # what belongs to no examination is told with the first
        told, left_out = (*left_out, *few), []
        if runs:
            studies.append(StudyFolder(folder, runs, tuple(told)))
        else:
            left_out = list(told)
    if not studies and not alone:
        return [(folder, Refused("no_video", _nothing_to_show(left_out)))]
    return [*studies, *alone]


def _whose(folder: Path, cards: Sequence[Card]) -> tuple[str, ...]:
    """Say which files belong to one person, in words that name nobody: who has the folder can sort it by that."""
    files: dict[tuple[str, str], list[str]] = defaultdict(list)
    for card in cards:
        number, name, birth = card.patient
        if any(card.patient):
            files[number or name, birth].append(card.path.relative_to(folder).as_posix())
    return tuple(
        _FILES_OF.format(index, len(files), ", ".join(names[:_MOST_NAMES]))
        + (f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else "")
        for index, names in enumerate(files.values(), start=1)
    )


def _nothing_to_show(left_out: Sequence[tuple[Path, str]]) -> str:
    reasons = dict.fromkeys(sentence for _path, sentence in left_out)
    return " ".join([NOTHING_TO_SHOW, *list(reasons)[:3]])


def _runs_of(cards: Sequence[Card]) -> tuple[tuple[StudyRun, ...], list[tuple[Path, str]]]:
    """Put the files of one examination together to runs in the order of acquisition; also the slices left over."""
    stacks: dict[tuple[object, ...], list[Card]] = defaultdict(list)
    for card in cards:
        if card.kind == "slice":
            stacks[card.stack].append(card)
    few = [(card.path, _FEW_SLICES) for stack in stacks.values() if len(stack) < _FEWEST_SLICES for card in stack]
    heads: list[tuple[Card, StudyRun]] = []
    for stack in stacks.values():
        if len(stack) >= _FEWEST_SLICES:
            ordered = sorted(stack, key=lambda card: (card.position, card.numbers, card.instance))
            heads.append((min(stack, key=lambda card: card.taken_at), StudyRun(tuple(card.path for card in ordered))))
    for card, partner in _in_pairs([card for card in cards if card.kind == "cine"]):
        heads.append((card, StudyRun((card.path,), (partner.path,) if partner else ())))
    has_times = all(card.taken_at for card, _run in heads)
    heads.sort(key=lambda head: _order(head[0], has_times=has_times))
    return tuple(run for _card, run in heads), few


def _order(card: Card, *, has_times: bool) -> tuple[object, ...]:
    """By time where all runs tell it, then by the numbers that the lab gave; at last by content, never by name."""
    series, acquisition, instance = card.numbers
    return (card.taken_at if has_times else "", series, acquisition, instance, card.instance, _digest(card.path))


def _newest_states(cards: Sequence[Card]) -> dict[str, Card]:
    """Return the newest presentation state of each instance: what was chosen last is what is meant."""
    states = sorted(
        (card for card in cards if card.kind == "state"), key=lambda card: (card.taken_at, card.numbers, card.instance)
    )
    return {instance: state for state in states for instance in state.refers_to}


def _with_states(run: StudyRun, cards: dict[Path, Card], newest: dict[str, Card]) -> StudyRun:
    """Return a run with the presentation states of its own files."""

    def states_of(paths: tuple[Path, ...]) -> tuple[Path, ...]:
        found = (newest[cards[path].instance].path for path in paths if cards[path].instance in newest)
        return tuple(dict.fromkeys(found))

    return replace(run, states=states_of(run.paths), second_states=states_of(run.second_plane))


def _in_pairs(cards: Sequence[Card]) -> Iterator[tuple[Card, Card | None]]:
    """Yield each cine with the other plane of its acquisition, where there is one, and without doubles."""
    distinct: dict[str, Card] = {}
    for card in cards:
        distinct.setdefault(_digest(card.path), card)
    waiting = [card for card in distinct.values() if card.plane == "B"]
    for card in (card for card in distinct.values() if card.plane != "B"):
        partner = next((other for other in waiting if card.plane == "A" and _is_pair(card, other)), None)
        if partner is not None:
            waiting.remove(partner)
        yield card, partner
    yield from ((card, None) for card in waiting)


def _is_pair(first: Card, second: Card) -> bool:
    """Whether two planes are of one acquisition: they refer to each other, or share its number or its moment."""
    if second.instance in first.refers_to or first.instance in second.refers_to:
        return True
    if abs(first.frames - second.frames) > 1:
        return False
    if first.numbers[1] and second.numbers[1]:
        return first.numbers[1] == second.numbers[1] and first.numbers[0] == second.numbers[0]
    return bool(first.taken_at) and abs(_seconds(first.taken_at) - _seconds(second.taken_at)) <= _SAME_MOMENT_S


def _seconds(taken_at: str) -> float:
    """Return the time of day of `YYYYMMDDHHMMSS.ffffff` or of a time alone, in seconds."""
    whole, _dot, part = taken_at.partition(".")
    digits = whole[-6:]
    if len(digits) < 6 or not digits.isdigit():
        return float("inf")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:])
    return seconds + (float(f"0.{part}") if part.isdigit() else 0.0)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
        return bool(head) and may_be_dicom(head) and is_dicom(path)
    except OSError:
        return False  # who takes it in says so


def _is_media(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return looks_like_media(file.read(4096))
    except OSError:
        return True  # who takes it in says what is wrong with it
