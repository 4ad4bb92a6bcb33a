"""Codes of the telephone, by the vectors of the standards."""

from __future__ import annotations

import base64

import pytest

from videolib import totp

SEEDS = {
    "sha1": b"12345678901234567890",
    "sha256": b"12345678901234567890123456789012",
    "sha512": b"1234567890123456789012345678901234567890123456789012345678901234",
}
# RFC 6238, appendix B
VECTORS = [
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]
# RFC 4226, appendix D
COUNTED = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]


@pytest.mark.parametrize(("moment", "sha1", "sha256", "sha512"), VECTORS)
def test_codes_are_those_of_rfc_6238(moment: int, sha1: str, sha256: str, sha512: str) -> None:
    for algorithm, code in (("sha1", sha1), ("sha256", sha256), ("sha512", sha512)):
        assert totp.code_of(SEEDS[algorithm], moment // 30, digits=8, algorithm=algorithm) == code


def test_codes_are_those_of_rfc_4226() -> None:
    assert [totp.code_of(SEEDS["sha1"], step) for step in range(10)] == COUNTED


def test_a_code_works_half_a_minute_early_and_late_and_never_again() -> None:
    secret = base64.b32encode(SEEDS["sha1"]).decode()
    code = totp.code_of(SEEDS["sha1"], 100)

    assert totp.find_step(secret, code, 100 * 30) == 100
    assert totp.find_step(secret, code, 99 * 30) == 100
    assert totp.find_step(secret, code, 101 * 30 + 29) == 100
    assert totp.find_step(secret, code, 102 * 30) is None
    assert totp.find_step(secret, code, 100 * 30, after=100) is None
    assert totp.find_step(secret, "", 100 * 30) is None
    assert totp.find_step(secret, "１２３４５６", 100 * 30) is None


def test_the_telephone_is_told_all_it_needs() -> None:
    secret = totp.make_secret()

    address = totp.address_for_telephones(secret, "li@hospital.example", "Videolib")

    assert address == f"otpauth://totp/Videolib%3Ali%40hospital.example?secret={secret}&issuer=Videolib"
    assert len(base64.b32decode(secret)) == totp.SECRET_BYTES
