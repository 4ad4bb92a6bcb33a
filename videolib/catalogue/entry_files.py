"""One entry in a file, with its package, captions, time-coded description and the terms it names: carried elsewhere.

The file is a ZIP without compression (video does not shrink): `entry.json` first, then every object of the package
under `package/`. What was uploaded is not in it. Of a second recording and of narrations it holds what they are, by
digest, length and offset; whoever reads it is told what to bring, too. Reading checks each object's size and digest
while it goes into the store under an id of its own; only when all are there one unit of work makes recording, package
and draft, so what is killed half-way leaves objects that no row names, which `gc` removes, and nothing that anybody
can see.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue import captions, narrations
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import add_annotations, snapshot
from videolib.catalogue.audit import record_event
from videolib.catalogue.documents import document_of
from videolib.catalogue.entries import Entry, create_entry, find_entry_of
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.packages import Package, complete_package, get_package, list_objects
from videolib.catalogue.people import User
from videolib.catalogue.quarantine import is_quarantined
from videolib.catalogue.recordings import Recording, find_recording_by_digest, move
from videolib.catalogue.second_sources import LONGEST_S, SecondSource, find_second
from videolib.catalogue.vocabulary import Scheme, Term, note_change
from videolib.catalogue.vocabulary_files import term_of
from videolib.catalogue.vocabulary_loading import apply_content, find_problems
from videolib.cues import Cue, write_vtt
from videolib.db import Database
from videolib.errors import Conflict, InvalidInput
from videolib.storage import Store

FORMAT = "videolib entry 1"
HEAD = "entry.json"
MAX_HEAD_BYTES = 64 * 1024 * 1024
_FOLDER = "package/"
_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Carried:
    """What was made of a file: the draft, its recording, and the terms that the library did not know (now proposed).

    `missing`: what the entry had and this library has not, a sentence each.
    """

    entry_id: str
    recording_id: str
    new_terms: tuple[str, ...]
    missing: tuple[str, ...] = ()


def write_entry(session: Session, store: Store, entry: Entry, path: Path) -> None:
    """Write the entry and its package into `path`. Raises `InvalidInput` where it has none; leaves no half a file."""
    if entry.recording is None:
        raise InvalidInput("This entry has no recording to carry.", code="no_package")
    if entry.package_id is None and is_quarantined(entry.recording):
        raise Conflict("Nobody has signed the recording off: it stays where it is until then.", code="not_signed_off")
    package = get_package(session, entry.package_id or entry.recording.package_id)
    objects = list_objects(session, package.id)
    partial = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(HEAD, json.dumps(_head(session, entry, package, objects), ensure_ascii=False, indent=1))
            for item in objects:
                _write_object(store, f"{package.prefix}/{item['path']}", archive, item)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_entry(database: Database, store: Store, path: Path, *, by: User | None) -> Carried:
    """Make a draft of the file. Raises `InvalidInput` for a damaged one, `Conflict` for a recording known here."""
    stored: list[str] = []
    try:
        head, package_id = _store_all(database, store, path, stored)
        with database.writing() as session:
            _require_new(session, head)
            return _make_rows(session, head, package_id, by=by)
    except (InvalidInput, Conflict):
        # certainly rolled back; after a lost connection the rows may stand, then the objects must stay
        store.delete(stored)
        raise


def _store_all(database: Database, store: Store, path: Path, stored: list[str]) -> tuple[dict[str, Any], str]:
    """Every object into the store under a random id; `stored` names those that are there."""
    try:
        with zipfile.ZipFile(path) as archive:
            head = _read_head(archive)
            with database.reading() as session:
                _require_new(session, head)
            package_id = secrets.token_hex(16)
            for item in head["package"]["objects"]:
                key = f"packages/{package_id}/{item['path']}"
                _store_object(archive, item, store, key)
                stored.append(key)
            return head, package_id
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
        raise _damaged() from error


def _head(session: Session, entry: Entry, package: Package, objects: list[dict[str, Any]]) -> dict[str, Any]:
    recording = entry.recording
    if recording is None:
        raise InvalidInput("This entry has no recording to carry.", code="no_package")
    document = document_of(entry)
    described = snapshot(session, entry.id)
    return {
        "format": FORMAT,
        "entry": {"id": entry.id, "citation": entry.code, "version": entry.version, "document": document},
        "annotations": described,
        "captions": {
            track.language: [vars(cue) for cue in captions.cues_of(track)]
            for track in captions.list_tracks(session, entry.id)
        },
        "terms": [{"scheme": term.scheme_id, **term_of(term)} for term in _named_terms(session, [document, described])],
        "recording": {
            "sha256": recording.sha256,
            "bytes": recording.bytes,
            "source": recording.source,
            "warnings": recording.warnings,
        },
        "package": {
            "duration_s": package.duration_s,
            "description": package.description,
            "tracks": package.tracks,
            "objects": objects,
        },
        **_beside(session, entry),
    }


def _beside(session: Session, entry: Entry) -> dict[str, Any]:
    """Which second recording, where it was signed off, and which narrations viewers hear."""
    found: dict[str, Any] = {"narrations": narrations.snapshot(session, entry.id)}
    second = find_second(session, entry.id)
    if second is not None and not is_quarantined(second.recording):
        found["second"] = {
            "sha256": second.recording.sha256,
            "bytes": second.recording.bytes,
            "offset_s": second.offset_s,
        }
    return found


def _write_object(store: Store, key: str, archive: zipfile.ZipFile, item: Mapping[str, Any]) -> None:
    digest = hashlib.sha256()
    with store.open_range(key) as chunks, archive.open(_FOLDER + item["path"], "w", force_zip64=True) as target:
        for chunk in chunks:
            digest.update(chunk)
            target.write(chunk)
    if digest.hexdigest() != item["sha256"]:
        raise InvalidInput("The package in the store is damaged: run `videolib reconcile`.", code="package_damaged")


def _read_head(archive: zipfile.ZipFile) -> dict[str, Any]:
    """What the file says it holds, as far as it must be true before anything is stored."""
    try:
        if archive.getinfo(HEAD).file_size > MAX_HEAD_BYTES:
            raise _damaged()
        head: dict[str, Any] = json.loads(archive.read(HEAD))
        if head["format"] != FORMAT:
            raise InvalidInput("This file was written by another version of videolib.", code="entry_file_version")
        parse_values(head["entry"]["document"])
        names = [item["path"] for item in head["package"]["objects"]]
        sound = all(_is_sound(item) for item in head["package"]["objects"])
        length, digest = float(head["package"]["duration_s"]), str(head["recording"]["sha256"])
        if not sound or len(set(names)) != len(names) or length <= 0 or len(digest) != 64 or not _is_sound_beside(head):
            raise _damaged()
        if "master.m3u8" not in names or {_FOLDER + name for name in names} - set(archive.namelist()):
            raise _damaged()
    except (KeyError, TypeError, ValueError, RecursionError, AttributeError) as error:
        raise _damaged() from error
    return head


def _is_sound(item: Mapping[str, Any]) -> bool:
    path = str(item["path"])
    inside = not path.startswith("/") and ".." not in path.split("/") and "\\" not in path
    return inside and int(item["bytes"]) >= 0 and isinstance(item["sha256"], str)


def _is_sound_beside(head: Mapping[str, Any]) -> bool:
    second, spoken = head.get("second"), head.get("narrations") or {}
    is_aligned = second is None or (len(str(second["sha256"])) == 64 and abs(float(second["offset_s"])) <= LONGEST_S)
    lengths = [float(told["duration_s"]) for told in spoken.values()]
    return is_aligned and set(spoken) <= set(narrations.LANGUAGES) and all(0 <= one <= LONGEST_S for one in lengths)


def _store_object(archive: zipfile.ZipFile, item: Mapping[str, Any], store: Store, key: str) -> None:
    """One object into the store, if its bytes are those that the head promises."""
    with archive.open(_FOLDER + item["path"]) as source, tempfile.NamedTemporaryFile() as copy:
        if _copy(source, copy, int(item["bytes"])) != item["sha256"]:
            raise _damaged()
        if key.endswith(".m3u8") and b"://" in Path(copy.name).read_bytes():
            raise _damaged()  # a playlist of ours names nothing outside its folder
        store.put_file(key, Path(copy.name))


def _copy(source: IO[bytes], target: IO[bytes], most: int) -> str:
    digest, size = hashlib.sha256(), 0
    while block := source.read(_BLOCK_BYTES):
        size += len(block)
        if size > most:
            raise _damaged()
        digest.update(block)
        target.write(block)
    target.flush()
    if size != most:
        raise _damaged()
    return digest.hexdigest()


def _require_new(session: Session, head: Mapping[str, Any]) -> None:
    known = find_recording_by_digest(session, head["recording"]["sha256"])
    if known is not None:
        entry = find_entry_of(session, known.id)
        raise Conflict(
            f"This recording is in the library already{f', as entry {entry.id}' if entry else ''}.",
            code="known_already",
        )


def _make_rows(session: Session, head: Mapping[str, Any], package_id: str, *, by: User | None) -> Carried:
    new_terms = _add_terms(session, head.get("terms") or [], by=by)
    told = head["recording"]
    recording = Recording(
        # the name of what was uploaded may be a patient's: it stays where it was
        source_name="",
        original_key="",
        sha256=told["sha256"],
        bytes=int(told["bytes"]),
        source=told.get("source"),
        warnings=list(told.get("warnings") or []),
        uploader_id=by.id if by else None,
    )
    session.add(recording)
    session.flush()
    for event in ("enqueue", "start", "finish"):
        move(session, recording, event)
    package = Package(id=package_id, recording_id=recording.id, tracks=list(head["package"].get("tracks") or []))
    session.add(package)
    session.flush()
    complete_package(
        session,
        package,
        description=dict(head["package"]["description"]),
        duration_s=float(head["package"]["duration_s"]),
        objects=list(head["package"]["objects"]),
    )
    recording.package_id, recording.progress = package.id, 1.0
    entry = create_entry(session, parse_values(head["entry"]["document"]), recording=recording, by=by)
    for language, cues in (head.get("captions") or {}).items():
        captions.add_captions(session, entry, language, write_vtt([Cue(**cue) for cue in cues]), by=by)
    add_annotations(session, entry, _described(head), by=by, tool="videolib entry file")
    missing = _put_beside(session, entry, head, by=by)
    beside = {name: head[name] for name in ("second", "narrations") if head.get(name)}
    citation = head["entry"]["citation"]
    record_event(session, "carry_in", "entry", entry.id, by=by, package=package.id, citation=citation, **beside)
    return Carried(entry.id, recording.id, new_terms, missing)


def _put_beside(session: Session, entry: Entry, head: Mapping[str, Any], *, by: User | None) -> tuple[str, ...]:
    """The second recording beside the entry's own, where this library has it; gives a sentence for what it has not."""
    missing = []
    if second := head.get("second"):
        known, offset_s = find_recording_by_digest(session, second["sha256"]), float(second["offset_s"])
        if known is not None:
            added_by = by.id if by else None
            session.add(SecondSource(entry_id=entry.id, recording_id=known.id, offset_s=offset_s, added_by_id=added_by))
        else:
            missing.append(
                "The second recording is not in this file: carry its own entry here, too, and put it beside this one "
                f"(its clock is {offset_s:+.3f} s ahead)."
            )
    for language, told in (head.get("narrations") or {}).items():
        length_s = float(told["duration_s"])
        missing.append(f"The narration in {language} ({length_s:.1f} s) is not in this file: send its sound here, too.")
    return tuple(missing)


