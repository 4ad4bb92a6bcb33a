"""What was put into the store is looked at again before anybody is shown it: there, of its size, of its content.

Sizes come from one listing. Content is read again where that costs little: everything where the store is a folder of
this host, else what is small (playlists, init segments). Larger objects of a bucket are not fetched again: on their way
the signature of each request or TLS vouched for them, and their size is compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ingest.errors import ToolFailed
from ingest.package import sha256_of
from videolib.errors import ObjectMissing
from videolib.storage import Store

SMALL_BYTES = 256 * 1024


def require_stored(
    store: Store,
    prefix: str,
    objects: Sequence[Mapping[str, Any]],
    on_progress: Callable[[float], None] | None = None,
) -> None:
    """Raise `ToolFailed` unless all `objects` ({"path", "bytes", "sha256"}) lie below `prefix` as they were put."""
    sizes = {item.key: item.size for item in store.list(f"{prefix}/")}
    for count, item in enumerate(objects, start=1):
        key = f"{prefix}/{item['path']}"
        if sizes.get(key) != item["bytes"] or not _is_as_it_was(store, key, item):
            raise ToolFailed(stderr_tail=f"{item['path']} is not in the store as it was put there")
        if on_progress:
            on_progress(count / len(objects))


def _is_as_it_was(store: Store, key: str, item: Mapping[str, Any]) -> bool:
    """Compare the digest; what would have to be fetched at length is believed."""
    try:
        path = store.local_path(key)
        if path is not None:
            return sha256_of(path) == str(item["sha256"])
        if int(item["bytes"]) > SMALL_BYTES:
            return True
        return hashlib.sha256(store.get_bytes(key)).hexdigest() == str(item["sha256"])
    except ObjectMissing:
        return False
