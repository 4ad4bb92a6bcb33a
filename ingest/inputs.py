"""What was named on the command line becomes inputs: files, folders of files, manifests with metadata a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ingest.intake import Item, read_meta
from ingest.parts import find_groups
from videolib.errors import InvalidInput, VideolibError

if TYPE_CHECKING:
    from ingest.studies import StudyFolder

MANIFEST_SUFFIXES = frozenset({".csv", ".yaml", ".yml"})
# in a row: the files that together are the recording; what is to be said of it
PARTS, NOTE = "parts", "note of the intake"
MAX_META_BYTES = 16 * 1024 * 1024


def find_inputs(
    paths: Sequence[Path], meta: Mapping[str, Any], *, join: bool = False
) -> list[Item | tuple[Path, VideolibError]]:
    """Every input of these paths, in order; one whose metadata cannot be understood comes with its error.

    `meta` is laid under the row's own metadata. `join`: files of a folder that a camera has cut are one recording;
    without it each is told to be a part. A row of a manifest names its `parts` itself.
    """
    items: list[Item | tuple[Path, VideolibError]] = []
    for path in paths:
        try:
            rows = list(_expanded(path, join=join))
        except InvalidInput as error:
            items.append((path, error))
            continue
        for found, row in rows:
            if isinstance(found, tuple):
                items.append(found)
                continue
            items.append(_item(found, {**meta, **row}))
    return items


def _item(found: Path | StudyFolder, row: Mapping[str, Any]) -> Item | tuple[Path, VideolibError]:
    """One input with what is known of it."""
    place = found if isinstance(found, Path) else found.folder
    told = dict(row)
    parts, note = told.pop(PARTS, ()), told.pop(NOTE, "")
    try:
        values, captions = read_meta(told)
    except InvalidInput as error:
        return place, error
    study = None if isinstance(found, Path) else found
    return Item(place, values, captions, study=study, parts=tuple(parts), note=str(note))


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
    path: Path, *, join: bool
) -> Iterator[tuple[Path | StudyFolder | tuple[Path, VideolibError], dict[str, Any]]]:
    if path.is_dir():
        # loaded when needed: sorting DICOM files takes half a second to begin
        from ingest.studies import find_recordings  # noqa: PLC0415

        found = list(find_recordings(path))
        yield from ((other, {}) for other in found if not isinstance(other, Path))
        yield from _grouped([file for file in found if isinstance(file, Path)], join=join)
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
            yield group[0], {PARTS: group}
        else:
            for number, file in enumerate(group, start=1):
                note = f"This looks like part {number} of {len(group)} of one recording; --join takes them as one."
                yield file, {NOTE: note}


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
