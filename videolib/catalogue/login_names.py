"""By what people say who they are: e-mail address, staff number, or mobile; each brought to one form."""

from __future__ import annotations

import re
import unicodedata

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from videolib.catalogue.people import User, find_user
from videolib.errors import InvalidInput

_STAFF_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9._/-]{1,31}")
_MOBILE = re.compile(r"\+?\d{6,15}")
_CHINA = re.compile(r"(?:\+?86|0086)?(1[3-9]\d{9})")


def find_by_name(session: Session, name: str) -> User | None:
    """Whom this name means; disabled people too."""
    name = _plain(name)
    if "@" in name:
        return find_user(session, name)
    means = or_(User.staff_number == name.upper(), User.mobile == _as_mobile(name))
    return session.scalars(select(User).where(means).order_by(User.id).limit(1)).first() if name else None


def forms_of(name: str) -> frozenset[str]:
    """Under what a name is counted: all ways to write it that mean the same, whether they mean somebody or not."""
    name = _plain(name)
    return frozenset({name.lower()} if "@" in name else {name.upper(), _as_mobile(name).upper()})


def set_login_names(session: Session, person: User, staff_number: str, mobile: str) -> bool:
    """Let a person log in by these; an empty one is taken away. Gives whether that changed anything.

    Raises `InvalidInput` for what cannot be, and for what means somebody else already.
    """
    fields: dict[str, str] = {}
    staff, phone = _plain(staff_number).upper() or None, _as_mobile(_plain(mobile)) or None
    if staff and not _STAFF_NUMBER.fullmatch(staff):
        fields["staff_number"] = "A staff number has 2 to 32 letters and digits."
    if phone and not _MOBILE.fullmatch(phone):
        fields["mobile"] = "A mobile number has 6 to 15 digits."
    for field, value in (("staff_number", staff), ("mobile", phone)):
        found = find_by_name(session, value) if value and field not in fields else None
        if found is not None and found.id != person.id:
            fields[field] = "Somebody else logs in by this."
    if fields:
        raise InvalidInput(next(iter(fields.values())), fields=fields, code="login_name")
    is_changed = (person.staff_number, person.mobile) != (staff, phone)
    person.staff_number, person.mobile = staff, phone
    session.flush()
    return is_changed


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip()


def _as_mobile(name: str) -> str:
    """Digits as they are kept: without spaces and hyphens, a Chinese number without its country."""
    packed = re.sub(r"[\s()-]", "", name)
    china = _CHINA.fullmatch(packed)
    return china[1] if china else packed
