"""How the files of a backup are sealed: AES-256-GCM in pieces, so that nothing is written, or held whole, unsealed.

A sealed file is MAGIC, 16 random bytes, then pieces of 1 MiB, each followed by its tag. Its key is derived (HKDF) from
the backup's key and those bytes; a piece's nonce is its number and whether it is the last, and the file's name is
bound to each: what was cut short, put in another order or under another name does not open. Objects are named by a
keyed digest, so that who finds the backup cannot ask whether a file he knows is in it. Without a key everything lies
there as it is.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from videolib.errors import InvalidInput, VideolibError

MAGIC = b"videolib sealed\x01"
PIECE_BYTES = 1024 * 1024
SALT_BYTES = 16
TAG_BYTES = 16
SHORTEST_KEY = 32


class Damaged(VideolibError):
    """A file of the backup is not what was written."""

    code = "backup_damaged"


class Sealing(Protocol):
    """How content goes into a backup and comes out."""

    @property
    def is_sealed(self) -> bool:
        """Whether a key is needed to read it."""

    def name_of(self, sha256: str) -> str:
        """The name under which content of that digest lies."""

    def size_of(self, size: int) -> int:
        """Bytes that content of `size` bytes takes."""

    def seal(self, content: Iterable[bytes], name: str) -> Iterator[bytes]:
        """What is to be written for `content`; `name` is bound to it."""

    def unseal(self, stored: Iterable[bytes], name: str) -> Iterator[bytes]:
        """The content. Raises `Damaged`, at the latest before it ends."""

    def sign(self, said: bytes) -> str:
        """A signature over the description of a snapshot."""


class Plain:
    """No key: content lies there as it is."""

    is_sealed = False

    def name_of(self, sha256: str) -> str:
        """The digest itself."""
        return sha256

    def size_of(self, size: int) -> int:
        """As many bytes."""
        return size

    def seal(self, content: Iterable[bytes], name: str) -> Iterator[bytes]:  # noqa: ARG002
        """The content itself."""
        return iter(content)

    def unseal(self, stored: Iterable[bytes], name: str) -> Iterator[bytes]:  # noqa: ARG002
        """The content itself."""
        return iter(stored)

    def sign(self, said: bytes) -> str:
        """A digest: it shows damage, not malice."""
        return hashlib.sha256(said).hexdigest()


class Sealed:
    """Everything under one key, of which nothing but a check value is kept in the backup."""

    is_sealed = True

    def __init__(self, secret: bytes, salt: bytes) -> None:
        """`salt` belongs to the backup: one key for two backups names and seals nothing alike."""
        self._secret = _derive(secret, salt, b"videolib backup 1: files")
        self._names = _derive(secret, salt, b"videolib backup 1: names")
        self._signing = _derive(secret, salt, b"videolib backup 1: signatures")

    def name_of(self, sha256: str) -> str:
        """A keyed digest of the digest."""
        return hmac.digest(self._names, sha256.encode(), hashlib.sha256).hex()

    def size_of(self, size: int) -> int:
        """A beginning, and a tag for each piece; nothing is one empty piece."""
        return len(MAGIC) + SALT_BYTES + size + TAG_BYTES * max(1, -(-size // PIECE_BYTES))

    def seal(self, content: Iterable[bytes], name: str) -> Iterator[bytes]:
        """See the module."""
        salt = secrets.token_bytes(SALT_BYTES)
        cipher = AESGCM(_derive(self._secret, salt, b"file"))
        yield MAGIC + salt
        number, waiting = 0, None
        for piece in in_pieces(content, PIECE_BYTES):
            if waiting is not None:
                yield cipher.encrypt(_nonce(number, is_last=False), waiting, name.encode())
                number += 1
            waiting = piece
        yield cipher.encrypt(_nonce(number, is_last=True), waiting or b"", name.encode())

    def unseal(self, stored: Iterable[bytes], name: str) -> Iterator[bytes]:
        """See the module. Every piece is proven before it is given."""
        head, rest = _split_head(iter(stored), len(MAGIC) + SALT_BYTES)
        if not head.startswith(MAGIC):
            raise Damaged("A file of the backup is not sealed as its description says.")
        cipher = AESGCM(_derive(self._secret, head[len(MAGIC) :], b"file"))
        number, waiting = 0, None
        for piece in in_pieces(rest, PIECE_BYTES + TAG_BYTES):
            if waiting is not None:
                yield _opened(cipher, _nonce(number, is_last=False), waiting, name)
                number += 1
            waiting = piece
        yield _opened(cipher, _nonce(number, is_last=True), waiting or b"", name)

    def sign(self, said: bytes) -> str:
        """By the key: nobody else can write a snapshot that is believed."""
        return hmac.digest(self._signing, said, hashlib.sha256).hex()


def read_key(path: Path) -> bytes:
    """The backup's key out of its file. Raises `InvalidInput`."""
    try:
        text = path.read_bytes().strip()
    except OSError:
        raise InvalidInput(
            "The key file cannot be read; give its path, and let this user read it.", code="bad_key_file"
        ) from None
    if len(text) < SHORTEST_KEY:
        raise InvalidInput(
            f"The key file holds too little: write at least {SHORTEST_KEY} random characters into it, for example "
            "with `head -c 32 /dev/urandom | base64`.",
            code="bad_key_file",
        )
    return text


def in_pieces(content: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of `size`; the last may be shorter, and nothing gives none."""
    buffer = bytearray()
    for chunk in content:
        buffer += chunk
        while len(buffer) >= size:
            yield bytes(buffer[:size])
            del buffer[:size]
    if buffer:
        yield bytes(buffer)


def _opened(cipher: AESGCM, nonce: bytes, piece: bytes, name: str) -> bytes:
    try:
        return cipher.decrypt(nonce, piece, name.encode())
    except InvalidTag:
        message = "A file of the backup was changed, cut short, or sealed with another key."
        raise Damaged(message) from None


def _split_head(stored: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    head = bytearray()
    for chunk in stored:
        head += chunk
        if len(head) >= size:
            break

    def rest() -> Iterator[bytes]:
        yield bytes(head[size:])
        yield from stored

    return bytes(head[:size]), rest()


def _derive(secret: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=purpose).derive(secret)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
