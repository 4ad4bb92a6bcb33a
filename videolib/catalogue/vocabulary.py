"""The controlled vocabulary: schemes and their terms in both languages, and which of them may be chosen today.

Reading and writing of files is `vocabulary_files`, loading and checking `vocabulary_loading`, what people do to a term
`term_changes`, where terms are used `term_uses`, offers while typing `term_offers`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.library import next_sequence
from videolib.db import Base, utc_now
from videolib.errors import InvalidInput, NotFound

LANGUAGES = ("en", "zh")
TERM_STATUSES = ("accepted", "proposed")
STARTER_FOLDER = Path(__file__).parents[2] / "config" / "vocabulary"
STEP_SCHEME, PHASE_SCHEME = "step", "phase"


class Scheme(Base):
    """One list of terms: procedures, anatomy, devices, … `version` grows with each change of the list."""

    __tablename__ = "schemes"

    id: Mapped[str] = mapped_column(primary_key=True)
    labels: Mapped[dict[str, str]]
    note: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)
    # changed by this library's people: the vocabulary that ships leaves it alone
    edited: Mapped[bool] = mapped_column(default=False)


class Term(Base):
    """One concept; its id is never used again for another. `version` grows with each change."""

    __tablename__ = "terms"

    id: Mapped[str] = mapped_column(primary_key=True)
    scheme_id: Mapped[str] = mapped_column(ForeignKey("schemes.id"), index=True)
    labels: Mapped[dict[str, str]]
    synonyms: Mapped[dict[str, Any]]
    broader_id: Mapped[str | None]
    mesh: Mapped[str | None]
    mesh_match: Mapped[str | None]
    definition: Mapped[dict[str, str] | None]
    position: Mapped[int] = mapped_column(default=0)
    # what one scheme alone has: the procedure of a step, the grade of a procedure, the code of a region
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=1)
    # proposed: an editor uses it until an administrator accepts it or merges it into another
    status: Mapped[str] = mapped_column(default="accepted")
    retired: Mapped[bool] = mapped_column(default=False)
    merged_into: Mapped[str | None]
    # first and last day on which it may be chosen
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    # changed or added by this library's people: the vocabulary that ships leaves it alone
    edited: Mapped[bool] = mapped_column(default=False)
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    def label(self, language: str) -> str:
        """The label in that language (`en`, `zh`), else in the other."""
        return self.labels.get(language) or next(iter(self.labels.values()))

    def is_choosable(self, today: date | None = None) -> bool:
        """Whether it may be given to an entry that does not carry it yet."""
        day = today or utc_now().date()
        begun = self.valid_from is None or self.valid_from <= day
        over = self.valid_to is not None and self.valid_to < day
        return begun and not over and not self.retired


@dataclass(frozen=True)
class TemplateStep:
    """One line of a template: the generic phase and, where the procedure has them, its own step."""

    phase: Term | None
    step: Term | None


@dataclass(frozen=True)
class StepTemplate:
    """The steps of one procedure in their order; without a procedure the generic phases, which fit all."""

    procedure_id: str | None
    steps: tuple[TemplateStep, ...]


def get_scheme(session: Session, scheme_id: str) -> Scheme:
    """That scheme. Raises `NotFound`."""
    scheme = session.get(Scheme, scheme_id)
    if scheme is None:
        raise NotFound("There is no such list of terms.", code="scheme_not_found")
    return scheme


def get_term(session: Session, term_id: str, *, scheme_id: str | None = None) -> Term:
    """That term, of that scheme where one is named. Raises `NotFound`."""
    term = session.get(Term, term_id)
    if term is None or scheme_id not in {None, term.scheme_id}:
        raise NotFound("There is no such term.", code="term_not_found")
    return term


def list_schemes(session: Session) -> list[Scheme]:
    """All schemes by id."""
    return list(session.scalars(select(Scheme).order_by(Scheme.id)))


def list_terms(session: Session, scheme_id: str) -> list[Term]:
    """The terms of a scheme in their order, retired ones too: old entries carry them."""
    return list(session.scalars(select(Term).where(Term.scheme_id == scheme_id).order_by(Term.position, Term.id)))


def list_terms_by_ids(session: Session, ids: Iterable[str]) -> list[Term]:
    """Those of the terms that exist."""
    return list(session.scalars(select(Term).where(Term.id.in_(list(ids)))))


def list_all_terms(session: Session) -> list[Term]:
    """Every term, scheme by scheme in its order."""
    return list(session.scalars(select(Term).order_by(Term.scheme_id, Term.position, Term.id)))


def list_proposed(session: Session) -> list[Term]:
    """What editors have proposed and nobody has decided yet."""
    waiting = select(Term).where(Term.status == "proposed", Term.retired.is_(False))
    return list(session.scalars(waiting.order_by(Term.scheme_id, Term.id)))


def count_terms(session: Session) -> dict[str, int]:
    """How many terms each scheme has, retired ones left out."""
    counted = select(Term.scheme_id, func.count()).where(Term.retired.is_(False)).group_by(Term.scheme_id)
    return {str(row[0]): int(row[1]) for row in session.execute(counted)}


def choose_terms(session: Session, field: str, scheme_id: str, ids: Sequence[str], kept: Collection[str]) -> list[str]:
    """The terms that `ids` mean: one merged into another is that other; each once, in their order.

    Raises `InvalidInput` for ids that are not in the scheme, and for retired terms that are not `kept` already.
    """
    rows = {term.id: term for term in list_terms_by_ids(session, ids)}
    chosen, unknown, retired = [], [], []
    for identifier in ids:
        term = _follow_merges(session, rows.get(identifier))
        if term is None or term.scheme_id != scheme_id:
            unknown.append(identifier)
        elif not term.is_choosable() and not {identifier, term.id} & set(kept):
            retired.append(term.id)
        else:
            chosen.append(term.id)
    if unknown:
        sentence = f"The list of terms “{scheme_id}” has no {', '.join(unknown[:5])}."
        raise InvalidInput(sentence, fields={field: sentence}, code="unknown_term")
    if retired:
        sentence = f"{', '.join(retired[:5])} is retired; choose a term that is in use."
        raise InvalidInput(sentence, fields={field: sentence}, code="retired_term")
    return list(dict.fromkeys(chosen))


def current_term(session: Session, term_id: str | None) -> str | None:
    """The id that the term goes by today: that of the term that it was merged into, else its own."""
    term = _follow_merges(session, session.get(Term, term_id)) if term_id else None
    return term.id if term is not None else term_id


def step_template(session: Session, procedure_ids: Sequence[str]) -> list[StepTemplate]:
    """The templates of these procedures, one each in their order; the generic phases where none has its own.

    A procedure may name another whose steps it shares (`template: proc.rfa`).
    """
    steps = [term for term in list_terms(session, STEP_SCHEME) if term.is_choosable()]
    phases = {term.id: term for term in list_terms(session, PHASE_SCHEME)}
    found = []
    for procedure in (session.get(Term, identifier) for identifier in dict.fromkeys(procedure_ids)):
        owner = str(procedure.extra.get("template") or procedure.id) if procedure else None
        own = tuple(
            TemplateStep(phases.get(step.broader_id or ""), step)
            for step in steps
            if owner is not None and step.extra.get("procedure") == owner
        )
        if procedure is not None and own:
            found.append(StepTemplate(procedure.id, own))
    generic = tuple(TemplateStep(phase, None) for phase in phases.values() if phase.is_choosable())
    return found or [StepTemplate(None, generic)]


def note_change(session: Session, schemes: Iterable[str]) -> None:
    """These schemes have changed: their versions grow, and indexes learn of it."""
    session.flush()
    for scheme in session.scalars(select(Scheme).where(Scheme.id.in_(set(schemes)))):
        scheme.version += 1
    session.flush()
    next_sequence(session, "vocabulary")


def _follow_merges(session: Session, term: Term | None) -> Term | None:
    seen: set[str] = set()
    while term is not None and term.merged_into and term.id not in seen:
        seen.add(term.id)
        term = session.get(Term, term.merged_into)
    return term
