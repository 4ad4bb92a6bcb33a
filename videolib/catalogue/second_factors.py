"""A second proof beside the password: codes of a telephone, and recovery codes for the day it is lost.

Secrets lie sealed in their rows, under the privacy key: a copy of the database alone makes no codes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import BigInteger, ForeignKey, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib import totp
from videolib.catalogue.audit import record_event
from videolib.catalogue.grants import require_no_guard
from videolib.catalogue.logins import digest_of
from videolib.catalogue.passkeys import Passkey
from videolib.catalogue.people import User
from videolib.db import Base, utc_now
from videolib.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from config.settings import Settings

RECOVERY_CODES = 10
# no letter that is taken for another
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE_LENGTH = 10


class TotpSecret(Base):
    """The secret that a person's telephone has, too. Counts once it is confirmed by a first code."""

    __tablename__ = "totp_secrets"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[str]
    confirmed_at: Mapped[datetime | None]
    # of the last code that was used: no code works twice
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)


class RecoveryCode(Base):
    """A code that works once in place of any other second proof; its digest."""

    __tablename__ = "recovery_codes"

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)


class Sealer:
    """Seals the secrets of codes. Made from the settings."""

    def __init__(self, settings: Settings) -> None:
        secret = settings.privacy_key.get_secret_value().encode()
        self._fernet = Fernet(base64.urlsafe_b64encode(hmac.digest(secret, b"videolib totp 1", hashlib.sha256)))

    def seal(self, text: str) -> str:
        """The text encrypted."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """What was sealed."""
        return self._fernet.decrypt(sealed.encode()).decode()


def has_second_factor(session: Session, person: User) -> bool:
    """Whether a password alone does not let this person in."""
    passkey = select(Passkey.id).where(Passkey.user_id == person.id).limit(1)
    return has_codes(session, person) or session.scalars(passkey).first() is not None


def has_codes(session: Session, person: User) -> bool:
    """Whether a telephone makes codes for this person."""
    row = session.get(TotpSecret, person.id)
    return row is not None and row.confirmed_at is not None


def begin_codes(session: Session, person: User, sealer: Sealer) -> str:
    """A secret for the person's telephone, the same until it is confirmed. Raises `Conflict` where one is in use."""
    row = session.get(TotpSecret, person.id)
    if row is not None and row.confirmed_at is not None:
        raise Conflict("A telephone makes codes for you already; remove it first.", code="codes_in_use")
    if row is None:
        row = TotpSecret(user_id=person.id, sealed=sealer.seal(totp.make_secret()))
        session.add(row)
        session.flush()
    return sealer.open(row.sealed)


def confirm_codes(session: Session, person: User, code: str, sealer: Sealer) -> None:
    """The first code of the telephone: from now on one is asked for. Raises `InvalidInput`."""
    row = session.get(TotpSecret, person.id)
    step = _step_of(row, code, sealer) if row is not None and row.confirmed_at is None else None
    if row is None or step is None:
        sentence = "This is not the code that the telephone shows now."
        raise InvalidInput(sentence, fields={"code": sentence}, code="wrong_code")
    row.confirmed_at, row.last_step = utc_now(), step
    record_event(session, "second_factor", "user", str(person.id), by=person, added="codes")
    session.flush()


def remove_codes(session: Session, person: User, *, by: User | None) -> None:
    """No telephone makes codes any more; without passkeys a password alone is enough again."""
    if session.execute(delete(TotpSecret).where(TotpSecret.user_id == person.id).returning(TotpSecret.user_id)).all():
        record_event(session, "second_factor", "user", str(person.id), by=by, removed="codes")
    _forget_recovery_if_alone(session, person)


def remove_all(session: Session, person: User, *, by: User | None) -> None:
    """What an administrator does for who has lost everything: codes, passkeys, recovery codes. Raises `NotAllowed`."""
    require_no_guard(person, by=by)
    for table in (TotpSecret, Passkey, RecoveryCode):
        session.execute(delete(table).where(table.user_id == person.id))
    record_event(session, "second_factor", "user", str(person.id), by=by, removed="all")
    session.flush()


def make_recovery_codes(session: Session, person: User) -> list[str]:
    """New ones in place of those that there were; shown once."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == person.id))
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH)) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(digest=_recovery_digest(person, code), user_id=person.id) for code in codes)
    record_event(session, "second_factor", "user", str(person.id), by=person, added="recovery_codes", recovery=True)
    session.flush()
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def count_recovery_codes(session: Session, person: User) -> int:
    """How many are left."""
    mine = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == person.id)
    return session.scalars(mine).one()


def use_code(session: Session, person: User, code: str, sealer: Sealer) -> str | None:
    """What a code is: "code" of the telephone, "recovery_code", or None for neither. Each works once."""
    plain = re.sub(r"[\s-]", "", code).casefold()
    row = session.get(TotpSecret, person.id)
    step = _step_of(row, plain, sealer) if row is not None and row.confirmed_at is not None else None
    if step is not None:
        # of two at once that send the same code one wins
        newer = update(TotpSecret).where(TotpSecret.user_id == person.id, TotpSecret.last_step < step)
        won = session.execute(newer.values(last_step=step).returning(TotpSecret.user_id)).first()
        return "code" if won else None
    gone = delete(RecoveryCode).where(RecoveryCode.digest == _recovery_digest(person, plain))
    if session.execute(gone.returning(RecoveryCode.user_id)).first() is None:
        return None
    record_event(session, "second_factor", "user", str(person.id), by=person, used="recovery_code", recovery=True)
    return "recovery_code"


def _step_of(row: TotpSecret, code: str, sealer: Sealer) -> int | None:
    plain = re.sub(r"\s", "", code)
    try:
        secret = sealer.open(row.sealed)
    except InvalidToken:  # sealed with another privacy key: recovery codes still work
        return None
    return totp.find_step(secret, plain, time.time(), after=row.last_step)


def _recovery_digest(person: User, code: str) -> str:
    return digest_of(f"{person.id}:{code}")


def _forget_recovery_if_alone(session: Session, person: User) -> None:
    session.flush()
    if not has_second_factor(session, person):
        session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == person.id))
