"""Objects that arrive in pieces: begun once, grown by one acknowledged piece after another, then finished or given up.

What a store needs to go on is a `Growth`, which its owner keeps (in a row): the store itself remembers nothing. A piece
is durable when `grow` returns; it counts once its owner has written down the growth that was returned. So a process
that dies between the two has lost nothing, and the same piece may be sent again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from videolib.storage.protocol import Store, StoredObject


@dataclass(frozen=True)
class Growth:
    """How far an object is. `token` is the store's name for it, `length` what it will have, `size` what it has.

    `part` is the number of the last part of a multipart upload that was tried; a piece that is too small to be one
    waits in an object of its own, `tail`, of `tail_bytes`.
    """

    token: str
    length: int
    size: int = 0
    part: int = 0
    tail: str = ""
    tail_bytes: int = 0


@dataclass(frozen=True)
class Part:
    """A part of a multipart upload, as the store acknowledged it."""

    number: int
    etag: str
    size: int


class GrowingStore(Store, Protocol):
    """A store that also takes objects in pieces."""

    def begin(self, key: str, length: int) -> Growth:
        """Begin an object that will have `length` bytes."""

    def makes_part(self, growth: Growth, size: int) -> bool:
        """Whether a piece of `size` bytes becomes a part, for which `growth.part` has to be a new number."""

    def held(self, growth: Growth) -> contextlib.AbstractContextManager[None]:
        """Keep others from growing the same object for the while. Raises `Conflict` (code "upload_busy")."""

    def grow(self, key: str, growth: Growth, content: bytes) -> tuple[Growth, Part | None]:
        """Add a piece, durably; the growth to write down, and the part that was made of it. May be repeated.

        Raises `Unavailable`, and `ObjectMissing` where the store has lost what was begun.
        """

    def finish(self, key: str, growth: Growth, parts: Sequence[Part]) -> StoredObject:
        """Make it an object like all others. May be repeated. Raises `ObjectMissing`, `Unavailable`."""

    def give_up(self, key: str, growth: Growth) -> None:
        """Remove what has arrived. May be repeated."""

    def room(self) -> int | None:
        """Bytes that can still be kept; None: nobody can say."""
