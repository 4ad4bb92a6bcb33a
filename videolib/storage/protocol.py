"""What every store can do, and the rules its keys follow.

Objects are written once and never changed: a put of the same content again does nothing, of other content is
a Conflict. A reader sees a whole object or none.
"""

from __future__ import annotations

import contextlib
import errno
import re
import secrets
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, Protocol

from videolib.errors import Conflict, InvalidInput, Unavailable

CHUNK_BYTES = 1024 * 1024
KEY_MAX_CHARACTERS = 900  # S3 allows 1024 bytes, of which a prefix takes some
PART_MAX_CHARACTERS = 200
STALE_AFTER_S = 24 * 3600

# a part starts with no dot: those names are the stores' own (`.incoming`), and `..` is none
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,%d}" % (PART_MAX_CHARACTERS - 1))  # noqa: UP031 - braces
_PREFIX = re.compile(r"[A-Za-z0-9._/-]*")

_CONTENT_TYPES = {
    ".aac": "audio/aac",
    ".dcm": "application/dicom",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".vtt": "text/vtt; charset=utf-8",
}


@dataclass(frozen=True)
class StoredObject:
    """One object: `size` in bytes; `etag` changes with the content, without quotes; `stored_at` by the store's clock.

    A put need not know when the store says that it was.
    """

    key: str
    size: int
    etag: str | None
    stored_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Address:
    """Where a bucket is; `endpoint` None: Amazon's own. `profile`: a section of the AWS credentials file."""

    bucket: str
    endpoint: str | None = None
    region: str | None = None
    style: Literal["path", "virtual"] = "path"
    profile: str | None = None


class Check(NamedTuple):
    """One line of `doctor`: what was tried, whether it works, a sentence, and what mends it."""

    check: str
    ok: bool
    message: str
    fix: str | None


Checks = list[Check]  # a name of its own: in a store, `list` is a method


class Store(Protocol):
    """A place for objects. One that does not answer raises Unavailable (code `store_unavailable`)."""

    def put_file(self, key: str, path: Path, *, content_type: str | None = None) -> StoredObject:
        """Keep the file under `key`, whole or not at all. Raises Conflict if it holds other content."""

    def put_bytes(self, key: str, content: bytes, *, content_type: str | None = None) -> StoredObject:
        """Keep `content` under `key`, whole or not at all. Raises Conflict if it holds other content."""

    def get_bytes(self, key: str) -> bytes:
        """The whole object. Raises ObjectMissing."""

    def open_range(self, key: str, start: int = 0, length: int | None = None) -> Chunks:
        """The bytes from `start`, `length` of them or all; what lies beyond the end is left out.

        Raises ObjectMissing at once, before the first chunk is asked for.
        """

    def fetch_to(self, key: str, path: Path) -> None:
        """Copy the whole object to `path`, all of it or nothing. Raises ObjectMissing."""

    def stat(self, key: str) -> StoredObject:
        """Its size and tag. Raises ObjectMissing."""

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """The objects whose keys begin with `prefix` (not only at a `/`), in no order that all stores share."""

    def delete(self, keys: Iterable[str]) -> None:
        """Remove these objects; one that is not there is no error."""

    def presigned_get(self, key: str, *, expires_s: int = 60) -> str | None:
        """An address that answers the object to whoever holds it, for `expires_s` seconds.

        None: this store has none, the service sends the bytes. Does not look whether the object is there.
        """

    def local_path(self, key: str) -> Path | None:
        """The file that holds the object, never to be written; None: it is no file of this host.

        Raises ObjectMissing.
        """

    def check(self, origin: str | None = None) -> Checks:
        """Try what the library needs of the store; `origin` is the address browsers see the service under."""

    def prepare(self, origin: str | None = None) -> None:
        """Make the folder or bucket and let pages of `origin` read from it. May be repeated."""

    def sweep(self, *, older_than_s: float = STALE_AFTER_S, growing: Collection[str] | None = None) -> int:
        """Remove what broken puts left behind `older_than_s` seconds ago; how many.

        `growing` are the tokens of objects that still arrive in pieces; what else was begun so goes too.
        """


