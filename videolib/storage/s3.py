"""A store in a bucket of Amazon S3 or of a server that speaks its language.

Servers differ: `If-None-Match` is ignored by some, so two puts of one key at once are kept apart by the callers
(keys hold random ids and attempt numbers), not here.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import os
import re
import secrets
import threading
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from videolib.errors import ObjectMissing, Unavailable
from videolib.storage.growing import Growth, Part
from videolib.storage.protocol import (
    STALE_AFTER_S,
    Address,
    Checks,
    Chunks,
    StoredObject,
    check_key,
    check_prefix,
    check_range,
    chunks_of_bytes,
    chunks_of_file,
    content_type_of,
    fetch,
    no_chunks,
    other_content,
    same_content,
)

if TYPE_CHECKING:
    from videolib.storage.s3_client import Bucket

PRESIGN_MAX_S = 7 * 24 * 3600  # more than this signature version 4 does not allow
EXPOSED_HEADERS = ("Accept-Ranges", "Content-Length", "Content-Range", "ETag")
CORS_MAX_AGE_S = 3600
DELETE_AT_ONCE = 1000  # the most that DeleteObjects takes
# a part but the last has 5 MiB or more; half of the 10 000 numbers that an upload has are for tries that broke off
SMALLEST_PART_BYTES, MOST_PARTS = 5 * 1024 * 1024, 5000
_TAIL = re.compile(r"\.tail-(\d+)-[0-9a-f]+$")

Rules = list[dict[str, Any]]  # a name of its own: in the store, `list` is a method


class S3Store:
    """A Store whose objects lie in a bucket, under `prefix`."""

    def __init__(self, address: Address, prefix: str = "", *, keys: tuple[str, str] | None = None) -> None:
        """`keys`: access and secret key; without them boto3's own chain finds some."""
        self._address = address
        self._prefix = f"{prefix}/" if prefix else ""
        self._keys = keys
        self._lock = threading.Lock()
        self._opened: tuple[int, Bucket] | None = None

    def __repr__(self) -> str:
        return f"S3Store({self._address.bucket!r}, {self._prefix!r})"

    def put_file(self, key: str, path: Path, *, content_type: str | None = None) -> StoredObject:
        """Keep a copy of the file under `key`; see Store."""
        if self.exists(key):
            return self._kept(key, chunks_of_file(path))
        size = path.stat().st_size
        self._bucket().upload(self._full(key), path, content_type or content_type_of(key))
        stored = self.stat(key)
        if stored.size != size:  # the file grew shorter between two parts: what it is now lies there as a whole object
            self.delete([key])
            raise Unavailable(
                "The object store holds another length than was sent; try again.", code="store_unavailable"
            )
        return stored

    def put_bytes(self, key: str, content: bytes, *, content_type: str | None = None) -> StoredObject:
        """Keep `content` under `key`; see Store."""
        if self.exists(key):
            return self._kept(key, chunks_of_bytes(content))
        stored = self._bucket().put(self._full(key), content, content_type or content_type_of(key))
        return self._ours(stored)

    def get_bytes(self, key: str) -> bytes:
        """The whole object; see Store."""
        return b"".join(self.open_range(key))

    def open_range(self, key: str, start: int = 0, length: int | None = None) -> Chunks:
        """The bytes of a range; see Store. A connection that breaks is opened again where it broke."""
        check_range(start, length)
        body = self._bucket().open(self._full(key), start, length)
        return no_chunks() if body is None else Chunks(body.read, body.close, length)

    def fetch_to(self, key: str, path: Path) -> None:
        """Copy the object to `path`; see Store."""
        fetch(self, key, path)

    def stat(self, key: str) -> StoredObject:
        """Size and tag; see Store."""
        return self._ours(self._bucket().head(self._full(key)))

    def exists(self, key: str) -> bool:
        """Whether it is there; see Store."""
        try:
            self.stat(key)
        except ObjectMissing:
            return False
        return True

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """The objects whose keys begin with `prefix`; see Store."""
        return map(self._ours, self._bucket().objects(self._prefix + check_prefix(prefix)))

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; see Store."""
        full = (self._full(key) for key in keys)
        while batch := list(itertools.islice(full, DELETE_AT_ONCE)):
            self._bucket().delete(batch)

    def presigned_get(self, key: str, *, expires_s: int = 60) -> str:
        """An address that answers the object for `expires_s` seconds, at most a week; see Store."""
        return self._bucket().presign(self._full(key), max(1, min(expires_s, PRESIGN_MAX_S)))

    def local_path(self, key: str) -> None:
        """None: it is no file of this host."""
        check_key(key)

    def check(self, origin: str | None = None) -> Checks:
        """Try to write, to read, and to read as a browser of `origin` does; see Store."""
        from videolib.storage.s3_check import check  # noqa: PLC0415 - loads boto3, 0.4 s

        return check(self, origin)

    def prepare(self, origin: str | None = None) -> None:
        """Make the bucket, and a CORS rule for `origin` unless one of its rules does already; see Store."""
        self._bucket().make()
        if origin is not None:
            self._allow(origin_of(origin))

    def sweep(self, *, older_than_s: float = STALE_AFTER_S, growing: Collection[str] | None = None) -> int:
        """Withdraw unfinished multipart uploads; see Store."""
        before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=older_than_s)
        return self._bucket().abort_uploads(self._prefix, before, keep=growing or ())

    def begin(self, key: str, length: int) -> Growth:
        """Begin a multipart upload; see GrowingStore."""
        return Growth(self._bucket().begin_upload(self._full(key), content_type_of(key)), length)

    def makes_part(self, growth: Growth, size: int) -> bool:
        """All but what is too small to be a part and is not the last; see GrowingStore."""
        smallest = max(SMALLEST_PART_BYTES, -(-growth.length // MOST_PARTS))
        return growth.size + size >= growth.length or growth.tail_bytes + size >= smallest

    @contextlib.contextmanager
    def held(self, growth: Growth) -> Generator[None]:  # noqa: ARG002
        """Nobody is kept away: each try has a part number of its own, and rows say which count; see GrowingStore."""
        yield

    def grow(self, key: str, growth: Growth, content: bytes) -> tuple[Growth, Part | None]:
        """Upload one part, or keep what is too small in an object of its own; see GrowingStore."""
        if growth.tail:
            content = self.get_bytes(growth.tail) + content
        size = growth.size - growth.tail_bytes + len(content)
        self._drop_tails(key, before=growth.size)
        if self.makes_part(growth, len(content) - growth.tail_bytes):
            etag = self._bucket().put_part(self._full(key), growth.token, growth.part, content)
            return replace(growth, size=size, tail="", tail_bytes=0), Part(growth.part, etag, len(content))
        tail = f"{key}.tail-{size}-{secrets.token_hex(4)}"
        self._bucket().put(self._full(tail), content, content_type_of(tail))
        return replace(growth, size=size, tail=tail, tail_bytes=len(content)), None

    def finish(self, key: str, growth: Growth, parts: Sequence[Part]) -> StoredObject:
        """Let the parts become the object; see GrowingStore."""
        listed = [(part.number, part.etag) for part in sorted(parts, key=lambda part: part.number)]
        try:
            self._bucket().end_upload(self._full(key), growth.token, listed)
        except ObjectMissing:
            if not self.exists(key):
                raise
        self._drop_tails(key, before=growth.length + 1)
        return self.stat(key)

    def give_up(self, key: str, growth: Growth) -> None:
        """Withdraw the multipart upload; see GrowingStore."""
        with contextlib.suppress(ObjectMissing):
            self._bucket().abort_upload(self._full(key), growth.token)
        self._drop_tails(key, before=growth.length + 1)

    def room(self) -> int | None:
        """None: a bucket does not say; see GrowingStore."""

    def _drop_tails(self, key: str, *, before: int) -> None:
        """Remove tails that have become part of a part; a newer one may be another request's."""
        found = [item.key for item in self.list(f"{key}.tail-")]
        self.delete([tail for tail in found if (match := _TAIL.search(tail)) and int(match[1]) < before])

    def cors_id(self) -> str:
        """The name of our rule: libraries that share a bucket have one each."""
        return f"videolib:{self._prefix}"

    def cors_rules(self) -> Rules:
        """The bucket's CORS rules as S3 words them."""
        return self._bucket().cors_rules()

    def _allow(self, origin: str) -> None:
        rules = self.cors_rules()
        if any(_allows(rule, origin) for rule in rules):
            return
        ours = {
            "ID": self.cors_id(),
            "AllowedOrigins": [origin],
            "AllowedMethods": ["GET", "HEAD"],
            "AllowedHeaders": ["Range"],
            "ExposeHeaders": list(EXPOSED_HEADERS),
            "MaxAgeSeconds": CORS_MAX_AGE_S,
        }
        try:
            self._bucket().set_cors_rules([rule for rule in rules if rule.get("ID") != self.cors_id()] + [ours])
        except Unavailable as error:
            raise Unavailable(
                f"{error.message} The bucket's CORS rules may also be set by hand: allow GET and HEAD with the "
                f"header Range from {origin}, and expose {', '.join(EXPOSED_HEADERS)}.",
                code="cors_not_set",
            ) from error

    def _full(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _ours(self, stored: StoredObject) -> StoredObject:
        return replace(stored, key=stored.key.removeprefix(self._prefix))

    def _kept(self, key: str, content: Chunks) -> StoredObject:
        """What is there already, if it is the same. (Tags cannot tell: they depend on the parts.)"""
        if not same_content(self, key, content):
            raise other_content()
        return self.stat(key)

    def _bucket(self) -> Bucket:
        """The connection, opened at first use; a forked process opens its own."""
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                from videolib.storage.s3_client import Bucket  # noqa: PLC0415 - loads boto3, 0.4 s

                self._opened = (os.getpid(), Bucket(self._address, self._keys))
            return self._opened[1]


def origin_of(url: str) -> str:
    """What a browser sends as `Origin` for pages under `url`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _allows(rule: dict[str, Any], origin: str) -> bool:
    headers = {str(name).lower() for name in rule.get("AllowedHeaders", ())}
    exposed = {str(name).lower() for name in rule.get("ExposeHeaders", ())}
    return (
        bool({origin, "*"} & set(rule.get("AllowedOrigins", ())))
        and {"GET", "HEAD"} <= set(rule.get("AllowedMethods", ()))
        and bool({"range", "*"} & headers)
        and {name.lower() for name in EXPOSED_HEADERS} <= exposed
    )
