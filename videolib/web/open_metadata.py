"""What public entries tell machines, where the setting allows it: schema.org in pages, Dublin Core for OAI-PMH."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from flask import url_for
from markupsafe import Markup

from videolib.catalogue.access import can
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import TERM_FIELDS
from videolib.catalogue.vocabulary import Term, list_terms_by_ids
from videolib.web.cards import duration_of
from videolib.web.context import database_session, services
from videolib.web.languages import html_language
from videolib.web.playback import outside_address

_ABOUT = ("procedures", "pathologies", "anatomy", "devices")


def is_open(entry: Entry) -> bool:
    """Whether machines may be told of this entry."""
    return services().settings.open_metadata and can(None, "see", entry)


def schema_org(entry: Entry) -> Markup | None:
    """The JSON-LD of an entry's page, safe inside a script element; None where nothing is told."""
    if not is_open(entry):
        return None
    text = json.dumps(_video_object(entry), ensure_ascii=False)
    # a text that ends the script element would be read as the page's own
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def dublin_core(entry: Entry) -> list[tuple[str, str | None, str]]:
    """(element, language, text) of an entry in simple Dublin Core."""
    found: list[tuple[str, str | None, str]] = []
    found += [("title", html_language(lang), text) for lang, text in entry.title.items()]
    found += [("creator", None, name) for name in _people(entry)]
    for term in _terms(entry):
        found += [("subject", html_language(lang), text) for lang, text in term.labels.items()]
    found += [("description", html_language(lang), text) for lang, text in entry.summary.items()]
    if entry.published_at:
        found.append(("date", None, entry.published_at.date().isoformat()))
    found += [("type", None, "MovingImage"), ("identifier", None, _address(entry))]
    found += [("language", None, lang) for lang in sorted({html_language(lang) for lang in entry.title})]
    if licence := _licence(entry):
        found.append(("rights", None, licence))
    return found


def _video_object(entry: Entry) -> dict[str, Any]:
    named = {"zh": "zh-Hans", "en": "en"}
    seconds = duration_of(entry)
    told: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": ["VideoObject", "LearningResource"],
        "@id": _address(entry),
        "url": _address(entry),
        "identifier": entry.code,
        "version": entry.version,
        "name": [{"@language": named.get(lang, lang), "@value": text} for lang, text in entry.title.items()],
        "description": [{"@language": named.get(lang, lang), "@value": text} for lang, text in entry.summary.items()],
        "inLanguage": sorted(named.get(lang, lang) for lang in entry.title),
        "uploadDate": entry.published_at.isoformat() if entry.published_at else None,
        "dateModified": entry.updated_at.isoformat(),
        "duration": f"PT{round(seconds)}S" if seconds else None,
        "isAccessibleForFree": True,
        "learningResourceType": "surgical video",
        "author": [{"@type": "Person", "name": name} for name in _people(entry)],
        "keywords": entry.details.get("keywords"),
        "license": _licence(entry),
        "about": [
            {
                "@type": "DefinedTerm",
                "name": [{"@language": named.get(lang, lang), "@value": text} for lang, text in term.labels.items()],
                "termCode": term.id,
                **({"sameAs": f"http://id.nlm.nih.gov/mesh/{term.mesh}"} if term.mesh_match == "exact" else {}),
            }
            for term in _terms(entry)
        ],
    }
    return {name: value for name, value in told.items() if value not in (None, [], "")}


def _address(entry: Entry) -> str:
    return outside_address() + url_for("entries.show", entry_id=entry.id)


def _people(entry: Entry) -> list[str]:
    return [str(person["name"]) for person in entry.details.get("contributors") or [] if person.get("name")]


def _licence(entry: Entry) -> str:
    return str((entry.details.get("rights") or {}).get("licence") or "")


def _terms(entry: Entry) -> Iterable[Term]:
    ids = [term.id for field in _ABOUT if field in TERM_FIELDS for term in entry.terms_of(field)]
    found = {term.id: term for term in list_terms_by_ids(database_session(), ids)}
    return [found[term_id] for term_id in dict.fromkeys(ids) if term_id in found]
