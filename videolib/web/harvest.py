"""OAI-PMH 2.0 at `/oai`, for public entries and only where the setting allows it: all six verbs, Dublin Core.

What was public and was withdrawn is told as deleted. Lists go on by a resumption token that says where they stopped,
so a harvest is stable while entries are written.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from flask import Blueprint, request
from sqlalchemy import ColumnElement, and_, exists, or_, select
from werkzeug.wrappers import Response

from videolib.catalogue.access import visible_entries
from videolib.catalogue.entries import Entry
from videolib.catalogue.versions import EntryVersion
from videolib.db import utc_now
from videolib.errors import NotFound
from videolib.web.context import database_session, services
from videolib.web.open_metadata import dublin_core, is_open
from videolib.web.playback import outside_address

blueprint = Blueprint("harvest", __name__)

PAGE = 100
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_OAI = "http://www.openarchives.org/OAI/2.0/"
_DC_FORMAT = "http://www.openarchives.org/OAI/2.0/oai_dc/"
_DC = "http://purl.org/dc/elements/1.1/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XML = "http://www.w3.org/XML/1998/namespace"
_SECONDS, _DAY = "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"
# verb -> (arguments it may have, arguments it must have)
_ARGUMENTS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "Identify": (frozenset(), frozenset()),
    "ListMetadataFormats": (frozenset({"identifier"}), frozenset()),
    "ListSets": (frozenset({"resumptionToken"}), frozenset()),
    "GetRecord": (frozenset({"identifier", "metadataPrefix"}), frozenset({"identifier", "metadataPrefix"})),
    "ListIdentifiers": (
        frozenset({"from", "until", "metadataPrefix", "set", "resumptionToken"}),
        frozenset({"metadataPrefix"}),
    ),
    "ListRecords": (
        frozenset({"from", "until", "metadataPrefix", "set", "resumptionToken"}),
        frozenset({"metadataPrefix"}),
    ),
}
for _prefix, _space in (("", _OAI), ("oai_dc", _DC_FORMAT), ("dc", _DC), ("xsi", _XSI)):
    ElementTree.register_namespace(_prefix, _space)


class Refusal(Exception):
    """One of the protocol's own errors."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@blueprint.route("/oai", methods=["GET", "POST"])
def answer() -> Response:
    """Answer one request of a harvester; the protocol lets it ask by POST too, which changes nothing."""
    if not services().settings.open_metadata:
        raise NotFound("There is nothing at this address.", code="not_found")
    asked = (request.form if request.method == "POST" else request.args).to_dict(flat=False)
    return Response(_document(asked), content_type="text/xml; charset=utf-8")


def _document(arguments: Mapping[str, list[str]]) -> bytes:
    root = ElementTree.Element(f"{{{_OAI}}}OAI-PMH")
    root.set(f"{{{_XSI}}}schemaLocation", f"{_OAI} {_OAI}OAI-PMH.xsd")
    _add(root, "responseDate", utc_now().strftime(_SECONDS))
    asked = _add(root, "request", _base_url())
    try:
        verb, given = _checked(arguments)
        inner = ElementTree.Element(f"{{{_OAI}}}{verb}")
        _VERBS[verb](inner, given)
        for name, value in {"verb": verb, **given}.items():
            asked.set(name, value)
        root.append(inner)
    except Refusal as error:
        _add(root, "error", str(error)).set("code", error.code)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _checked(arguments: Mapping[str, list[str]]) -> tuple[str, dict[str, str]]:
    if any(len(values) > 1 for values in arguments.values()):
        raise Refusal("badArgument", "An argument is given twice.")
    given = {name: values[0] for name, values in arguments.items()}
    verb = given.pop("verb", "")
    if verb not in _ARGUMENTS:
        raise Refusal("badVerb", "There is no such verb.")
    allowed, needed = _ARGUMENTS[verb]
    if unknown := sorted(set(given) - allowed):
        raise Refusal("badArgument", f"{verb} has no argument {unknown[0]}.")
    if "resumptionToken" in given:
        if len(given) > 1:
            raise Refusal("badArgument", "A resumption token stands alone.")
        return verb, given
    if missing := sorted(needed - set(given)):
        raise Refusal("badArgument", f"{verb} needs the argument {missing[0]}.")
    if given.get("metadataPrefix", "oai_dc") != "oai_dc":
        raise Refusal("cannotDisseminateFormat", "Records are given as oai_dc.")
    if "set" in given:
        raise Refusal("noSetHierarchy", "This library has no sets.")
    return verb, given


