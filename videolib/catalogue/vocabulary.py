"""The controlled vocabulary: schemes and their terms in both languages, loaded from YAML and checked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.library import next_sequence
from videolib.db import Base
from videolib.errors import InvalidInput, NotFound

LANGUAGES = ("en", "zh")
# the same safe subset read in C, ten times faster where the wheel has it
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
STARTER_FOLDER = Path(__file__).parents[2] / "config" / "vocabulary"
_TERM_FIELDS = {"id", "labels", "synonyms", "broader", "mesh", "mesh_match", "definition", "order"}


class Scheme(Base):
    """One list of terms: procedures, anatomy, devices, …"""

    __tablename__ = "schemes"

    id: Mapped[str] = mapped_column(primary_key=True)
    labels: Mapped[dict[str, str]]
    note: Mapped[str] = mapped_column(default="")


class Term(Base):
    """One concept; its id is never used again for another."""

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

    def label(self, language: str) -> str:
        """The label in that language (`en`, `zh`), else in the other."""
        return self.labels.get(language) or next(iter(self.labels.values()))


def read_schemes(path: Path) -> list[dict[str, Any]]:
    """The schemes in a YAML file, or in every YAML file of a folder. Raises `InvalidInput` with each problem."""
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    schemes: list[dict[str, Any]] = []
    for file in files:
        try:
            content = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InvalidInput(f"{file.name} cannot be read as YAML.", code="vocabulary_unreadable") from error
        found = content.get("schemes", [content]) if isinstance(content, dict) else None
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise InvalidInput(
                f"{file.name} holds no scheme: write id, labels and terms.", code="vocabulary_unreadable"
            )
        schemes += found
    return schemes


def find_problems(schemes: Iterable[dict[str, Any]]) -> list[str]:
    """What is wrong with these schemes, a sentence each; empty when all is well."""
    problems: list[str] = []
    terms: dict[str, dict[str, Any]] = {}
    for scheme in schemes:
        if not isinstance(scheme.get("id"), str) or not isinstance(scheme.get("terms"), list):
            problems.append("A scheme has no id or no list of terms.")
            continue
        problems += _label_problems(f"Scheme {scheme['id']}", scheme)
        for term in scheme["terms"]:
            identifier = term.get("id") if isinstance(term, dict) else None
            if not isinstance(identifier, str):
                problems.append(f"Scheme {scheme['id']} has a term without an id.")
            elif identifier in terms:
                problems.append(f"The id {identifier} is used twice.")
            else:
                terms[identifier] = term
                problems += _label_problems(f"Term {identifier}", term)
    return problems + _broader_problems(terms)


def load_vocabulary(session: Session, path: Path) -> int:
    """Load a file or folder: new terms are added, known ones brought up to date; none is deleted.

    Gives the number of terms read. Raises `InvalidInput` naming every problem, and changes nothing then.
    """
    schemes = read_schemes(path)
    if problems := find_problems(schemes):
        raise InvalidInput("The vocabulary was not loaded: " + " ".join(problems[:20]), code="vocabulary_invalid")
    count = 0
    for scheme in schemes:
        session.merge(Scheme(id=scheme["id"], labels=scheme["labels"], note=scheme.get("note", "")))
        for position, term in enumerate(scheme["terms"]):
            session.merge(_term_row(scheme["id"], position, term))
            count += 1
    if session.new or any(session.is_modified(row) for row in session.dirty):
        session.flush()
        next_sequence(session, "vocabulary")
    return count


def check_vocabulary(session: Session) -> list[str]:
    """What is wrong with the vocabulary in the database, a sentence each."""
    rows = session.scalars(select(Term)).all()
    return _broader_problems({row.id: {"broader": row.broader_id} for row in rows})


def get_scheme(session: Session, scheme_id: str) -> Scheme:
    """That scheme. Raises `NotFound`."""
    scheme = session.get(Scheme, scheme_id)
    if scheme is None:
        raise NotFound("There is no such list of terms.", code="scheme_not_found")
    return scheme


def list_schemes(session: Session) -> list[Scheme]:
    """All schemes by id."""
    return list(session.scalars(select(Scheme).order_by(Scheme.id)))


def list_terms(session: Session, scheme_id: str) -> list[Term]:
    """The terms of a scheme in their order."""
    return list(session.scalars(select(Term).where(Term.scheme_id == scheme_id).order_by(Term.position, Term.id)))


def list_terms_by_ids(session: Session, ids: Iterable[str]) -> list[Term]:
    """Those of the terms that exist."""
    return list(session.scalars(select(Term).where(Term.id.in_(list(ids)))))


def list_all_terms(session: Session) -> list[Term]:
    """Every term, scheme by scheme in its order."""
    return list(session.scalars(select(Term).order_by(Term.scheme_id, Term.position, Term.id)))


def _term_row(scheme_id: str, position: int, term: dict[str, Any]) -> Term:
    synonyms = term.get("synonyms") or {}
    definition = term.get("definition")
    return Term(
        id=term["id"],
        scheme_id=scheme_id,
        labels=term["labels"],
        synonyms={language: list(synonyms.get(language) or []) for language in LANGUAGES},
        broader_id=term.get("broader"),
        mesh=term.get("mesh"),
        mesh_match=term.get("mesh_match"),
        definition={"en": definition} if isinstance(definition, str) else definition,
        position=term.get("order", position),
        extra={key: value for key, value in term.items() if key not in _TERM_FIELDS},
    )


def _label_problems(what: str, item: dict[str, Any]) -> list[str]:
    labels = item.get("labels")
    if not isinstance(labels, dict):
        return [f"{what} has no labels."]
    return [f"{what} has no label in {language}." for language in LANGUAGES if not labels.get(language)]


def _broader_problems(terms: dict[str, dict[str, Any]]) -> list[str]:
    problems = []
    for identifier, term in terms.items():
        seen, current = {identifier}, term.get("broader")
        while current is not None:
            if current not in terms:
                problems.append(f"Term {identifier} names a broader term {current} that does not exist.")
                break
            if current in seen:
                problems.append(f"Term {identifier} is broader than itself.")
                break
            seen.add(current)
            current = terms[current].get("broader")
    return problems
