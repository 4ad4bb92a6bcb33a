"""Annotations as ELAN files (`.eaf` 3.0): a tier for each kind and language of a note, times in milliseconds.

Annotations of one tier may not overlap in ELAN: what overlaps goes to a twin tier (`event 2`). What ELAN has no place
for (severity, instrument, target, a drawing, that it is a point) stands in tiers below, so that a file of ours reads
back whole. A term is an entry of a controlled vocabulary, so its id survives whatever the label says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from sqlalchemy.orm import Session

from videolib.catalogue.annotation_values import KINDS, LANGUAGES, AnnotationValues
from videolib.catalogue.annotations import Annotation
from videolib.catalogue.media_time import TICKS_PER_S, to_seconds
from videolib.catalogue.vocabulary import Term, list_all_terms, list_terms_by_ids
from videolib.db import utc_now
from videolib.errors import InvalidInput

MEDIA_TYPE = "text/x-eaf+xml"
MOST_BYTES = 3 * 1024 * 1024
MOST_ELEMENTS = 100_000
_TAGS = {"zh": "zho", "en": "eng"}
_TICKS_PER_MS = TICKS_PER_S // 1000
# ELAN shows nothing that lasts no time
_POINT_MS = 40
_TERM_FIELDS = ("severity_id", "instrument_id", "target_id")
# what a tier of another program is taken for, by its name
_WORDS = {
    **{kind: kind for kind in KINDS},
    **{f"{kind}s": kind for kind in KINDS},
    "阶段": "phase",
    "步骤": "step",
    "任务": "task",
    "动作": "action",
    "事件": "event",
    "器械": "instrument",
    "标注": "mark",
    "备注": "note",
}
_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Spoken:
    """An annotation of a file: its id there, and what it says here."""

    origin: str
    values: AnnotationValues


def write_eaf(session: Session, entry_id: str, rows: Sequence[Annotation]) -> bytes:
    """The annotations as an ELAN document."""
    terms = _terms_of(session, rows)
    root = ElementTree.Element("ANNOTATION_DOCUMENT", AUTHOR="", DATE=utc_now().isoformat(timespec="seconds"))
    root.attrib |= {"FORMAT": "3.0", "VERSION": "3.0"}
    header = ElementTree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    ElementTree.SubElement(header, "PROPERTY", NAME="URN").text = f"urn:videolib:entry:{entry_id}"
    slots = ElementTree.SubElement(root, "TIME_ORDER")
    kinds: list[str] = []
    for kind in KINDS:
        mine = [row for row in rows if row.kind == kind]
        for number, lane in enumerate(_lanes(mine), start=1):
            _write_tier(root, slots, kind if number == 1 else f"{kind} {number}", lane, terms)
        kinds += [kind] if mine else []
    for kind in kinds:
        ElementTree.SubElement(
            root,
            "LINGUISTIC_TYPE",
            LINGUISTIC_TYPE_ID=kind,
            TIME_ALIGNABLE="true",
            GRAPHIC_REFERENCES="false",
            CONTROLLED_VOCABULARY_REF=kind,
        )
    below = ElementTree.SubElement(root, "LINGUISTIC_TYPE", LINGUISTIC_TYPE_ID="below", TIME_ALIGNABLE="false")
    below.attrib |= {"CONSTRAINTS": "Symbolic_Association", "GRAPHIC_REFERENCES": "false"}
    for language, tag in _TAGS.items():
        ElementTree.SubElement(root, "LANGUAGE", LANG_ID=tag, LANG_LABEL=language)
    told = "1-1 association with a parent annotation"
    ElementTree.SubElement(root, "CONSTRAINT", STEREOTYPE="Symbolic_Association", DESCRIPTION=told)
    for kind in kinds:
        _write_vocabulary(root, kind, [terms[row.term_id] for row in rows if row.kind == kind and row.term_id in terms])
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def read_eaf(session: Session, content: bytes, *, layer: str = "main") -> list[Spoken]:
    """What an ELAN document says. Raises `InvalidInput` (code "eaf_unreadable") for what is none.

    A tier that is none of ours, or whose words are no term, becomes notes: nothing that was written is lost.
    """
    root = _parse(content)
    urn = next((one.text or "" for one in root.iterfind("HEADER/PROPERTY[@NAME='URN']")), "")
    times = {one.get("TIME_SLOT_ID", ""): _milliseconds(one.get("TIME_VALUE")) for one in root.iter("TIME_SLOT")}
    below = _below(root)
    labels = _labels(session)
    found = []
    for tier in root.iterfind("TIER"):
        if tier.get("PARENT_REF"):
            continue
        kind = _kind_of(tier.get("TIER_ID", ""))
        for one in tier.iterfind("ANNOTATION/ALIGNABLE_ANNOTATION"):
            start, end = (times.get(one.get(name, "")) for name in ("TIME_SLOT_REF1", "TIME_SLOT_REF2"))
            if start is None or end is None:
                continue
            identifier = one.get("ANNOTATION_ID", "")
            values = _values(kind, one, below.get(identifier, {}), labels)
            ticks = {"start_ticks": start * _TICKS_PER_MS, "end_ticks": end * _TICKS_PER_MS, "layer": layer}
            if "point" in below.get(identifier, {}):
                ticks["end_ticks"] = None
            found.append(Spoken(f"{urn}/{identifier.removeprefix('a.')}", AnnotationValues(**{**values, **ticks})))
    return found


def _parse(content: bytes) -> ElementTree.Element:
    if len(content) > MOST_BYTES:
        raise _unreadable("The file is larger than 3 MiB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable("This is no ELAN file: it is not written in UTF-8.") from error
    # without a document type there are no entities: nothing grows, nothing is fetched
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise _unreadable("The file declares entities; save it with ELAN.")
    if text.count("<") > 2 * MOST_ELEMENTS:
        raise _unreadable("The file holds too many annotations.")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - checked above: it can declare nothing
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise _unreadable("This is no ELAN file: it cannot be read as XML.") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise _unreadable("This is no ELAN file.")
    return root


def _values(
    kind: str, one: ElementTree.Element, told: Mapping[str, str], labels: Mapping[tuple[str, str], str]
) -> dict[str, Any]:
    """The fields of one annotation but its times."""
    text = (one.findtext("ANNOTATION_VALUE") or "").strip()
    note = {name: told[f"note-{name}"] for name in LANGUAGES if told.get(f"note-{name}")}
    term = _term(kind, one.get("CVE_REF"), text, labels)
    shape = _shape(told.get("shape"))
    if kind == "mark" and shape is None:
        kind, term = "note", None
    if term is None and kind in {"phase", "step", "action", "instrument"}:
        kind = "note"
    if term is None and text and not note:
        note = {"zh" if _HAN.search(text) else "en": text[:4000]}
    known = {name: told[name] for name in _TERM_FIELDS if told.get(name)}
    if kind == "note":
        known, shape = {}, None
        note = note or {"en": "…"}
    return {"kind": kind, "term_id": term, "note": note, "shape": shape, **known}


def _term(kind: str, ref: str | None, text: str, labels: Mapping[tuple[str, str], str]) -> str | None:
    schemes = KINDS[kind] or ("",)
    if ref and ("", ref) in labels:
        return ref
    return next((labels[scheme, text.casefold()] for scheme in schemes if (scheme, text.casefold()) in labels), None)


def _labels(session: Session) -> dict[tuple[str, str], str]:
    """Ids of terms under ("", id), and by (scheme, label in small letters)."""
    found: dict[tuple[str, str], str] = {}
    for term in list_all_terms(session):
        found["", term.id] = term.id
        for label in term.labels.values():
            found.setdefault((term.scheme_id, label.casefold()), term.id)
    return found


def _below(root: ElementTree.Element) -> dict[str, dict[str, str]]:
    """What stands in the tiers below: by the annotation, and by the last word of the tier's name."""
    found: dict[str, dict[str, str]] = {}
    for tier in root.iterfind("TIER[@PARENT_REF]"):
        name = tier.get("TIER_ID", "").rpartition(" / ")[2]
        for one in tier.iterfind("ANNOTATION/REF_ANNOTATION"):
            said = (one.findtext("ANNOTATION_VALUE") or "").strip()
            found.setdefault(one.get("ANNOTATION_REF", ""), {})[name] = said
    return found


