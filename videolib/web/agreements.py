"""How far two annotators agree on an entry's phases and steps, as page and API show it; for editors."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _

from videolib.catalogue.agreement import TOLERANCE_S, Stretch, measure
from videolib.catalogue.annotations import list_annotations
from videolib.catalogue.entries import Entry
from videolib.catalogue.vocabulary import list_terms_by_ids
from videolib.web.context import database_session
from videolib.web.languages import language
from videolib.web.texts import clock_text


@dataclass(frozen=True)
class TermLine:
    """One term: how long either reading has it, and how much of both is shared."""

    term: str
    label: str
    first_s: float
    second_s: float
    first_text: str
    second_text: str
    iou: float


@dataclass(frozen=True)
class LevelAgreement:
    """Phases or steps."""

    kind: str
    label: str
    iou: float
    boundary_f1: float
    tolerance_s: float
    terms: tuple[TermLine, ...]


def make_agreements(entry: Entry, *, tolerance_s: float = TOLERANCE_S) -> tuple[LevelAgreement, ...]:
    """Phases and steps, those of which there is a second reading."""
    found = []
    for kind, label in (("phase", _("Phases")), ("step", _("Steps"))):
        first, second = (_stretches(entry, kind, layer) for layer in ("main", "second"))
        if not second:
            continue
        agreement = measure(first, second, tolerance_s=tolerance_s)
        named = list_terms_by_ids(database_session(), [term.term_id for term in agreement.terms])
        labels = {term.id: term.label(language()) for term in named}
        lines = tuple(
            TermLine(
                term.term_id,
                labels.get(term.term_id, term.term_id),
                term.first_s,
                term.second_s,
                clock_text(term.first_s),
                clock_text(term.second_s),
                term.iou,
            )
            for term in agreement.terms
        )
        found.append(LevelAgreement(kind, label, agreement.iou, agreement.boundary_f1, tolerance_s, lines))
    return tuple(found)


def _stretches(entry: Entry, kind: str, layer: str) -> list[Stretch]:
    rows = list_annotations(database_session(), entry.id, kinds=(kind,), layer=layer)
    return [Stretch(str(row.term_id), row.start_s, row.end_s) for row in rows]
