"""W3C Web Annotation in and out: https://www.w3.org/TR/annotation-model/.

A term travels as `urn:videolib:term:<id>`. What the model has no word for (kind, layer, confidence, severity's and
instrument's role) stands in members of ours, which the context explains. Reading takes other tools' annotations too:
what cannot be taken is named, never dropped in silence.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import nh3
from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue.annotation_values import KINDS, LONGEST_NOTE, AnnotationValues
from videolib.catalogue.annotations import Annotation
from videolib.catalogue.left_out import LeftOut
from videolib.catalogue.media_fragments import read_target, write_selector
from videolib.catalogue.people import User
from videolib.catalogue.vocabulary import Term, list_terms_by_ids
from videolib.errors import InvalidInput

MEDIA_TYPE = 'application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"'
TERM = "urn:videolib:term:"
CONTEXT: list[Any] = [
    "http://www.w3.org/ns/anno.jsonld",
    {
        "vl": "urn:videolib:ns#",
        **{
            name: f"vl:{name}"
            for name in ("kind", "layer", "confidence", "role", "revision", "tool", "vocabularyVersion", "end_s")
        },
        "label": {"@id": "http://www.w3.org/2000/01/rdf-schema#label", "@container": "@language"},
    },
]
# member of ours -> the field of a row that a body with that role fills
ROLES = {"term": "term_id", "severity": "severity_id", "instrument": "instrument_id", "target": "target_id"}
_PURPOSE = {"term": "classifying", "severity": "assessing", "instrument": "tagging", "target": "tagging"}
_MOTIVATION = {"mark": "highlighting", "note": "commenting"}
_LANGUAGE = {"zh": "zh-Hans", "en": "en"}
_CHINESE = re.compile(r"[\u3400-\u9fff]")
# a device alone is what a mark or note is about; that it is in use has to be said
_KIND_OF_SCHEME = {schemes[0]: kind for kind, schemes in KINDS.items() if schemes and kind != "instrument"}
_ROLE_OF_SCHEME = {"device": "instrument", "drug": "instrument", "anatomy": "target", "pathology": "target"}


@dataclass(frozen=True)
class Reading:
    """An annotation as it was understood, and what of it could not be taken."""

    values: AnnotationValues
    left_out: tuple[LeftOut, ...]


class Writer:
    """Writes rows of one entry; `entry_url` is the annotations' target, `collection_url` what their ids begin with."""

    def __init__(self, session: Session, rows: Iterable[Annotation], entry_url: str, collection_url: str) -> None:
        self._rows = list(rows)
        self._entry_url, self._collection_url = entry_url, collection_url
        ids = {getattr(row, name) for row in self._rows for name in ROLES.values()} - {None}
        self._terms: Mapping[str, Term] = {term.id: term for term in list_terms_by_ids(session, ids)}
        authors = {row.author_id for row in self._rows if row.author_id is not None}
        self._authors = {
            row.id: row.display_name
            for row in session.execute(select(User.id, User.display_name).where(User.id.in_(authors)))
        }

    def page(self) -> dict[str, Any]:
        """All of them as one AnnotationPage."""
        return {
            "@context": CONTEXT,
            "id": f"{self._collection_url}?page=1",
            "type": "AnnotationPage",
            "partOf": {"id": self._collection_url, "type": "AnnotationCollection", "total": len(self._rows)},
            "startIndex": 0,
            "items": [self._annotation(row) for row in self._rows],
            "next_cursor": None,
        }

    def one(self) -> dict[str, Any]:
        """The first of them, alone."""
        return {"@context": CONTEXT, **self._annotation(self._rows[0])}

    def _annotation(self, row: Annotation) -> dict[str, Any]:
        creator = row.author_name or self._authors.get(row.author_id or 0)
        body = {
            "id": f"{self._collection_url}/{row.id}",
            "type": "Annotation",
            "motivation": _MOTIVATION.get(row.kind, "classifying"),
            "kind": row.kind,
            "layer": row.layer,
            "created": row.created_at.isoformat(),
            "modified": row.updated_at.isoformat(),
            "creator": {"type": "Person", "name": creator} if creator else None,
            "generator": {"type": "Software", "name": row.tool},
            "confidence": row.confidence,
            "revision": row.revision,
            "vocabularyVersion": row.vocabulary_version,
            "via": row.origin,
            "body": [*self._term_bodies(row), *_text_bodies(row)],
            "target": {
                "source": self._entry_url,
                "selector": write_selector(row.start_ticks, row.end_ticks, row.shape),
            },
        }
        return {name: value for name, value in body.items() if value is not None}

    def _term_bodies(self, row: Annotation) -> Iterator[dict[str, Any]]:
        for role, name in ROLES.items():
            if term_id := getattr(row, name):
                term = self._terms.get(term_id)
                yield {
                    "type": "SpecificResource",
                    "purpose": _PURPOSE[role],
                    "role": role,
                    "source": TERM + term_id,
                    **({"label": dict(term.labels)} if term else {}),
                }


