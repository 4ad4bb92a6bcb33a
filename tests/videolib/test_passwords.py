"""Passwords: what is too short, what is guessed first, and that nothing else is asked of one."""

from __future__ import annotations

import pytest

from videolib.errors import InvalidInput
from videolib.guessable import is_guessable
from videolib.passwords import hash_password, needs_new_hash, require_good_password, verify_password


@pytest.mark.parametrize(
    "plain",
    [
        "password1234",
        "P@ssw0rd2026!",
        "passwordpassword",
        "Welcome2026!!",
        "qwertyuiop123",
        "1qaz2wsx3edc",
        "zxcvbnm,./12",
        "111111111111",
        "abcabcabcabc",
        "13812345678!",
        "woaini1314520",
        "19800131woaini",
        "Admin@Hospital1",
        "ｐａｓｓｗｏｒｄ２０２６",
        "weilin-hospital-2026",
        "987654321000",
    ],
)
def test_what_is_guessed_first_is_refused(plain: str) -> None:
    assert is_guessable(plain, ("weilin@hospital.example", "Wei Lin"))
    with pytest.raises(InvalidInput) as refused:
        require_good_password(plain, ("weilin@hospital.example", "Wei Lin"))
    assert refused.value.code == "password_guessable"


@pytest.mark.parametrize(
    "plain",
    [
        "correct horse battery staple",
        "a long enough word",
        "青山行不尽绿水去何长啊一二三",
        "tuKmenpor vasti",
        "xK7#mQ2v9Lp!",
        "trainee needs four lamps",
        " leading and trailing ",
    ],
)
def test_no_rule_asks_for_digits_or_signs(plain: str) -> None:
    require_good_password(plain, ("weilin@hospital.example",))


def test_a_password_alone_is_longer_than_one_beside_a_second_factor() -> None:
    require_good_password("vumKatpo", has_second_factor=True)
    for plain, has_second_factor in (("vumKatpo", False), ("vumKatp", True), ("x" * 1025, False)):
        with pytest.raises(InvalidInput):
            require_good_password(plain, has_second_factor=has_second_factor)


def test_the_same_word_typed_on_two_keyboards_is_the_same_password() -> None:
    hashed = hash_password("ｐａｓｓword é")

    assert verify_password("password e\u0301", hashed)
    assert not verify_password("password", hashed)
    assert not verify_password("password", None)
    assert not verify_password("the password of nobody", None)
    assert not verify_password("password", "no hash")
    assert not needs_new_hash(hashed)
    assert hashed.startswith("$argon2id$")
    assert needs_new_hash("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$SqlVijFGiPG+935vDSGEsA")
