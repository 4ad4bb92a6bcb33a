"""Passwords: hashed in one way, by the command line and by the login page alike (argon2id, OWASP's smaller setting).

Text is brought to NFKD first, as the login page does: the same word typed on two keyboards is the same password.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from videolib.errors import InvalidInput
from videolib.guessable import is_guessable

# 19 MiB a hash: sixteen people who log in at once take 300 MiB, not a gigabyte
MEMORY_KIB, ROUNDS, LANES = 19_456, 2, 1
MIN_CHARACTERS, MAX_CHARACTERS = 8, 1024
# of a new password: NIST SP 800-63B asks for more where nothing else has to be shown at login
MIN_ALONE = 12

_HASHER = PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)


def hash_password(plain: str) -> str:
    """The hash to keep. Raises `InvalidInput` for a password that is too short or absurdly long."""
    if not MIN_CHARACTERS <= len(plain) <= MAX_CHARACTERS:
        sentence = f"A password has {MIN_CHARACTERS} to {MAX_CHARACTERS} characters."
        raise InvalidInput(sentence, fields={"password": sentence}, code="password_length")
    return _HASHER.hash(unicodedata.normalize("NFKD", plain))


def require_good_password(plain: str, about: Iterable[str] = (), *, has_second_factor: bool = False) -> None:
    """Raise `InvalidInput` for a new password that is too short, or among what is guessed first.

    No rule asks for digits or signs, and none expires: NIST SP 800-63B, section 3.1.1. `about`: names and addresses
    of whom it is for.
    """
    least = MIN_CHARACTERS if has_second_factor else MIN_ALONE
    if not least <= len(plain) <= MAX_CHARACTERS:
        sentence = (
            "A password has 8 to 1024 characters." if has_second_factor else "A password has 12 to 1024 characters."
        )
        raise InvalidInput(sentence, fields={"password": sentence}, code="password_length")
    if is_guessable(plain, about):
        sentence = "This password is among those that are guessed first; take some words that have nothing in common."
        raise InvalidInput(sentence, fields={"password": sentence}, code="password_guessable")


def verify_password(plain: str, hashed: str | None) -> bool:
    """Whether it is that password; takes as long where there is none, so that nobody learns that."""
    try:
        _HASHER.verify(hashed or _nobodys(), unicodedata.normalize("NFKD", plain[: MAX_CHARACTERS + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


def needs_new_hash(hashed: str) -> bool:
    """Whether it was hashed by an older setting."""
    return _HASHER.check_needs_rehash(hashed)


@cache
def _nobodys() -> str:
    return _HASHER.hash("the password of nobody")
