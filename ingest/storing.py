"""Puts what a job has made into the store, under names that no other attempt uses, and says what was put."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ingest.errors import Cancelled
from ingest.package import Piece, sha256_of
from videolib import hls
from videolib.storage import Store

CONTENT_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".jpg": "image/jpeg",
    ".vtt": "text/vtt",
    ".json": "application/json",
}


@dataclass(frozen=True)
class Stored:
    """What came into the store of one track: its objects by path, size and digest, and its segments there."""

    folder: str
    objects: tuple[dict[str, Any], ...]
    segments: tuple[hls.Segment, ...] = ()


@dataclass(frozen=True)
class Shelf:
    """A package's place in the store, for one attempt of a job."""

    store: Store
    package_id: str
    attempt: int
    cancelled: Callable[[], bool]

    def put_piece(self, source: Path, rendition: str, piece: Piece) -> Stored:
        """Put one chunk's file of a rendition, which lies in `source`."""
        name = piece.segments[0].uri
        path = f"video/{rendition}/{PurePosixPath(name).stem}-a{self.attempt}.m4s"
        segments = tuple(replace(segment, uri=PurePosixPath(path).name) for segment in piece.segments)
        return Stored(f"video/{rendition}", (self.put_file(source / name, path),), segments)

    def put_track(self, root: Path, track: hls.Track, mark: str) -> Stored:
        """Put a track whose one media file lies in `root`, with its init segment; `mark` begins the file's name."""
        path = f"{track.folder}/{mark}-a{self.attempt}.m4s"
        objects = [
            self.put_file(root / track.folder / "init.mp4", f"{track.folder}/init.mp4"),
            self.put_file(root / track.folder / track.segments[0].uri, path),
        ]
        segments = tuple(replace(segment, uri=PurePosixPath(path).name) for segment in track.segments)
        return Stored(track.folder, tuple(objects), segments)

    def put_sound(self, source: Path, folder: str, piece: Piece) -> Stored:
        """Put a stretch of preview sound, whose one file lies in `source`; its track's init segment is there."""
        name = piece.segments[0].uri
        path = f"{folder}/preview-{PurePosixPath(name).stem}-a{self.attempt}.m4s"
        segments = tuple(replace(segment, uri=PurePosixPath(path).name) for segment in piece.segments)
        return Stored(folder, (self.put_file(source / name, path),), segments)

    def put_init(self, rendition: str, init: bytes) -> Stored:
        """Put a rendition's init segment."""
        path = f"video/{rendition}/init.mp4"
        self.store.put_bytes(self._key(path), init, content_type=CONTENT_TYPES[".mp4"])
        return Stored(
            f"video/{rendition}", ({"path": path, "bytes": len(init), "sha256": hashlib.sha256(init).hexdigest()},)
        )

    def put_file(self, source: Path, path: str) -> dict[str, Any]:
        """Put a file at a path of the package; return what its row says of it."""
        if self.cancelled():
            raise Cancelled
        self.store.put_file(self._key(path), source, content_type=CONTENT_TYPES.get(source.suffix))
        return {"path": path, "bytes": source.stat().st_size, "sha256": sha256_of(source)}

    def put_page(self, source: Path, path: str) -> dict[str, Any]:
        """Put a playlist or a picture, which other attempts may have written already, differing in nothing that counts.

        Nobody has seen theirs: the package was not whole.
        """
        self.store.delete([self._key(path)])
        return self.put_file(source, path)

    def _key(self, path: str) -> str:
        return f"packages/{self.package_id}/{path}"