def _identify(inner: ElementTree.Element, _given: dict[str, str]) -> None:
    earliest = select(Entry.updated_at).where(_told()).order_by(Entry.updated_at).limit(1)
    first = database_session().scalars(earliest).first()
    for name, text in (
        ("repositoryName", "Videolib"),
        ("baseURL", _base_url()),
        ("protocolVersion", "2.0"),
        ("adminEmail", f"admin@{urlsplit(outside_address()).hostname}"),
        ("earliestDatestamp", (first or utc_now()).strftime(_SECONDS)),
        ("deletedRecord", "transient"),
        ("granularity", "YYYY-MM-DDThh:mm:ssZ"),
    ):
        _add(inner, name, text)


def _list_formats(inner: ElementTree.Element, given: dict[str, str]) -> None:
    if "identifier" in given:
        _find(given["identifier"])
    form = _add(inner, "metadataFormat")
    _add(form, "metadataPrefix", "oai_dc")
    _add(form, "schema", "http://www.openarchives.org/OAI/2.0/oai_dc.xsd")
    _add(form, "metadataNamespace", _DC_FORMAT)


def _list_sets(_inner: ElementTree.Element, _given: dict[str, str]) -> None:
    raise Refusal("noSetHierarchy", "This library has no sets.")


def _get_record(inner: ElementTree.Element, given: dict[str, str]) -> None:
    _add_record(inner, _find(given["identifier"]))


def _list_records(inner: ElementTree.Element, given: dict[str, str]) -> None:
    _list(inner, given, _add_record)


def _list_identifiers(inner: ElementTree.Element, given: dict[str, str]) -> None:
    _list(inner, given, _add_header)


_VERBS: Mapping[str, Callable[[ElementTree.Element, dict[str, str]], None]] = {
    "Identify": _identify,
    "ListMetadataFormats": _list_formats,
    "ListSets": _list_sets,
    "GetRecord": _get_record,
    "ListIdentifiers": _list_identifiers,
    "ListRecords": _list_records,
}


def _list(inner: ElementTree.Element, given: dict[str, str], add: Callable[[ElementTree.Element, Entry], None]) -> None:
    window = _read_token(given["resumptionToken"]) if "resumptionToken" in given else _window(given)
    statement = select(Entry).where(_told()).order_by(Entry.updated_at, Entry.id).limit(PAGE + 1)
    if window["from"]:
        statement = statement.where(Entry.updated_at >= datetime.fromisoformat(window["from"]))
    if window["until"]:
        statement = statement.where(Entry.updated_at < datetime.fromisoformat(window["until"]))
    if window["after"]:
        at, entry_id = datetime.fromisoformat(window["after"][0]), window["after"][1]
        statement = statement.where(or_(Entry.updated_at > at, and_(Entry.updated_at == at, Entry.id > entry_id)))
    rows = list(database_session().scalars(statement))
    if not rows:
        raise Refusal("noRecordsMatch", "Nothing fits these dates.")
    for entry in rows[:PAGE]:
        add(inner, entry)
    if len(rows) > PAGE:
        last = rows[PAGE - 1]
        _add(inner, "resumptionToken", _token({**window, "after": [last.updated_at.isoformat(), last.id]}))
    elif window["after"]:
        _add(inner, "resumptionToken")  # the list that was cut is whole now


