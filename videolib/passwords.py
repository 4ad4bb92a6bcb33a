"""Passwords: hashed in one way, by the command line and by the login page alike (argon2id, OWASP's smaller setting).

Text is brought to NFKD first, as the login page does: the same word typed on two keyboards is the same password.
"""

from __future__ import annotations

import unicodedata

from argon2 import PasswordHasher, Type

from videolib.errors import InvalidInput

# 19 MiB a hash: sixteen people who log in at once take 300 MiB, not a gigabyte
MEMORY_KIB, ROUNDS, LANES = 19_456, 2, 1
MIN_CHARACTERS, MAX_CHARACTERS = 8, 1024

_HASHER = PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)


def hash_password(plain: str) -> str:
    """The hash to keep. Raises `InvalidInput` for a password that is too short or absurdly long."""
    if not MIN_CHARACTERS <= len(plain) <= MAX_CHARACTERS:
        sentence = f"A password has {MIN_CHARACTERS} to {MAX_CHARACTERS} characters."
        raise InvalidInput(sentence, fields={"password": sentence}, code="password_length")
    return _HASHER.hash(unicodedata.normalize("NFKD", plain))