def _described(head: Mapping[str, Any]) -> list[AnnotationValues]:
    """The time-coded description as values that are checked like any other."""
    names = AnnotationValues.__dataclass_fields__
    try:
        return [
            AnnotationValues(**{name: item[name] for name in names if name in item})
            for item in head.get("annotations") or []
        ]
    except (TypeError, KeyError) as error:
        raise _damaged() from error


def _named_terms(session: Session, documents: Iterable[Any]) -> list[Term]:
    words = {text for document in documents for text in _texts(document)}
    found = session.scalars(select(Term).order_by(Term.scheme_id, Term.position))
    return [term for term in found if term.id in words]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def _add_terms(session: Session, told: Iterable[Mapping[str, Any]], *, by: User | None) -> tuple[str, ...]:
    """Terms that this library does not know are proposed, for an administrator to accept or merge."""
    added = []
    for content in told:
        scheme_id, term_id = str(content.get("scheme")), str(content.get("id"))
        if session.get(Term, term_id) is not None or session.get(Scheme, scheme_id) is None:
            continue
        lone = {name: content[name] for name in ("id", "labels", "synonyms", "definition", "mesh") if name in content}
        if find_problems([{"id": scheme_id, "labels": {"en": "x", "zh": "x"}, "terms": [{**lone, "procedure": None}]}]):
            continue
        row = Term(id=term_id, scheme_id=scheme_id, edited=True, proposed_by_id=by.id if by else None)
        apply_content(row, {**lone, "status": "proposed", "order": 10_000})
        session.add(row)
        added.append((scheme_id, term_id))
    if added:
        note_change(session, {scheme_id for scheme_id, _ in added})
    return tuple(term_id for _, term_id in added)


def _damaged() -> InvalidInput:
    return InvalidInput("This file is damaged or no entry of videolib; export it again.", code="entry_file_damaged")