def _kind_of(name: str) -> str:
    first = re.split(r"[\s_@:/-]", name.strip().casefold(), maxsplit=1)[0]
    return _WORDS.get(first, "note")


def _milliseconds(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\d{1,10}", text) else None


def _shape(text: str | None) -> dict[str, Any] | None:
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _lanes(rows: Iterable[Annotation]) -> list[list[Annotation]]:
    """The annotations of a kind in as many tiers as none of them overlaps in."""
    lanes: list[list[Annotation]] = []
    for row in sorted(rows, key=lambda one: (one.start_ticks, one.id)):
        lane = next((one for one in lanes if _edges(one[-1])[1] <= _edges(row)[0]), None)
        if lane is None:
            lanes.append([row])
        else:
            lane.append(row)
    return lanes


def _edges(row: Annotation) -> tuple[int, int]:
    """Start and end in milliseconds; of a point so much that it is seen."""
    start = round(to_seconds(row.start_ticks) * 1000)
    end = start + _POINT_MS if row.end_ticks is None else round(to_seconds(row.end_ticks) * 1000)
    return start, max(end, start + 1)


def _write_tier(
    root: ElementTree.Element,
    slots: ElementTree.Element,
    name: str,
    rows: Sequence[Annotation],
    terms: Mapping[str, Term],
) -> None:
    tier = ElementTree.SubElement(root, "TIER", TIER_ID=name, LINGUISTIC_TYPE_REF=name.partition(" ")[0])
    below: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        identifier = f"a.{row.id}"
        holder = ElementTree.SubElement(ElementTree.SubElement(tier, "ANNOTATION"), "ALIGNABLE_ANNOTATION")
        holder.set("ANNOTATION_ID", identifier)
        for number, time in enumerate(_edges(row), start=1):
            slot = f"ts{len(slots) + 1}"
            ElementTree.SubElement(slots, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(time))
            holder.set(f"TIME_SLOT_REF{number}", slot)
        term = terms.get(row.term_id or "")
        if term is not None:
            holder.set("CVE_REF", term.id)
        text = term.label("en") if term is not None else next(iter(row.note.values()), "")
        ElementTree.SubElement(holder, "ANNOTATION_VALUE").text = _printable(text)
        for part, said in _parts(row):
            below.setdefault(part, []).append((identifier, said))
    for part, lines in below.items():
        child = ElementTree.SubElement(
            root, "TIER", TIER_ID=f"{name} / {part}", LINGUISTIC_TYPE_REF="below", PARENT_REF=name
        )
        for identifier, said in lines:
            ref = ElementTree.SubElement(ElementTree.SubElement(child, "ANNOTATION"), "REF_ANNOTATION")
            ref.attrib |= {"ANNOTATION_ID": f"{identifier}.{part}", "ANNOTATION_REF": identifier}
            ElementTree.SubElement(ref, "ANNOTATION_VALUE").text = _printable(said)


def _parts(row: Annotation) -> Iterator[tuple[str, str]]:
    """What of an annotation stands in the tiers below."""
    for language in LANGUAGES:
        if row.note.get(language):
            yield f"note-{language}", row.note[language]
    for name in _TERM_FIELDS:
        if getattr(row, name):
            yield name, str(getattr(row, name))
    if row.shape:
        yield "shape", json.dumps(row.shape, ensure_ascii=False)
    if row.end_ticks is None:
        yield "point", "1"


def _write_vocabulary(root: ElementTree.Element, kind: str, terms: Iterable[Term]) -> None:
    holder = ElementTree.SubElement(root, "CONTROLLED_VOCABULARY", CV_ID=kind)
    for tag in _TAGS.values():
        ElementTree.SubElement(holder, "DESCRIPTION", LANG_REF=tag)
    for term in {one.id: one for one in terms}.values():
        entry = ElementTree.SubElement(holder, "CV_ENTRY_ML", CVE_ID=term.id)
        for language, tag in _TAGS.items():
            ElementTree.SubElement(entry, "CVE_VALUE", LANG_REF=tag).text = _printable(term.label(language))


def _terms_of(session: Session, rows: Iterable[Annotation]) -> dict[str, Term]:
    ids = {row.term_id for row in rows if row.term_id}
    return {term.id: term for term in list_terms_by_ids(session, ids)} if ids else {}


def _printable(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(letter for letter in text if letter in "\t\n\r" or (letter >= " " and letter not in "\ufffe\uffff"))


def _unreadable(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, fields={"file": sentence}, code="eaf_unreadable")
