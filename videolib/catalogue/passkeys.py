"""Passkeys: keys that a device or a security stick keeps, which prove a person without any word to steal (WebAuthn).

A passkey is asked for with the person's fingerprint, face or PIN, so it is two proofs in one and logs in alone.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import webauthn
from cryptography.exceptions import UnsupportedAlgorithm
from sqlalchemy import BigInteger, ForeignKey, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from videolib.catalogue.audit import record_event
from videolib.catalogue.logins import digest_of
from videolib.catalogue.people import User
from videolib.db import Base, new_id, utc_now
from videolib.errors import InvalidInput, NotFound

MOST = 20
# what the library raises for answers that no browser sends: half of its readers trust lengths and kinds
BROKEN = (WebAuthnException, UnsupportedAlgorithm, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


class Passkey(Base):
    """One key: the public half, and how often it was used as far as it counts."""

    __tablename__ = "passkeys"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[str] = mapped_column(unique=True)
    public_key: Mapped[str]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    used_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Place:
    """Where people reach the service: keys are made for its host and work nowhere else."""

    origin: str

    @property
    def host(self) -> str:
        """The name that the keys belong to."""
        return urlsplit(self.origin).hostname or ""

    @property
    def takes_passkeys(self) -> bool:
        """Whether browsers make keys for it: for names by https, and for localhost."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return self.origin.startswith("https://") or self.host == "localhost"
        return False


def creation_options(session: Session, person: User, place: Place, challenge: bytes) -> dict[str, Any]:
    """What the browser is asked to make a key by."""
    mine = (base64url_to_bytes(key.credential_id) for key in list_passkeys(session, person))
    options = webauthn.generate_registration_options(
        rp_id=place.host,
        rp_name="Videolib",
        user_name=person.email,
        user_display_name=person.display_name or person.email,
        # the same for all keys of a person, and nothing that tells who it is
        user_id=digest_of(f"videolib person {person.id}").encode(),
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(number) for number in mine],
    )
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found


def request_options(place: Place, challenge: bytes) -> dict[str, Any]:
    """What the browser is asked to prove; it offers the keys that it has."""
    options = webauthn.generate_authentication_options(
        rp_id=place.host, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
    )
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found


def add_passkey(
    session: Session, person: User, name: str, answer: dict[str, Any], place: Place, challenge: bytes
) -> Passkey:
    """Keep the key that the browser has made. Raises `InvalidInput` for an answer that does not fit."""
    if len(list_passkeys(session, person)) >= MOST:
        raise InvalidInput("There are too many passkeys; remove one first.", code="too_many_passkeys")
    try:
        proved = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=place.host,
            expected_origin=place.origin,
            require_user_verification=True,
        )
    except BROKEN as error:
        raise _refused() from error
    number = bytes_to_base64url(proved.credential_id)
    if session.scalars(select(Passkey.id).where(Passkey.credential_id == number)).first() is not None:
        raise InvalidInput("This passkey is kept already.", code="passkey_known")
    key = Passkey(
        user_id=person.id,
        credential_id=number,
        public_key=bytes_to_base64url(proved.credential_public_key),
        sign_count=proved.sign_count,
        name=name.strip()[:100] or "passkey",
    )
    session.add(key)
    try:
        session.flush()
    except IntegrityError as error:  # sent twice at the same time
        raise InvalidInput("This passkey is kept already.", code="passkey_known") from error
    record_event(session, "second_factor", "user", str(person.id), by=person, added="passkey")
    session.flush()
    return key


def prove_by_passkey(session: Session, answer: dict[str, Any], place: Place, challenge: bytes) -> User:
    """Whose key has signed. Raises `InvalidInput` for a key that is unknown, and for an answer that does not fit."""
    key = session.scalars(select(Passkey).where(Passkey.credential_id == str(answer.get("id")))).first()
    person = session.get(User, key.user_id) if key else None
    if key is None or person is None or not person.active:
        raise _refused()
    try:
        proved = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=place.host,
            expected_origin=place.origin,
            credential_public_key=base64url_to_bytes(key.public_key),
            credential_current_sign_count=key.sign_count,
            require_user_verification=True,
        )
    except BROKEN as error:
        raise _refused() from error
    key.sign_count, key.used_at = proved.new_sign_count, utc_now()
    session.flush()
    return person


def list_passkeys(session: Session, person: User) -> list[Passkey]:
    """The keys of that person, the oldest first."""
    return list(session.scalars(select(Passkey).where(Passkey.user_id == person.id).order_by(Passkey.created_at)))


def remove_passkey(session: Session, passkey_id: str, *, by: User) -> None:
    """Remove one of one's own. Raises `NotFound`."""
    mine = delete(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == by.id)
    if session.execute(mine.returning(Passkey.id)).first() is None:
        raise NotFound("There is no such passkey.", code="passkey_not_found")
    record_event(session, "second_factor", "user", str(by.id), by=by, removed="passkey", passkey=passkey_id)
    session.flush()


def _refused() -> InvalidInput:
    return InvalidInput("This passkey was not accepted; try again, or sign in with your password.", code="passkey")
