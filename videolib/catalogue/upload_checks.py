"""What can be said of a file before an hour is spent on sending it: its kind, its size, the quota, whether it is here.

The worker looks properly at what has arrived; these are the plain cases.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import Settings
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.storage_use import require_within_quota
from videolib.catalogue.uploads import KINDS, Announced, count_bytes_of, count_bytes_to_come
from videolib.errors import InvalidInput, ObjectMissing
from videolib.storage import GrowingStore, Store

GIB = 2**30
NAME_MAX_CHARACTERS = 255
# a fingerprint covers this much at the beginning, at the end, and at places between
ENDS_BYTES, SAMPLE_BYTES, SAMPLES = 1024 * 1024, 64 * 1024, 8

_AGAIN = "Copy it from the recorder again and upload it again."
_SENTENCES = {
    "empty": f"The file is empty (0 bytes). {_AGAIN}",
    "not_media": "This is not a video or DICOM file. Export the recording as MP4, MOV, AVI, MPEG or DICOM.",
    "still_image": "This is a still picture, not a video. Upload the recording itself.",
    "captions": "This is a caption file, not a recording. Add it to its recording as captions.",
}
_SUFFIXES = {
    "still_image": "jpg jpeg png gif bmp tif tiff webp heic heif avif svg psd",
    "captions": "srt vtt ass ssa",
    "not_media": (
        "pdf doc docx xls xlsx ppt pptx odt txt rtf csv htm html xml json yaml zip rar 7z gz exe msi dmg iso "
        "mp3 wav m4a aac flac ogg wma lnk url db ini log"
    ),
}
_KIND_OF_SUFFIX = {suffix: kind for kind, names in _SUFFIXES.items() for suffix in names.split()}
_HEADS = {
    "still_image": (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*", b"8BPS"),
    "not_media": (
        *(b"%PDF", b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"MZ", b"\x7fELF", b"{\\rtf"),
        *(b"\xd0\xcf\x11\xe0", b"#EXTM3U", b"<?xml", b"<!DOC", b"<html", b"ID3", b"OggS", b"fLaC"),
    ),
    "captions": (b"WEBVTT",),
}
_PICTURE_BRANDS = frozenset({b"heic", b"heix", b"mif1", b"avif", b"crx "})


@dataclass(frozen=True)
class Limits:
    """How much may come; `room` is what the store's disk still has beside the reserve, None where nobody knows."""

    largest: int
    quota: int | None
    room: int | None


def limits_of(settings: Settings, originals: GrowingStore) -> Limits:
    """What this library allows now."""
    free = originals.room()
    return Limits(
        largest=int(settings.upload_max_gib * GIB),
        quota=None if settings.upload_quota_gib is None else int(settings.upload_quota_gib * GIB),
        room=None if free is None else max(0, free - int(settings.reserve_gib * GIB)),
    )


def require_acceptable(session: Session, announced: Announced, limits: Limits, *, by: User) -> None:
    """Raise `InvalidInput` for what cannot become a recording or has no room; the code says why."""
    if not announced.name or len(announced.name) > NAME_MAX_CHARACTERS:
        raise _refused("no_name", f"Say the file's name, in at most {NAME_MAX_CHARACTERS} characters.")
    if announced.kind not in KINDS:
        raise _refused("upload_kind", "An upload is a file, a study or parts.")
    if announced.length <= 0:
        raise _refused("empty", _SENTENCES["empty"])
    if announced.kind == "file":
        refuse_name(announced.name)
    if announced.length > limits.largest:
        largest = f"{limits.largest / GIB:g} GiB"
        raise _refused("upload_too_large", f"A file may have {largest}; cut it into parts, or ask an administrator.")
    if limits.quota is not None and count_bytes_of(session, by) + announced.length > limits.quota:
        quota = f"{limits.quota / GIB:g} GiB"
        raise _refused("quota", f"Your recordings would need more than {quota} together; ask an administrator.")
    require_within_quota(session, announced.length, by=by)
    if limits.room is not None and count_bytes_to_come(session) + announced.length > limits.room:
        raise _refused("no_room", "There is not enough disk space in the library for this file; ask an administrator.")


def refuse_name(name: str) -> None:
    """Raise `InvalidInput` for a name that says that it is no recording."""
    kind = _KIND_OF_SUFFIX.get(PurePath(name).suffix.lower().removeprefix("."))
    if kind is not None:
        raise _refused(kind, _SENTENCES[kind])


def refuse_head(head: bytes) -> None:
    """Raise `InvalidInput` for first bytes that say that it is no recording."""
    if head[128:132] == b"DICM":  # its preamble may be anything, even the beginning of a TIFF
        return
    if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS:
        raise _refused("still_image", _SENTENCES["still_image"])
    for kind, beginnings in _HEADS.items():
        if head.startswith(beginnings):
            raise _refused(kind, _SENTENCES[kind])


def spans_of(size: int) -> list[tuple[int, int]]:
    """The (start, end) of what a fingerprint covers: the beginning, the end, and places at equal steps between."""
    if size <= 2 * ENDS_BYTES:
        return [(0, size)]
    starts = [size * number // (SAMPLES + 1) for number in range(1, SAMPLES + 1)]
    middle = [(start, min(size, start + SAMPLE_BYTES)) for start in starts]
    return [(0, ENDS_BYTES), *middle, (size - ENDS_BYTES, size)]


def fingerprint_of(store: Store, key: str, size: int) -> str:
    """What the page computes of a file too: its size, and the CRC-32 of some of its bytes. Raises `ObjectMissing`.

    It finds the same file again in a second; that all bytes are the same only the digest says, at the end.
    """
    check = 0
    for start, end in spans_of(size):
        for chunk in store.open_range(key, start, end - start):
            check = zlib.crc32(chunk, check)
    return f"{size}-{check:08x}"


def find_same(session: Session, originals: Store, fingerprints: Sequence[tuple[int, str]]) -> dict[str, Recording]:
    """By fingerprint: the recording in the library that seems to have the same bytes."""
    found: dict[str, Recording] = {}
    sizes = {size for size, fingerprint in fingerprints if fingerprint}
    for recording in session.scalars(select(Recording).where(Recording.bytes.in_(sizes), Recording.original_key != "")):
        try:
            found[fingerprint_of(originals, recording.original_key, recording.bytes)] = recording
        except ObjectMissing:
            continue  # `reconcile` says so
    return {fingerprint: found[fingerprint] for _size, fingerprint in fingerprints if fingerprint in found}


def _refused(code: str, message: str) -> InvalidInput:
    return InvalidInput(message, code=code)
