"""A packed study: the runs of one examination in one file, as `studies` packs them, and its reading.

It is an uncompressed tar: first `study.json`, which says which files make which run in which order, then the DICOM
files as received under numbers for names. A DICOM file by itself is a study of one run.
"""

from __future__ import annotations

import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ingest.errors import Refused
from ingest.signature import is_packed_study

LIST_NAME = "study.json"
FORMAT = 1
_MOST_LIST_BYTES = 4 << 20
_MOST_RUNS = 2000
_FILE_NAME = re.compile(r"\d{4,6}\.dcm")
_DAMAGED = "The packed study is damaged; take its folder in again."


@dataclass(frozen=True)
class RunFiles:
    """The files of one run, one of a cine or all slices of a series; `second_plane` is the other half of a pair.

    `states` are presentation states of the run, `second_states` of its second plane.
    """

    files: tuple[str, ...]
    second_plane: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    second_states: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the run as it is packed; without states as it was before there were any, so that digests stay."""
        return {name: value for name, value in asdict(self).items() if value or not name.endswith("states")}


@dataclass(frozen=True)
class StudyList:
    """What a study holds: its runs in the order of acquisition, and how many files were left out for which reason."""

    runs: tuple[RunFiles, ...]
    left_out: tuple[tuple[str, int], ...] = field(default=())

    def as_json(self) -> bytes:
        """Return the list as it is packed, the same for the same study."""
        content = {"format": FORMAT, "runs": [run.as_json() for run in self.runs], "left_out": self.left_out}
        return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1).encode()


@dataclass(frozen=True)
class Study:
    """An examination on disk: a packed study, or one DICOM file (then `is_packed` is false)."""

    path: Path
    listed: StudyList
    is_packed: bool

    @contextmanager
    def unpacked(self, names: Sequence[str], folder: Path | None = None) -> Iterator[tuple[Path, ...]]:
        """Give some of its files for a while, in a folder of their own below `folder` (None: the system's)."""
        if not self.is_packed:
            yield (self.path,) if names else ()
            return
        with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as temporary:
            yield tuple(self._extract(names, Path(temporary)))

    def _extract(self, names: Sequence[str], folder: Path) -> Iterator[Path]:
        try:
            with tarfile.open(self.path, "r:") as packed:
                for name in names:
                    entry = packed.getmember(name)
                    # no link and no sparse file, which could claim to be larger than the study itself
                    if not entry.isreg() or entry.issparse() or entry.size > self.path.stat().st_size:
                        raise Refused("corrupt", _DAMAGED)
                    member = packed.extractfile(entry)
                    if member is None:
                        raise Refused("corrupt", _DAMAGED)
                    with (folder / name).open("wb") as file:
                        shutil.copyfileobj(member, file, 1 << 20)
                    yield folder / name
        except (tarfile.TarError, KeyError, EOFError):
            raise Refused("corrupt", _DAMAGED) from None


def open_study(path: Path) -> Study:
    """Open a packed study or a DICOM file by itself. Raises Refused for a list that cannot be."""
    with path.open("rb") as file:
        head = file.read(512)
    if not is_packed_study(head):
        return Study(path, StudyList((RunFiles((path.name,)),)), is_packed=False)
    try:
        with tarfile.open(path, "r:") as packed:
            member = packed.next()
            stored = packed.extractfile(member) if member is not None else None
            if stored is None or member is None or member.size > _MOST_LIST_BYTES:
                raise Refused("corrupt", _DAMAGED)
            return Study(path, _read_list(stored.read()), is_packed=True)
    except (tarfile.TarError, EOFError, ValueError, LookupError, TypeError):
        raise Refused("corrupt", _DAMAGED) from None


def _read_list(content: bytes) -> StudyList:
    stored = json.loads(content)
    runs = tuple(RunFiles(**{name: tuple(files) for name, files in run.items()}) for run in stored["runs"])
    names = [name for run in runs for name in (*run.files, *run.second_plane, *run.states, *run.second_states)]
    is_sane = all(run.files for run in runs) and all(_FILE_NAME.fullmatch(str(name)) for name in names)
    if stored["format"] != FORMAT or not 1 <= len(runs) <= _MOST_RUNS or not is_sane:
        raise Refused("corrupt", _DAMAGED)
    return StudyList(runs, tuple((str(sentence), int(count)) for sentence, count in stored["left_out"]))
