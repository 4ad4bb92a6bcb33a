"""Terms named in an entry's fields: found by id, or by a label or synonym that only one term of the list has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.orm import Session

from videolib.catalogue.vocabulary import choose_terms, list_terms, list_terms_by_ids

# members of structures that name a term -> its scheme
STRUCTURE_TERMS = {
    "operator": {"role": "case_role"},
    "case": {"asa": "classification"},
    "contributors": {"title": "prof_title", "region": "region_cn", "tier": "hospital_tier"},
    "access_details": {"site": "access"},
    "device_details": {"term": "device"},
    "drug_details": {"term": "drug"},
}


def require_terms(
    session: Session, field: str, scheme: str, names: list[str], *, kept: Collection[str] = ()
) -> list[str]:
    """The ids of those terms of the scheme. Raises `InvalidInput` for what is none, or retired and not `kept`."""
    known = {term.id for term in list_terms_by_ids(session, names)}
    by_label = _by_label(session, scheme) if set(names) - known else {}
    ids = [name if name in known else by_label.get(name.strip().casefold()) or name for name in names]
    return choose_terms(session, field, scheme, ids, kept)


def with_term_ids(session: Session, details: Mapping[str, Any], *, with_retired: bool = False) -> dict[str, Any]:
    """The structures with their terms as ids. Raises `InvalidInput` for what is no term, or retired."""
    found = dict(details)
    for field in STRUCTURE_TERMS:
        if value := found.get(field):
            items = value if isinstance(value, list) else [value]
            checked = [_checked(session, field, item, with_retired=with_retired) for item in items]
            found[field] = checked if isinstance(value, list) else checked[0]
    return found


def _checked(session: Session, field: str, item: Mapping[str, Any], *, with_retired: bool) -> dict[str, Any]:
    members = STRUCTURE_TERMS[field]
    named = {member: str(item[member]) for member in members if item.get(member)}
    ids = {
        member: require_terms(
            session, f"{field}.{member}", members[member], [name], kept=[name] if with_retired else ()
        )[0]
        for member, name in named.items()
    }
    return {**item, **ids}


def _by_label(session: Session, scheme: str) -> dict[str, str]:
    """Ids by every label and synonym, in lower case, that belongs to one term alone; "" for those of several."""
    found: dict[str, str] = {}
    for term in list_terms(session, scheme):
        if not term.is_choosable():
            continue
        names = {*term.labels.values(), *(name for names in term.synonyms.values() for name in names)}
        for name in {name.strip().casefold() for name in names}:
            found[name] = "" if name in found else term.id
    return found
