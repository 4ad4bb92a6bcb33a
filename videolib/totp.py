"""Codes of six digits that change every half minute: RFC 6238 over RFC 4226."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote, urlencode

STEP_S, DIGITS = 30, 6
# a telephone's clock may be off by a step, and typing takes time
WINDOW = 1
SECRET_BYTES = 20


def make_secret() -> str:
    """A new secret in base 32, as telephones take it."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def code_of(secret: bytes, step: int, *, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    """The code of that step: RFC 4226, section 5.3."""
    digest = hmac.digest(secret, struct.pack(">Q", step), getattr(hashlib, algorithm))
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def find_step(secret: str, code: str, now_s: float, *, after: int = 0) -> int | None:
    """The step whose code this is, near now and after the step of the last code that was used; None for none."""
    raw, present = base64.b32decode(secret), int(now_s) // STEP_S
    for step in range(present - WINDOW, present + WINDOW + 1):
        if step > after and hmac.compare_digest(code_of(raw, step).encode(), code.encode()):
            return step
    return None


def address_for_telephones(secret: str, name: str, service: str) -> str:
    """What the QR code says."""
    label = quote(f"{service}:{name}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': service})}"
