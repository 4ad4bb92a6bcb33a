"""The facts of a case beside its recording: what was treated with what, what came of it, and what vouches for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from videolib.catalogue.completeness import MOST_POINTS
from videolib.catalogue.documents import Document, document_of, value_at
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import SINGLE_TERM_FIELDS, TERM_FIELDS
from videolib.catalogue.judging import find_approval
from videolib.catalogue.vocabulary import list_schemes, list_terms_by_ids
from videolib.web.api.entry_json import public_document
from videolib.web.cards import Link, Text, facet_url, first_text
from videolib.web.citations import Citation, make_citation
from videolib.web.context import database_session
from videolib.web.entry_values_text import label_of, text_of_value
from videolib.web.languages import html_language, language
from videolib.web.texts import day_text

# shown as they are called in the form, in this order
CASE = ("case.age_band", "case.sex", "case.bmi_band", "case.asa", "side", "year_of_procedure")
WORDS = ("case.indication", "case.comorbidities", "case.prior_treatment", "case.preop_imaging")
MEANS = ("access_details", "device_details", "drug_details")
OUTCOME = ("technical", "clinical", "complications", "fluoro_min", "dap_gycm2", "contrast_ml", "op_min", "follow_up")
CONDUCT = ("operator.role", "operator.experience_band", "edit.speed_changes", "edit.total_case_min", "presented_at")
RIGHTS = ("rights.licence", "rights.holder", "funding")


@dataclass(frozen=True)
class TermGroup:
    """The terms of one scheme."""

    scheme: str
    label: str
    terms: tuple[Link, ...]


@dataclass(frozen=True)
class Fact:
    """One line; `lang` is the language that the value is in."""

    label: str
    value: str
    lang: str


@dataclass(frozen=True)
class FactGroup:
    """Facts under one heading."""

    id: str
    label: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Person:
    """Somebody who made it: name, part in it, hospital."""

    name: str
    told: str
    orcid: str


@dataclass(frozen=True)
class Reference:
    """A publication; the address is its DOI's or PubMed's."""

    text: str
    url: str


@dataclass(frozen=True)
class Reviewed:
    """The review of what is shown: by whom, when, how many points; or that it has changed since."""

    holds: bool
    sentence: str


@dataclass(frozen=True)
class CaseFacts:
    """Everything that the panel shows."""

    reviewed: Reviewed | None
    terms: tuple[TermGroup, ...]
    groups: tuple[FactGroup, ...]
    people: tuple[Person, ...]
    objectives: tuple[Text, ...]
    key_points: Text | None
    pitfalls: Text | None
    references: tuple[Reference, ...]
    warning: Text | None
    citation: Citation


def make_case_facts(entry: Entry) -> CaseFacts:
    """The facts as everyone of its audience may read them: makers only beside a disclosure, no consent's number."""
    whole = document_of(entry)
    document = public_document(whole)
    reviewed = _reviewed(entry)
    return CaseFacts(
        reviewed=reviewed,
        terms=_terms(entry),
        groups=tuple(group for group in _groups(entry, document, whole, reviewed) if group.facts),
        people=tuple(_people(document)),
        objectives=tuple(text for item in document.get("learning_objectives") or () if (text := first_text(item))),
        key_points=first_text(document.get("key_points") or {}),
        pitfalls=first_text(document.get("pitfalls") or {}),
        references=tuple(_references(document)),
        warning=first_text(document.get("content_warning") or {}),
        citation=make_citation(entry),
    )


def _groups(entry: Entry, document: Document, whole: Document, reviewed: Reviewed | None) -> Iterator[FactGroup]:
    yield FactGroup("case", _("The case"), (*_singles(entry), *_said(document, CASE), *_said(document, WORDS)))
    yield FactGroup("means", _("Access, devices, drugs"), tuple(_said(document, MEANS)))
    yield FactGroup("outcome", _("Outcome"), tuple(_said(document, [f"outcomes.{name}" for name in OUTCOME])))
    yield FactGroup("conduct", _("How it was done and recorded"), tuple(_said(document, CONDUCT)))
    yield FactGroup("trust", _("What vouches for it"), tuple(_statements(document, whole, reviewed)))
    yield FactGroup("rights", _("Rights"), tuple(_said(document, RIGHTS)))


def _said(document: Document, paths: Iterable[str]) -> Iterator[Fact]:
    """What stands at these paths, in the words of the form."""
    for path in paths:
        value = value_at(document, path)
        if value in (None, "", [], {}):
            continue
        if isinstance(value, Mapping) and set(value) <= {"zh", "en"}:
            text = first_text(value)
            if text is not None:
                yield Fact(label_of(path), text.text, text.lang)
        else:
            yield Fact(label_of(path), text_of_value(path, value), html_language())


