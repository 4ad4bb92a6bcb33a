"""Passkeys by the wire: a key that a test holds signs as a browser would; what no browser sends is refused."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterator
from secrets import token_bytes
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select
from webauthn.helpers import encode_cbor

from tests.visitors import PASSWORD, Site, Visitor, make_site
from videolib.catalogue.passkeys import Passkey, Place, add_passkey, prove_by_passkey
from videolib.catalogue.people import LoginSession, User
from videolib.catalogue.second_factors import RECOVERY_CODES, RecoveryCode
from videolib.db import Database
from videolib.errors import InvalidInput

EMAIL = "trainee@hospital.example"
ORIGIN = "http://localhost"


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Key:
    """A device with a fingerprint reader that has one key."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.number = token_bytes(32)

    def make(self, challenge: str) -> dict[str, Any]:
        """What a browser answers that was asked to make a key."""
        point = self.private.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        kept = b"\0" * 16 + struct.pack(">H", len(self.number)) + self.number + encode_cbor(public)
        attested = encode_cbor({"fmt": "none", "attStmt": {}, "authData": self.device(0x45) + kept})
        return self._answer(
            clientDataJSON=text_of(self._said("webauthn.create", challenge)), attestationObject=text_of(attested)
        )

    def sign(self, challenge: str) -> dict[str, Any]:
        """What a browser answers that was asked to prove the key."""
        said, device = self._said("webauthn.get", challenge), self.device(0x05)
        signed = self.private.sign(device + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(clientDataJSON=text_of(said), authenticatorData=text_of(device), signature=text_of(signed))

    def _answer(self, **response: str) -> dict[str, Any]:
        number = text_of(self.number)
        return {"id": number, "rawId": number, "type": "public-key", "response": response}

    @staticmethod
    def device(flags: int) -> bytes:
        return hashlib.sha256(b"localhost").digest() + bytes([flags]) + b"\0\0\0\0"

    @staticmethod
    def _said(kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": ORIGIN}).encode()


def send(visitor: Visitor, path: str, body: Any, status: int = 200) -> dict[str, Any]:
    answer = visitor.send("POST", path, body, Accept="application/json")
    assert answer.status_code == status, answer.text
    return dict(answer.json or {})


def keep(visitor: Visitor, key: Key, status: int = 200) -> dict[str, Any]:
    asked = send(visitor, "/account/passkeys/options", {})
    return send(visitor, "/account/passkeys", {"credential": key.make(asked["challenge"]), "name": "Key"}, status)


def sign_in(visitor: Visitor, key: Key, **asked: Any) -> dict[str, Any]:
    challenge = send(visitor, "/login/passkey/options", asked)["challenge"]
    return send(visitor, "/login/passkey", {"credential": key.sign(challenge)})


def is_logged_in(visitor: Visitor) -> bool:
    return bool((visitor.get("/login/state").json or {})["signed_in"])


def test_the_first_key_of_an_account_comes_with_recovery_codes(site: Site) -> None:
    visitor = site.visitor("trainee")

    first = keep(visitor, Key())

    assert first["needs_codes"]
    page = visitor.post("/account/recovery-codes").text
    assert page.count("<li>") >= RECOVERY_CODES
    with site.database.reading() as session:
        assert len(session.scalars(select(RecoveryCode)).all()) == RECOVERY_CODES
    assert not keep(visitor, Key())["needs_codes"], "those that there are stay"


def test_a_key_signs_in_and_ends_the_session_that_this_browser_had(site: Site) -> None:
    visitor, key = site.visitor("trainee"), Key()
    keep(visitor, key)
    with site.database.reading() as session:
        (before,) = session.scalars(select(LoginSession.id))

    assert sign_in(visitor, key, next="/me")["next"] == "/me"

    assert is_logged_in(visitor)
    with site.database.reading() as session:
        (after,) = session.scalars(select(LoginSession.id))
    assert after != before


def test_asking_for_a_key_at_the_second_step_keeps_the_step(sqlite_site: Site) -> None:
    own, key = sqlite_site.visitor("trainee"), Key()
    keep(own, key)
    codes = own.post("/account/recovery-codes").text.split('code-list">', 1)[1]
    code = codes.split("<li>", 1)[1].split("<", 1)[0]
    visitor = sqlite_site.anonymous()
    visitor.log_in(EMAIL, next="/me", remember="y")

    send(visitor, "/login/passkey/options", {"next": ""})  # and the device is not at hand

    assert visitor.post("/login/second", code=code).headers["Location"] == "/me"
    assert is_logged_in(visitor)
    other = sqlite_site.anonymous()
    other.log_in(EMAIL, next="/me")
    assert sign_in(other, key, next="")["next"] == "/me", "the step's own way goes on"
    assert other.get("/login/second").status_code == 302


def test_the_same_key_twice_is_refused_with_a_sentence(site: Site) -> None:
    visitor, key = site.visitor("trainee"), Key()
    keep(visitor, key)

    assert keep(visitor, key, 422)["code"] == "passkey_known"
    other = site.visitor("editor")
    assert keep(other, key, 422)["code"] == "passkey_known"


def test_the_same_key_at_the_same_moment_is_kept_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    person, key = site.add_person("trainee"), Key()
    challenge = b"0" * 32
    answer = key.make(text_of(challenge))
    with site.database.writing() as session:
        add_passkey(session, session.get_one(User, person.id), "One", answer, Place(ORIGIN), challenge)

    def late(statement: Any) -> Any:
        # as the other unit saw it, before this one was kept
        return found(statement.where(Passkey.name == "nobody's"))

    with pytest.raises(InvalidInput), site.database.writing() as session:
        owner, found = session.get_one(User, person.id), session.scalars
        monkeypatch.setattr(session, "scalars", late)
        add_passkey(session, owner, "Two", answer, Place(ORIGIN), challenge)


STATEMENTS: tuple[dict[str, Any], ...] = (
    {"alg": -7, "sig": b"1", "x5c": []},
    {"x5c": [b"a"], "sig": b"", "alg": -7},
    {"x5c": 5},
    {"ver": "1", "response": b""},
    {"ver": "1", "response": b"a.b.c"},
    {"ver": "2.0", "certInfo": b"", "pubArea": b"", "x5c": [b"a"], "sig": b"1", "alg": -257},
)
FORMATS = ("packed", "fido-u2f", "tpm", "android-key", "android-safetynet", "apple", "of nobody")
PUBLIC_HALVES: tuple[Any, ...] = ({}, {1: 2}, {1: 2, 3: -7, -1: 9}, {1: [], 3: {}}, {1: 3, 3: -257, -1: b""}, [], 5)


def broken_answers(challenge: bytes) -> Iterator[dict[str, Any]]:
    """What a browser would send, cut at every place; statements and keys of no sense; other kinds of values."""
    key = Key()
    whole = key.make(text_of(challenge))
    attested = base64.urlsafe_b64decode(whole["response"]["attestationObject"] + "==")
    device, number = key.device(0x45) + b"\0" * 16, struct.pack(">H", 32) + key.number
    texts: list[Any] = [text_of(attested[:end]) for end in range(len(attested))]
    half = [device + number + encode_cbor(public) for public in PUBLIC_HALVES]
    half += [(device + number)[:end] for end in range(len(device + number))]
    texts += [text_of(encode_cbor({"fmt": "none", "attStmt": {}, "authData": raw})) for raw in half]
    texts += [
        text_of(encode_cbor({"fmt": name, "attStmt": statement, "authData": attested[-180:]}))
        for name in FORMATS
        for statement in STATEMENTS
    ]
    texts += [
        text_of(attested.replace(b"dnone", b"fpacked").replace(b"gattStmt\xa0", b"gattStmt" + encode_cbor(statement)))
        for statement in STATEMENTS
    ]
    for text in (*texts, None, 5, [], {}, "\x00", "é"):
        response = {**whole["response"], "attestationObject": text, "authenticatorData": text, "signature": text}
        yield {**whole, "response": response}
    for name in whole:
        yield {**whole, name: 5}
        yield {other: value for other, value in whole.items() if other != name}


def test_what_no_browser_sends_is_refused_and_nothing_breaks(broken_library: tuple[Database, int]) -> None:
    database, person_id = broken_library
    challenge = b"0" * 32

    with database.writing() as session:
        person = session.get_one(User, person_id)
        for answer in broken_answers(challenge):
            with pytest.raises(InvalidInput):
                add_passkey(session, person, "Key", answer, Place(ORIGIN), challenge)
            with pytest.raises(InvalidInput):
                prove_by_passkey(session, {**answer, "id": "known", "rawId": "known"}, Place(ORIGIN), challenge)


@pytest.fixture
def broken_library(sqlite_database: Database) -> tuple[Database, int]:
    """A person with a key whose public half is nothing."""
    site = make_site(sqlite_database)
    person = site.add_person("trainee")
    site.index.close()
    with sqlite_database.writing() as session:
        session.add(Passkey(user_id=person.id, credential_id="known", public_key="oA", sign_count=0, name="Key"))
    return sqlite_database, person.id


def test_a_password_is_not_enough_beside_a_key(sqlite_site: Site) -> None:
    keep(sqlite_site.visitor("trainee"), Key())

    assert sqlite_site.anonymous().log_in(EMAIL, PASSWORD).headers["Location"] == "/login/second"
