"""The facts that the publish gate asks of entries, gathered for many at once, and its answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from videolib.catalogue.annotations import Annotation, list_annotations, order_of
from videolib.catalogue.captions import Caption
from videolib.catalogue.cines import unconfirmed_guesses
from videolib.catalogue.completeness import Completeness, Facts, assess, covers
from videolib.catalogue.consents import consent_fields
from videolib.catalogue.documents import Document, overlay, working_document
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.reviews import Review, approvals_of, digest_of_content
from videolib.catalogue.second_sources import SecondSource, why_not_shown
from videolib.catalogue.title_rule import names_one_of
from videolib.catalogue.vocabulary import Term
from videolib.db import utc_now

# the total of the LAP-VEGaS items that an approval needs, unless the settings say otherwise
THRESHOLD = 11
_OF_ANNOTATIONS = (
    "kind",
    "start_ticks",
    "end_ticks",
    "term_id",
    "severity_id",
    "instrument_id",
    "target_id",
    "note",
    "shape",
)
_NOT_VASCULAR = frozenset({"dom.nonvascular", "dom.basic", "dom.periproc"})


@dataclass(frozen=True)
class _Shared:
    """What is read once for all entries."""

    terms: Mapping[str, Term]
    with_captions: frozenset[str]
    annotations: Mapping[str, list[Annotation]]
    approvals: Mapping[tuple[str, str], Review]
    uploaders: Mapping[int, frozenset[str]]
    consents: Mapping[str, Mapping[str, Any]]
    seconds: Mapping[str, SecondSource]
    threshold: int


def find_missing(session: Session, entry: Entry, *, threshold: int = THRESHOLD) -> dict[str, str]:
    """What still stands between the entry as it is worked on and publishing: a sentence for each field."""
    return assess_entry(session, entry, threshold=threshold).missing


def assess_entry(
    session: Session, entry: Entry, *, changes: Mapping[str, Any] | None = None, threshold: int = THRESHOLD
) -> Completeness:
    """How far the entry is as it is worked on; with `changes`, as it would be with these."""
    document = overlay(working_document(entry), changes or {})
    return assess_documents(session, [(entry, document)], threshold=threshold)[entry.id]


def assess_entries(
    session: Session, entries: Iterable[Entry], *, threshold: int = THRESHOLD
) -> dict[str, Completeness]:
    """The same of many, with few questions to the database; by id."""
    return assess_documents(session, [(entry, working_document(entry)) for entry in entries], threshold=threshold)


def assess_documents(
    session: Session, pairs: list[tuple[Entry, Document]], *, threshold: int = THRESHOLD
) -> dict[str, Completeness]:
    """How far these entries would be with these documents."""
    shared = _read_shared(session, [entry for entry, _ in pairs], threshold)
    return {entry.id: assess(_facts(entry, document, shared)) for entry, document in pairs}


def annotations_of(session: Session, entry: Entry) -> list[dict[str, Any]]:
    """What happens when in the recording, as a version keeps it and a review is bound to it."""
    return [_plain_annotation(row) for row in list_annotations(session, entry.id)]


def _plain_annotation(row: Annotation) -> dict[str, Any]:
    return {name: value for name in _OF_ANNOTATIONS if (value := getattr(row, name)) not in (None, {})}


def current_digest(session: Session, entry: Entry) -> str:
    """What an approval of the entry as it is worked on would be bound to."""
    return digest_of_content(entry, working_document(entry), annotations_of(session, entry))


def _read_shared(session: Session, entries: list[Entry], threshold: int) -> _Shared:
    ids = [entry.id for entry in entries]
    schemes = select(Term).where(Term.scheme_id.in_(("procedure", "pathology")))
    shown = [one for entry in entries if entry.recording for one in (entry.recording, *entry.recording.sources)]
    uploader_ids = {one.uploader_id for one in shown} - {None}
    cases = [one.case_id for one in shown]
    seconds = select(SecondSource).where(SecondSource.entry_id.in_(ids))
    people = list(session.scalars(select(User).where(User.id.in_(uploader_ids)))) if uploader_ids else []
    return _Shared(
        terms={term.id: term for term in session.scalars(schemes)},
        with_captions=frozenset(session.scalars(select(Caption.entry_id).where(Caption.entry_id.in_(ids)))),
        annotations=_annotations_by_entry(session, ids),
        approvals=approvals_of(session, ids),
        uploaders={
            person.id: frozenset({person.display_name.strip().casefold(), person.email.casefold()} - {""})
            for person in people
        },
        consents=consent_fields(session, cases, utc_now().date()),
        seconds={row.entry_id: row for row in session.scalars(seconds)},
        threshold=threshold,
    )


def _annotations_by_entry(session: Session, entry_ids: list[str]) -> dict[str, list[Annotation]]:
    """What viewers see of each, in the order of time, by one question."""
    mine = select(Annotation).where(Annotation.entry_id.in_(entry_ids), Annotation.layer == "main")
    found: dict[str, list[Annotation]] = {}
    for row in sorted(session.scalars(mine), key=order_of):
        found.setdefault(row.entry_id, []).append(row)
    return found


def _facts(entry: Entry, document: Document, shared: _Shared) -> Facts:
    recording = entry.recording
    sources = recording.sources if recording else ()
    shown = dict.fromkeys((*sources, recording)) if recording and recording.case_id else sources
    consent = _consent_to_ask(document, tuple(shown), shared.consents)
    title = document.get("title") or {}
    named = {
        scheme
        for scheme, field in (("procedure", "procedures"), ("pathology", "pathologies"))
        if names_one_of(title, document.get(field) or (), shared.terms)
    }
    procedures = [shared.terms[name].extra for name in document.get("procedures") or () if name in shared.terms]
    annotations = shared.annotations.get(entry.id, ())
    digest = digest_of_content(entry, document, [_plain_annotation(row) for row in annotations])
    review = shared.approvals.get((entry.id, digest))
    return Facts(
        document=document if consent is None else {**document, "consent": consent},
        has_case=consent is not None,
        recording_state=_state_of(entry),
        has_package=recording is not None and recording.package_id is not None,
        has_open_guesses=any(unconfirmed_guesses(one) for one in sources),
        duration_s=entry.package.duration_s if entry.package else _source_duration(entry),
        phases=tuple((row.start_s, row.end_s) for row in annotations if row.kind == "phase"),
        graded_complications=tuple(
            row.severity_id is not None for row in annotations if row.kind == "event" and row.term_id is not None
        ),
        second_lacks=_second_lacks(entry, document, shared.seconds.get(entry.id)),
        has_captions=entry.id in shared.with_captions,
        named_in_title=frozenset(named),
        is_vascular=not procedures or any(extra.get("domain") not in _NOT_VASCULAR for extra in procedures),
        # the starter vocabulary's grades name no body: only a hospital's own list does
        is_graded=any(extra.get("cn_grade_body") for extra in procedures),
        points=review.total if review else None,
        threshold=shared.threshold,
        uploader_names=frozenset().union(*(shared.uploaders.get(one.uploader_id or 0, ()) for one in sources)),
        today=utc_now().date(),
    )


def _second_lacks(entry: Entry, document: Document, second: SecondSource | None) -> str | None:
    session = object_session(entry)
    if second is None or session is None:
        return None
    return why_not_shown(session, entry, second.recording, audience=document.get("audience"))


def _consent_to_ask(
    document: Document, shown: Sequence[Recording], consents: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The consent that the gate looks at: of several the first that does not cover; None: what the entry itself says.

    Of ranges of recordings with a case and without one, the entry's own has to cover, too.
    """
    cases = [one.case_id for one in shown]
    if not any(cases):
        return None
    said = [consents.get(case_id, {}) if case_id else document.get("consent") or {} for case_id in cases]
    audience, today = str(document.get("audience") or "signed_in"), utc_now().date()
    return next((one for one in said if not covers(one, audience, today)), said[0])


def _state_of(entry: Entry) -> str | None:
    """The state of its recording; of a montage that of a recording that is not released, first.

    Of what nobody sees yet that of the ranges which were chosen: all of the recording is not to be published meanwhile.
    """
    is_seen = entry.status == "published"
    recording = entry.recording if is_seen else entry.next_recording or entry.recording
    if recording is None:
        return None
    states = [one.state for one in recording.sources if one.state != "ready"]
    if not states and recording is not entry.recording:
        return "processing"  # it is there, and taken up in a moment
    return states[0] if states else recording.state


def _source_duration(entry: Entry) -> float | None:
    source = (entry.recording.source if entry.recording else None) or {}
    return float(source["duration_s"]) if source.get("duration_s") else None