def _singles(entry: Entry) -> Iterator[Fact]:
    here = language()
    labels = {scheme.id: scheme.labels for scheme in list_schemes(database_session())}
    chosen = {getattr(entry, field): scheme for field, scheme in SINGLE_TERM_FIELDS.items() if getattr(entry, field)}
    terms = {term.id: term for term in list_terms_by_ids(database_session(), chosen)}
    for term_id, scheme in chosen.items():
        if term_id in terms:
            yield Fact(labels.get(scheme, {}).get(here, scheme), terms[term_id].label(here), html_language())


def _statements(document: Document, whole: Document, reviewed: Reviewed | None) -> Iterator[Fact]:
    """What a reader weighs it by: evidence, de-identification, consent, off-label use, disclosure."""
    here = html_language()
    if evidence := _evidence(document, reviewed):
        yield Fact(_("Evidence"), evidence, here)
    if document.get("no_patient_shown"):
        yield Fact(_("Patient"), _("No patient is shown."), here)
    elif value_at(whole, "deid.status") == "done":
        yield Fact(_("De-identification"), _("Checked by a person: nobody can be recognised."), here)
    if value_at(whole, "consent.id") and not value_at(whole, "consent.withdrawn_on"):
        yield Fact(_("Consent"), _("The patient agreed to this use for teaching."), here)
    for path, label, none in (
        ("off_label", _("Off-label use"), _("No device or drug was used off label.")),
        ("coi", _("Disclosure"), _("No conflict of interest.")),
    ):
        text = first_text(value_at(document, f"{path}.text") or {})
        if text is not None:
            yield Fact(label, text.text, text.lang)
        elif value_at(document, f"{path}.none"):
            yield Fact(label, none, here)
    if value_at(document, "edit.is_edited") is not None:
        edited = _("Cut or sped up.") if value_at(document, "edit.is_edited") else _("Neither cut nor sped up.")
        yield Fact(_("Editing"), edited, here)


def _evidence(document: Document, reviewed: Reviewed | None) -> str:
    """How much it rests on: one case, a review, publications."""
    parts = [] if document.get("no_patient_shown") or not document.get("case") else [_("One case")]
    if reviewed is not None and reviewed.holds:
        parts.append(_("reviewed by a colleague"))
    if count := len(document.get("references") or ()):
        parts.append(ngettext("%(num)s publication cited", "%(num)s publications cited", count))
    return " · ".join(parts)


def _reviewed(entry: Entry) -> Reviewed | None:
    found = find_approval(database_session(), entry)
    if found is None:
        return None
    said = _(
        "Reviewed by %(name)s on %(day)s: %(points)s of %(most)s LAP-VEGaS points",
        name=found.review.reviewer_name,
        day=day_text(found.review.decided_at),
        points=found.review.total,
        most=MOST_POINTS,
    )
    return Reviewed(found.holds, said if found.holds else _("%(review)s; changed since", review=said))


def _terms(entry: Entry) -> tuple[TermGroup, ...]:
    labels = {scheme.id: scheme.labels for scheme in list_schemes(database_session())}
    here = language()
    groups = []
    for field, scheme in TERM_FIELDS.items():
        terms = tuple(Link(term.label(here), facet_url(scheme, term.id)) for term in entry.terms_of(field))
        if terms:
            groups.append(TermGroup(scheme, labels.get(scheme, {}).get(here, scheme), terms))
    return tuple(groups)


def _people(document: Document) -> Iterator[Person]:
    people = [item for item in document.get("contributors") or () if item.get("name")]
    ids = [str(item[name]) for item in people for name in ("title", "region", "tier") if item.get(name)]
    labels = {term.id: term.label(language()) for term in list_terms_by_ids(database_session(), ids)}
    for item in people:
        told = [str(item.get(name) or "") for name in ("role", "title", "institution", "region")]
        yield Person(
            str(item["name"]),
            " · ".join(labels.get(text, text) for text in told if text),
            str(item.get("orcid") or ""),
        )


def _references(document: Document) -> Iterator[Reference]:
    for item in document.get("references") or ():
        doi, pmid = item.get("doi"), item.get("pmid")
        named = f"doi:{doi}" if doi else f"PMID {pmid}" if pmid else ""
        url = f"https://doi.org/{doi}" if doi else f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else ""
        yield Reference(" ".join(part for part in (str(item.get("text") or ""), named) if part), url)