class Chunks(Iterator[bytes]):
    """The bytes of a range, a chunk at a time; closed at its end, or by `close`."""

    def __init__(self, read: Callable[[int], bytes], close: Callable[[], object], length: int | None) -> None:
        self._read = read
        self._close = close
        self._left = length

    def __iter__(self) -> Chunks:
        return self

    def __next__(self) -> bytes:
        chunk = self._read(CHUNK_BYTES if self._left is None else min(CHUNK_BYTES, self._left))
        if not chunk:
            self.close()
            raise StopIteration
        if self._left is not None:
            self._left -= len(chunk)
        return chunk

    def __enter__(self) -> Chunks:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file or connection. May be repeated."""
        self._close()


def no_chunks() -> Chunks:
    """The bytes of an empty range."""
    return Chunks(lambda _size: b"", lambda: None, 0)


def check_key(key: str) -> str:
    """`key` itself if it may name an object, else InvalidInput."""
    if len(key) <= KEY_MAX_CHARACTERS and all(_PART.fullmatch(part) for part in key.split("/")):
        return key
    raise InvalidInput("That is not a name under which the store keeps anything.", code="invalid_key")


def check_prefix(prefix: str) -> str:
    """`prefix` itself if keys may begin with it, else InvalidInput."""
    *folders, rest = prefix.split("/")
    fits = len(prefix) <= KEY_MAX_CHARACTERS and _PREFIX.fullmatch(prefix) is not None
    if fits and all(_PART.fullmatch(part) for part in folders) and not rest.startswith("."):
        return prefix
    raise InvalidInput("That is not a name under which the store keeps anything.", code="invalid_key")


def check_range(start: int, length: int | None) -> None:
    """Raise InvalidInput for a range that ends before it begins."""
    if start < 0 or (length is not None and length < 0):
        raise InvalidInput("A range of bytes starts at 0 or later and is not shorter than nothing.")


def content_type_of(key: str) -> str:
    """The media type by the key's ending: the same on every machine, unlike the `mimetypes` module's."""
    return _CONTENT_TYPES.get(PurePosixPath(key).suffix.lower(), "application/octet-stream")


def other_content() -> Conflict:
    """The error of a put that would change an object."""
    return Conflict(
        "The store already holds something else under this name; objects are never overwritten.",
        code="object_exists",
    )


@contextlib.contextmanager
def disk_errors() -> Generator[None]:
    """Say what a disk refuses in a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            message = "The disk is full; free some space and try again."
            raise Unavailable(message, code="no_space") from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            message = "The service may not write into its own store; give its user the right to."
            raise Unavailable(message, code="store_unavailable") from error
        message = f"The disk of the store answers with an error ({errno.errorcode.get(error.errno or 0, 'EIO')})."
        raise Unavailable(message, code="store_unavailable") from error


def fetch(store: Store, key: str, path: Path) -> None:
    """`Store.fetch_to` by way of `open_range`."""
    expected = store.stat(key).size
    draft = path.with_name(f".{secrets.token_hex(8)}.part")
    with store.open_range(key) as chunks, disk_errors():
        try:
            with draft.open("xb") as file:
                for chunk in chunks:
                    file.write(chunk)
            if draft.stat().st_size != expected:
                raise Unavailable("The store broke off while it was read; try again.", code="store_unavailable")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def same_content(store: Store, key: str, content: Chunks) -> bool:
    """Whether the object holds just `content`, read side by side."""
    with store.open_range(key) as stored, content:
        buffer = bytearray()
        for chunk in stored:
            while len(buffer) < len(chunk):
                more = next(content, b"")
                if not more:
                    return False
                buffer += more
            if buffer[: len(chunk)] != chunk:
                return False
            del buffer[: len(chunk)]
        return not buffer and next(content, b"") == b""


def chunks_of_file(path: Path) -> Chunks:
    """The bytes of a local file."""
    file = path.open("rb")
    return Chunks(file.read, file.close, None)


def chunks_of_bytes(content: bytes) -> Chunks:
    """`content` in one piece."""
    pieces = iter([content] if content else [])
    return Chunks(lambda _size: next(pieces, b""), lambda: None, None)
