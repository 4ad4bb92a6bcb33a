"""Cases: whose recording it is, by a hospital number that is kept encrypted and found by privacy officers alone.

The number lies in the row under AES (Fernet); a keyed digest of it beside lets one number be found without decrypting
all. Without the key (`VIDEOLIB_PRIVACY_KEY`) neither tells anything, and a digest cannot be guessed by trying numbers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.audit import record_event
from videolib.catalogue.groups import get_group
from videolib.catalogue.people import User
from videolib.catalogue.quarantine import may_open, set_hospital
from videolib.db import Base, new_id, utc_now
from videolib.errors import InvalidInput, NotAllowed, NotFound

if TYPE_CHECKING:
    from config.settings import Settings
    from videolib.catalogue.recordings import Recording

LONGEST_NUMBER = 64


class Case(Base):
    """A patient's case at one hospital. Nothing here says who the patient is without the key."""

    __tablename__ = "cases"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    hospital_id: Mapped[str] = mapped_column(ForeignKey("groups.id"), index=True)
    number_sealed: Mapped[str]
    number_index: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class CaseNumbers:
    """Seals and finds hospital numbers. Made from the settings once a process."""

    def __init__(self, settings: Settings) -> None:
        secret = settings.privacy_key.get_secret_value().encode()
        sealing = hmac.digest(secret, b"videolib case numbers 1: seal", hashlib.sha256)
        self._fernet = Fernet(base64.urlsafe_b64encode(sealing))
        self._index_key = hmac.digest(secret, b"videolib case numbers 1: index", hashlib.sha256)

    def seal(self, number: str) -> str:
        """The number encrypted; no two sealings are alike."""
        return self._fernet.encrypt(normalise(number).encode()).decode()

    def open(self, sealed: str) -> str:
        """What was sealed."""
        return self._fernet.decrypt(sealed.encode()).decode()

    def index(self, hospital_id: str, number: str) -> str:
        """By what one number of one hospital is found."""
        said = f"{hospital_id}\n{normalise(number)}".encode()
        return hmac.digest(self._index_key, said, hashlib.sha256).hex()


def normalise(number: str) -> str:
    """A hospital number however it was typed: wide digits, spaces and hyphens make no other. Raises `InvalidInput`."""
    plain = unicodedata.normalize("NFKC", number).upper()
    found = "".join(letter for letter in plain if letter.isalnum())
    if not found or len(found) > LONGEST_NUMBER:
        sentence = "Write the hospital number of the case, at most 64 letters and digits."
        raise InvalidInput(sentence, fields={"number": sentence})
    return found


def assign_case(
    session: Session, numbers: CaseNumbers, recording: Recording, hospital_id: str, number: str, *, by: User | None
) -> Case:
    """Say whose case the recording shows; the case is made where there is none of this number yet.

    Whoever may edit may say it; it tells him nothing of the case, not even whether it was there. Of another hospital
    than the recording's it is only for those who say of which it is. Raises `NotAllowed`.
    """
    get_group(session, hospital_id, "hospital")
    if recording.hospital_id is not None or by is None or may_open(by, recording):
        set_hospital(session, recording, hospital_id, by=by)
    index = numbers.index(hospital_id, number)
    case = session.scalars(select(Case).where(Case.number_index == index)).one_or_none()
    if case is None:
        case = Case(hospital_id=hospital_id, number_sealed=numbers.seal(number), number_index=index)
        session.add(case)
        session.flush()
    recording.case_id = case.id
    record_event(session, "consent", "recording", recording.id, by=by, case=case.id)
    return case


def find_case(session: Session, numbers: CaseNumbers, hospital_id: str, number: str, *, by: User) -> Case:
    """The case of that number. Each look is an event, without the number. Raises `NotAllowed`, `NotFound`."""
    require_officer(by, hospital_id)
    index = numbers.index(hospital_id, number)
    case = session.scalars(select(Case).where(Case.number_index == index)).one_or_none()
    record_event(session, "look_up", "case", case.id if case else "none", by=by, hospital=hospital_id)
    if case is None:
        raise _no_case()
    return case


def get_case(session: Session, case_id: str, *, by: User | None) -> Case:
    """That case, for a privacy officer of its hospital. Raises `NotFound` also where it is another's."""
    case = session.get(Case, case_id)
    if case is None or (by is not None and case.hospital_id not in by.hospitals_as("privacy_officer")):
        raise _no_case()
    return case


def require_officer(person: User, hospital_id: str) -> None:
    """Raise `NotAllowed` unless this person is privacy officer of that hospital."""
    if not person.active or hospital_id not in person.hospitals_as("privacy_officer"):
        raise NotAllowed("Only a privacy officer of that hospital may do this.", code="not_privacy_officer")


def _no_case() -> NotFound:
    return NotFound("There is no such case.", code="case_not_found")
