"""Where packages and originals are kept: a folder of this host, or a bucket of an S3 server.

`open_store` makes a Store of an address; nothing is opened until it is used.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

from videolib.errors import InvalidInput
from videolib.storage.directory import DirectoryStore
from videolib.storage.growing import GrowingStore, Growth, Part
from videolib.storage.protocol import Address, Check, Checks, Chunks, Store, StoredObject, check_key
from videolib.storage.s3 import S3Store

__all__ = [
    "Check",
    "Checks",
    "Chunks",
    "DirectoryStore",
    "GrowingStore",
    "Growth",
    "Part",
    "S3Store",
    "Store",
    "StoredObject",
    "open_store",
]

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SETTINGS = frozenset({"endpoint", "region", "style", "profile"})
_HOW = "write file:/folder or s3://bucket/prefix?endpoint=…&region=…&style=path|virtual&profile=…"


def open_store(url: str, *, keys: tuple[str, str] | None = None) -> GrowingStore:
    """The store of an address such as `file:/folder` or `s3://bucket/prefix?endpoint=…`.

    `keys`: access and secret key of S3; without them boto3's own chain finds some. Raises InvalidInput for an
    address that cannot be; its sentence does not repeat the address, which may hold a secret.
    """
    if url.startswith("file:"):
        return DirectoryStore(_folder_of(url))
    try:
        parts = urlsplit(url)
        settings = parse_qsl(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        raise _wrong(_HOW) from None
    if parts.scheme != "s3":
        raise _wrong(_HOW)
    return S3Store(_address_of(parts, settings), _prefix_of(parts), keys=keys)


def _folder_of(url: str) -> Path:
    """The path stands in the address as it is, with no character escaped."""
    path = url.removeprefix("file:")
    if path.startswith("//"):
        path = path.removeprefix("//")
    if not path.startswith("/") or "\0" in path:
        raise _wrong("write file:/absolute/folder")
    return Path(path)


def _address_of(parts: SplitResult, settings: list[tuple[str, str]]) -> Address:
    given = dict(settings)
    if len(given) != len(settings) or given.keys() - _SETTINGS:
        raise _wrong("after ? only endpoint, region, style and profile may stand, each once")
    if "@" in parts.netloc:
        raise _wrong("take the credentials out of it, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or profile=")
    if not _BUCKET.fullmatch(parts.netloc) or ".." in parts.netloc:
        raise _wrong("a bucket's name has 3 to 63 small letters, digits, dots and hyphens")
    endpoint = given.get("endpoint")
    if endpoint is not None and not _is_endpoint(endpoint):
        raise _wrong("write the endpoint as in endpoint=https://s3.hospital.example:9000, without a path")
    return Address(
        bucket=parts.netloc,
        endpoint=endpoint.rstrip("/") if endpoint else None,
        region=given.get("region"),
        style=_style_of(given.get("style", "path" if endpoint else "virtual")),
        profile=given.get("profile"),
    )


def _is_endpoint(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = parts.path in {"", "/"} and not parts.query and not parts.fragment and "@" not in parts.netloc
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and has_port and plain


def _style_of(style: str) -> Literal["path", "virtual"]:
    if style == "path":
        return "path"
    if style == "virtual":
        return "virtual"
    raise _wrong("style is path or virtual")


def _prefix_of(parts: SplitResult) -> str:
    prefix = parts.path.strip("/")
    try:
        return check_key(prefix) if prefix else ""
    except InvalidInput:
        raise _wrong("a prefix has letters, digits, dots, hyphens and underscores between its slashes") from None


def _wrong(what: str) -> InvalidInput:
    message = f"The address of the store is wrong: {what}."
    return InvalidInput(message, fields={"store_url": message}, code="invalid_store_url")
