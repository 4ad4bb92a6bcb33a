"""Addresses of a package: a token in the path says for whom, of which entry, which package and until when.

It stands in the path, so every relative address inside a playlist carries it along: the package plays with no cookie
and no header. 57 bytes: version, person (0: nobody), entry, package, expiry, and 16 bytes of HMAC-SHA256.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from config.settings import Settings
from videolib.errors import NotFound, VideolibError

_FORM = struct.Struct(">BI16s16sI")
_MAC_BYTES = 16
_VERSION = 1
# addresses given within the same hour are the same, so that browsers keep posters
ROUNDED_TO_S = 3600


class LinkExpired(VideolibError):
    """The address was good once; a new one can be asked for."""

    code = "link_expired"


@dataclass(frozen=True)
class Grant:
    """What a token says. `person_id` is 0 for anonymous callers; `expires_at` is in seconds since 1970."""

    person_id: int
    entry_id: str
    package_id: str
    expires_at: int


class MediaLinks:
    """Makes and reads tokens. `clock` gives seconds since 1970."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        secret = settings.secret_key.get_secret_value().encode()
        self._key = hmac.digest(secret, b"videolib media links 1", hashlib.sha256)
        self._lasts_s = settings.media_link_s
        self._clock = clock

    def make(self, person_id: int, entry_id: str, package_id: str, *, length_s: float = 0.0) -> tuple[str, int]:
        """A token and when it expires: at least the configured seconds from now.

        And so much longer as the recording lasts: players that play HLS by themselves read its playlists once, and
        cannot renew an address while somebody watches it through, with pauses.
        """
        step = min(ROUNDED_TO_S, self._lasts_s)
        expires_at = -(-int(self._clock() + self._lasts_s + length_s) // step) * step
        body = _FORM.pack(_VERSION, person_id, UUID(entry_id).bytes, bytes.fromhex(package_id), expires_at)
        return base64.urlsafe_b64encode(body + self._mac(body)).decode(), expires_at

    def read(self, token: str) -> Grant:
        """What a token of ours says. Raises `NotFound` for any other, `LinkExpired` for an old one."""
        try:
            raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raw = b""
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(body) != _FORM.size or not hmac.compare_digest(mac, self._mac(body)):
            raise NotFound("There is nothing at this address.")
        _version, person_id, entry, package, expires_at = _FORM.unpack(body)
        if expires_at <= self._clock():
            raise LinkExpired("This address has expired; open the entry again to get a new one.")
        return Grant(person_id, str(UUID(bytes=entry)), package.hex(), expires_at)

    def seconds_left(self, grant: Grant) -> int:
        """How long the address stays valid."""
        return max(0, int(grant.expires_at - self._clock()))

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)[:_MAC_BYTES]
