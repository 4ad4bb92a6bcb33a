"""SHA-256 of what arrives in pieces, whose state can be kept in a row and outlives a restart of the service.

Python's own `hashlib` cannot give its state away; the OpenSSL that it stands on can: `SHA256_CTX` is a plain structure
of numbers (openssl/sha.h, the same in 1.1 and 3). Where that library cannot be reached there is no state, and the
digest is made by reading the whole once more.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
from typing import Any

# struct SHA256state_st: h[8], Nl, Nh, data[16], num, md_len; all 32 bits wide
STATE_BYTES = 4 * (8 + 2 + 16 + 2)
DIGEST_BYTES = 32
_KNOWN = b"a known answer, longer than one block of sixty-four bytes, is asked for before anything is trusted"


def begin_digest() -> bytes | None:
    """The state before the first byte; None where no state can be kept on this machine."""
    library = _library()
    if library is None:
        return None
    state = ctypes.create_string_buffer(STATE_BYTES)
    library.SHA256_Init(state)
    return state.raw


def feed_digest(state: bytes | None, content: bytes) -> bytes | None:
    """The state after `content`; None where there is none to go on from."""
    library = _library()
    if state is None or library is None or len(state) != STATE_BYTES:
        return None
    buffer = ctypes.create_string_buffer(state, STATE_BYTES)
    library.SHA256_Update(buffer, content, len(content))
    return buffer.raw


def end_digest(state: bytes | None) -> str | None:
    """The digest in hexadecimal; None where the state is not known."""
    library = _library()
    if state is None or library is None or len(state) != STATE_BYTES:
        return None
    return _end(library, state)


def _end(library: Any, state: bytes) -> str:
    digest = ctypes.create_string_buffer(DIGEST_BYTES)
    library.SHA256_Final(digest, ctypes.create_string_buffer(state, STATE_BYTES))
    return digest.raw.hex()


@functools.cache
def _library() -> Any:
    """The OpenSSL that this Python stands on; None where it cannot be reached or answers something else."""
    try:
        # linked to libcrypto, whose names are found through it; a Python built in one piece has them itself
        import _hashlib  # noqa: PLC0415

        library = ctypes.CDLL(getattr(_hashlib, "__file__", None))
        library.SHA256_Update.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t)
        library.SHA256_Init.argtypes = (ctypes.c_char_p,)
        library.SHA256_Final.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    except (ImportError, OSError, AttributeError):
        return None
    return library if _is_right(library) else None


def _is_right(library: Any) -> bool:
    state = ctypes.create_string_buffer(STATE_BYTES)
    library.SHA256_Init(state)
    for piece in (_KNOWN[:10], _KNOWN[10:]):
        state = ctypes.create_string_buffer(state.raw, STATE_BYTES)
        library.SHA256_Update(state, piece, len(piece))
    return _end(library, state.raw) == hashlib.sha256(_KNOWN).hexdigest()