def _window(given: dict[str, str]) -> dict[str, Any]:
    first, last = _moment(given.get("from")), _moment(given.get("until"))
    if first and last and (len(given["from"]) != len(given["until"]) or first > last):
        raise Refusal("badArgument", "from and until are of one kind, and from is not after until.")
    # a day and a second are wholly inside
    step = timedelta(days=1) if len(given.get("until", "")) == len("2026-01-31") else timedelta(seconds=1)
    return {
        "from": first.isoformat() if first else None,
        "until": (last + step).isoformat() if last else None,
        "after": None,
    }


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    for form in (_SECONDS, _DAY):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise Refusal("badArgument", "Write dates as 2026-01-31 or 2026-01-31T12:00:00Z.")


def _token(window: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(window).encode()).decode()


def _read_token(token: str) -> dict[str, Any]:
    try:
        window = json.loads(base64.urlsafe_b64decode(token))
        moments = [text for text in (window["from"], window["until"], window["after"][0]) if text is not None]
        # UTC like all that we write: a time without a zone cannot be compared and is none of ours
        all(datetime.fromisoformat(text) > _BEGINNING for text in moments)
        window["after"] = [window["after"][0], str(window["after"][1])]
    except (ValueError, KeyError, TypeError, IndexError, binascii.Error, OverflowError) as error:
        raise Refusal("badResumptionToken", "This token is damaged; begin anew.") from error
    found: dict[str, Any] = window
    return found


def _told() -> ColumnElement[bool]:
    """What machines are told of: what is public now, and what was once: withdrawn, ended, or for fewer people by now.

    Of what is published for a later day nobody is told before that day.
    """
    audience_then = EntryVersion.document["audience"].as_string()
    was_public = exists().where(EntryVersion.entry_id == Entry.id, audience_then == "public")
    has_begun = or_(Entry.visible_from.is_(None), Entry.visible_from <= utc_now())
    return or_(visible_entries(None), and_(Entry.version > 0, has_begun, or_(Entry.audience == "public", was_public)))


def _find(identifier: str) -> Entry:
    beginning, _, entry_id = identifier.rpartition(":")
    entry = database_session().scalars(select(Entry).where(Entry.id == entry_id, _told())).first()
    if entry is None or beginning != _beginning():
        raise Refusal("idDoesNotExist", "There is no such record.")
    return entry


def _beginning() -> str:
    return f"oai:{urlsplit(outside_address()).hostname}"


def _base_url() -> str:
    return f"{outside_address()}/oai"


def _add_header(above: ElementTree.Element, entry: Entry) -> None:
    header = _add(above, "header")
    if not is_open(entry):
        header.set("status", "deleted")
    _add(header, "identifier", f"{_beginning()}:{entry.id}")
    _add(header, "datestamp", entry.updated_at.strftime(_SECONDS))


def _add_record(above: ElementTree.Element, entry: Entry) -> None:
    record = _add(above, "record")
    _add_header(record, entry)
    if not is_open(entry):
        return
    told = ElementTree.SubElement(_add(record, "metadata"), f"{{{_DC_FORMAT}}}dc")
    told.set(f"{{{_XSI}}}schemaLocation", f"{_DC_FORMAT} http://www.openarchives.org/OAI/2.0/oai_dc.xsd")
    for name, lang, text in dublin_core(entry):
        element = ElementTree.SubElement(told, f"{{{_DC}}}{name}")
        element.text = _clean(text)
        if lang:
            element.set(f"{{{_XML}}}lang", lang)


def _add(above: ElementTree.Element, name: str, text: str | None = None) -> ElementTree.Element:
    element = ElementTree.SubElement(above, f"{{{_OAI}}}{name}")
    element.text = None if text is None else _clean(text)
    return element


def _clean(text: str) -> str:
    """Without the characters that no XML may hold."""
    return "".join(
        character
        for character in text
        if character in "\t\n\r" or (character >= " " and character not in "\ufffe\uffff")
    )