def read_annotation(session: Session, sent: Mapping[str, Any], *, size: tuple[int, int] | None) -> Reading:
    """What an annotation says; `size` of the picture for boxes in pixels. Raises `InvalidInput`."""
    kinds = sent.get("type", "Annotation")
    if "Annotation" not in (kinds if isinstance(kinds, list) else [kinds]):
        raise InvalidInput(
            "This is not a Web Annotation.", fields={"type": "Send a Web Annotation."}, code="no_annotation"
        )
    place = read_target(sent.get("target"), size)
    body = _Body(session)
    for one in _flat(sent.get("body", sent.get("bodyValue"))):
        body.read(one)
    kind = sent.get("kind") or body.kind() or ("mark" if place.shape else "note")
    confidence = sent.get("confidence")
    values = AnnotationValues(
        kind=str(kind),
        start_ticks=place.start or 0,
        end_ticks=place.end,
        layer=str(sent.get("layer", "main")),
        note={language: text[:LONGEST_NOTE] for language, text in body.note.items()},
        shape=place.shape,
        confidence=float(confidence) if isinstance(confidence, int | float) else None,
        origin=str(sent["id"])[:500] if isinstance(sent.get("id"), str) else None,
        author_name=_name(sent.get("creator")),
        **body.terms,
    )
    return Reading(values, tuple(dict.fromkeys([*place.left_out, *body.left_out])))


def read_items(sent: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """The annotations of a page or a collection with its first page in it; None for a single annotation."""
    if sent.get("type") == "AnnotationCollection" and isinstance(sent.get("first"), Mapping):
        sent = sent["first"]
    items = sent.get("items")
    if not isinstance(items, list):
        return None
    return [item if isinstance(item, Mapping) else {"type": "nothing"} for item in items]


def merged(current: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """The annotation with the members that were sent in place of its own."""
    whole = {**current, **sent}
    if "bodyValue" in sent and "body" not in sent:
        del whole["body"]
    return whole


def keep_origin(values: AnnotationValues, row: Annotation) -> AnnotationValues:
    """A change does not say where the annotation came from."""
    return replace(values, origin=row.origin, author_name=row.author_name)


@dataclass
class _Body:
    """What the bodies say, gathered."""

    session: Session
    terms: dict[str, Any] = field(default_factory=dict)
    note: dict[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    schemes: dict[str, str] = field(default_factory=dict)

    def read(self, one: Any) -> None:
        """Take one body."""
        if isinstance(one, str):
            self._take_text(one, None)
        elif not isinstance(one, Mapping):
            self.left_out.append(LeftOut("a body that cannot be read"))
        elif isinstance(value := one.get("value"), str):
            self._take_text(_plain(value, one.get("format")), one.get("language"))
        else:
            source = one.get("source", one.get("id"))
            address = source.get("id") if isinstance(source, Mapping) else source
            if isinstance(address, str) and address.startswith(TERM):
                self._take_term(address.removeprefix(TERM), one.get("role"))
            else:
                self.left_out.append(LeftOut("the body {}", str(address)[:200]))

    def kind(self) -> str | None:
        """The kind that its own term stands for."""
        return _KIND_OF_SCHEME.get(self.schemes.get(self.terms.get("term_id", ""), ""))

    def _take_term(self, term_id: str, role: Any) -> None:
        scheme = self.session.scalars(select(Term.scheme_id).where(Term.id == term_id)).first()
        if scheme is None:
            self.left_out.append(LeftOut("the term {}, which this library does not have", term_id[:80]))
            return
        self.schemes[term_id] = scheme
        if role not in ROLES:
            role = "severity" if scheme == "classification" else _ROLE_OF_SCHEME.get(scheme, "term")
        self.terms.setdefault(ROLES[role], term_id)

    def _take_text(self, text: str, language: Any) -> None:
        if not text.strip():
            return
        tag = str(language[0] if isinstance(language, list) and language else language or "").lower()
        here = ("zh" if _CHINESE.search(text) else "en") if not tag else tag.partition("-")[0]
        if here not in _LANGUAGE:
            self.left_out.append(LeftOut("a text in {}", tag[:20]))
        elif here in self.note:
            self.note[here] += f"\n{text.strip()}"
        else:
            self.note[here] = text.strip()


def _text_bodies(row: Annotation) -> Iterator[dict[str, Any]]:
    for language, text in row.note.items():
        yield {
            "type": "TextualBody",
            "purpose": "commenting" if row.kind == "note" else "describing",
            "value": text,
            "language": _LANGUAGE.get(language, language),
            "format": "text/plain",
        }


def _flat(body: Any, depth: int = 0) -> Iterator[Any]:
    """Bodies one by one, out of lists, choices and composites."""
    if body is None or depth > 4:
        return
    if isinstance(body, list):
        for one in body:
            yield from _flat(one, depth + 1)
    elif isinstance(body, Mapping) and isinstance(body.get("items"), list):
        yield from _flat(body["items"], depth + 1)
    else:
        yield body


def _plain(text: str, form: Any) -> str:
    return html.unescape(nh3.clean(text, tags=set())) if form == "text/html" else text


def _name(creator: Any) -> str | None:
    if isinstance(creator, list):
        creator = creator[0] if creator else None
    if isinstance(creator, Mapping):
        creator = creator.get("name")
    return creator[:200] if isinstance(creator, str) and creator.strip() else None
