"""What was named on the command line becomes inputs: files, folders of files, manifests with metadata a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ingest.beside import Beside, Folders
from ingest.intake import Item, read_meta, require_still, stamp
from ingest.parts import joined, split_by_clock
from videolib.catalogue.captions import find_language
from videolib.catalogue.part_names import find_groups
from videolib.cues import SUFFIXES as CAPTION_SUFFIXES
from videolib.errors import InvalidInput, VideolibError

if TYPE_CHECKING:
    from ingest.studies import StudyFolder
    from ingest.workshop import Workshop

MANIFEST_SUFFIXES = frozenset({".csv", ".yaml", ".yml"})
# in a row: the files that together are the recording; what is to be said of it
PARTS, NOTE = "parts", "note of the intake"
_OWN_CLOCK = (
    "Its number follows that of another file, but its clock does not: it was taken as a recording of its own. "
    "If it is one with others, name them as parts in a manifest."
)
MAX_META_BYTES = 16 * 1024 * 1024


def find_inputs(
    paths: Sequence[Path], meta: Mapping[str, Any], *, join: bool = False
) -> list[Item | tuple[Path, VideolibError]]:
    """Every input of these paths, in order; one whose metadata cannot be understood comes with its error.

    `meta` is laid under the row's own metadata. `join`: files of a folder that a camera has cut are one recording;
    without it each is told to be a part. A row of a manifest names its `parts` itself.
    """
    items: list[Item | tuple[Path, VideolibError]] = []
    folders = Folders()
    for path in paths:
        try:
            rows = list(_expanded(path, folders, join=join))
        except InvalidInput as error:
            items.append((path, error))
            continue
        for found, row in rows:
            if isinstance(found, tuple):
                items.append(found)
                continue
            items.append(_item(found, {**meta, **row}, folders))
    return items


def _item(found: Path | StudyFolder, row: Mapping[str, Any], folders: Folders) -> Item | tuple[Path, VideolibError]:
    """One input with what is known of it, and with the captions beside it; those of its metadata count more."""
    place = found if isinstance(found, Path) else found.folder
    told = dict(row)
    parts, note = told.pop(PARTS, ()), told.pop(NOTE, "")
    try:
        values, captions = read_meta(told)
    except InvalidInput as error:
        return place, error
    # captions beside a part would be in time with that part alone
    beside = folders.read_beside(place) if isinstance(found, Path) and not parts else Beside()
    named = {find_language(language) or language for language in captions}
    texts = {**captions, **{language: text for language, text in beside.captions.items() if language not in named}}
    notes = [str(note), *beside.notes] if note else list(beside.notes)
    study = None if isinstance(found, Path) else found
    return Item(place, values, texts, study=study, parts=tuple(parts), notes=tuple(notes))


@contextmanager
def as_one_file(workshop: Workshop, item: Item) -> Iterator[Item]:
    """The input as one file: a study is packed, and parts are joined, for the while."""
    if item.study is None and not item.parts:
        yield item
        return
    # loaded when needed, as above
    from ingest.studies import packed  # noqa: PLC0415

    workshop.scratch.mkdir(parents=True, exist_ok=True)
    if item.study is not None:
        with packed(item.study, workshop.scratch) as file:
            yield replace(item, path=file, study=None)
        return
    stamps = {part: stamp(part) for part in item.parts}
    with joined(item.parts, workshop.scratch) as file:
        require_still(stamps)
        yield replace(item, path=file, parts=())


def read_meta_file(path: Path) -> dict[str, Any]:
    """The metadata in a YAML file. Raises `InvalidInput`."""
    content = _read_yaml(path)
    if not isinstance(content, dict):
        raise InvalidInput(
            f"{path.name} holds no fields; write them as title: {{en: …, zh: …}} and so on.",
            code="meta_unreadable",
        )
    return content


def _expanded(
    path: Path, folders: Folders, *, join: bool
) -> Iterator[tuple[Path | StudyFolder | tuple[Path, VideolibError], dict[str, Any]]]:
    if path.is_dir():
        # loaded when needed: sorting DICOM files takes half a second to begin
        from ingest.studies import find_recordings  # noqa: PLC0415

        found = list(find_recordings(path))
        yield from ((other, {}) for other in found if not isinstance(other, Path))
        files = [file for file in found if isinstance(file, Path)]
        captions = folders.files_beside(file for file in files if file.suffix.lower() not in CAPTION_SUFFIXES)
        yield from _grouped([file for file in files if file not in captions], join=join)
    elif path.suffix.lower() in MANIFEST_SUFFIXES:
        for row in _rows(path):
            parts = [path.parent / name for name in _names(row.pop(PARTS, ()))]
            named = path.parent / str(row.pop("path", ""))
            yield (parts[0] if parts else named), {**row, **({PARTS: parts} if parts else {})}
    else:
        yield path, {}


def _grouped(files: Sequence[Path], *, join: bool) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each file, or the parts of one recording together; where nobody said to join, each part says what it seems."""
    for group in find_groups(files):
        if len(group) == 1:
            yield group[0], {}
        elif join:
            yield from _joined_by_clock(group)
        else:
            for number, file in enumerate(group, start=1):
                note = f"This looks like part {number} of {len(group)} of one recording; --join takes them as one."
                yield file, {NOTE: note}


def _joined_by_clock(group: Sequence[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The recordings among files that are numbered on; where they are several, each says why it is by itself."""
    recordings = split_by_clock(group)
    said = {} if len(recordings) == 1 else {NOTE: _OWN_CLOCK}
    for files in recordings:
        yield files[0], {**({PARTS: files} if len(files) > 1 else {}), **said}


def _names(value: Any) -> list[str]:
    """A list of names; also `a; b` as in a CSV."""
    names = value.split(";") if isinstance(value, str) else value
    return [str(name).strip() for name in names or () if str(name).strip()]


def _rows(manifest: Path) -> list[dict[str, Any]]:
    if manifest.suffix.lower() == ".csv":
        content: Any = _read_csv(manifest)
    else:
        content = _read_yaml(manifest)
    rows: Any = content.get("recordings") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and (row.get("path") or row.get(PARTS)) for row in rows
    ):
        raise InvalidInput(f"Each row of {manifest.name} needs a path, or parts.", code="manifest_unreadable")
    checked: list[dict[str, Any]] = rows
    return checked


def _read_csv(path: Path) -> list[dict[str, Any]]:
    _require_small(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="gb18030", errors="replace")  # as Excel saves it in China
    rows = csv.DictReader(io.StringIO(text, newline=""))
    filled = ({name: value for name, value in row.items() if name and value} for row in rows)
    return [row for row in filled if row]  # Excel leaves rows of commas at the end


def _read_yaml(path: Path) -> Any:
    _require_small(path)
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInput(f"{path.name} cannot be read as YAML.", code="meta_unreadable") from error


def _require_small(path: Path) -> None:
    if path.stat().st_size > MAX_META_BYTES:
        raise InvalidInput(f"{path.name} is larger than 16 MiB; split it.", code="meta_unreadable")
