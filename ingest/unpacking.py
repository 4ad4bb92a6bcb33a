"""A tar that a browser has made of several files becomes a folder again; nothing in it can name another place."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import tarfile
from pathlib import Path

from ingest.errors import Refused
from videolib.storage import Chunks

MOST_FILES = 50_000
_NAME_MAX_BYTES = 200
_ODD = re.compile(r"[\x00-\x1f\x7f/\\]")


def unpack(chunks: Chunks, folder: Path) -> list[Path]:
    """Write the files of a tar below `folder`; they are answered in its order. Raises `Refused`."""
    folder.mkdir(parents=True)
    files: list[Path] = []
    try:
        with chunks, tarfile.open(fileobj=io.BufferedReader(_Reader(chunks)), mode="r|", encoding="utf-8") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    continue
                if len(files) == MOST_FILES:
                    raise Refused("unsupported", f"A folder may have {MOST_FILES} files; send a part of it.")
                target = _place(folder, member.name)
                with target.open("xb") as file:
                    shutil.copyfileobj(content, file, 1024 * 1024)
                files.append(target)
    except (tarfile.TarError, EOFError, FileExistsError, UnicodeError) as error:
        raise Refused("corrupt") from error
    if not files:
        raise Refused("empty")
    return files


class _Reader(io.RawIOBase):
    """The chunks of a store as a file that is read from beginning to end."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._left:
            self._left = next(self._chunks, b"")
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def _place(folder: Path, name: str) -> Path:
    """Where a member is written: below the folder, whatever its name says."""
    parts = [_ODD.sub("_", part) for part in name.split("/") if part not in {"", ".", ".."}]
    if not parts:
        raise Refused("corrupt")
    target = folder.joinpath(*(_short(part) for part in parts))
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _short(part: str) -> str:
    if len(part.encode()) <= _NAME_MAX_BYTES:
        return part
    digest = hashlib.sha256(part.encode()).hexdigest()[:16]
    return digest + Path(part).suffix[:16]
