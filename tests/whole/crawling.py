"""A library to crawl: something of every kind, everybody who may look, and every address that a route can have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from tests.visitors import Site, make_site
from videolib.catalogue import grants, groups, publishing
from videolib.catalogue.captions import add_captions
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import Finding, Screening
from videolib.db import Database
from videolib.storage import open_store

# a role, or somebody who is more to the held recording than their role says: see `add_people`
PEOPLE = (None, "trainee", "instructor", "editor", "admin", "uploader", "reviewer", "elsewhere")
ROLES = {"uploader": "editor", "reviewer": "trainee", "elsewhere": "admin"}
# words of the library that tell which thing an answer shows
WORDS = {
    "public": "Qpublicword",
    "signed in": "Qsignedword",
    "named": "Qnamedword",
    "withdrawn": "Qwithdrawnword",
    "draft": "Qdraftword",
    "held": "Qheldword",
    # what is said in the held recording, and what a picture of it shows
    "held words": "Qsaidword",
    "held picture": "Qpictureword",
    "file name": "张三_TACE",
    "original": "0123456789abcdef0123456789abcdef",
}


@dataclass(frozen=True)
class Library:
    """What there is: entries by the word that tells them, and every id that a route may be asked with."""

    site: Site
    entries: dict[str, Entry]
    ids: dict[str, tuple[str, ...]]


@contextmanager
def stocked(database: Database) -> Iterator[Library]:
    """Make the library in an empty database."""
    site = make_site(database, open_metadata=True)
    site.add_person("trainee", email="named@hospital.example")
    uploader = add_people(site)

    one = {"names": ["named@hospital.example"]}

    def titled(word: str) -> dict[str, Any]:
        return {"title": {"zh": f"{WORDS[word]}录像", "en": WORDS[word]}}

    entries = {
        "public": site.add_published(audience="public", **titled("public")),
        "signed in": site.add_published(**titled("signed in")),
        "named": site.add_published(audience="people", sharing=one, **titled("named")),
        "withdrawn": site.add_published(audience="public", **titled("withdrawn")),
        "draft": site.add_watchable(**titled("draft")),
        "held": site.add_watchable(state="awaiting_review", by=uploader, **titled("held")),
    }
    with site.database.writing() as session:
        for word, entry in entries.items():
            row = session.get_one(Entry, entry.id)
            session.get_one(Recording, row.recording_id).original_key = WORDS["original"]
            said = WORDS["held words" if word == "held" else word]
            vtt = f"WEBVTT\n\n00:00.500 --> 00:02.000\n{said} said.\n"
            add_captions(session, row, "en", vtt, by=None)
        gone = session.get_one(Entry, entries["withdrawn"].id)
        publishing.withdraw_entry(session, gone, "A name is heard.", by=None)
        recordings = tuple(str(entry.recording_id) for entry in entries.values())
        session.get_one(Recording, entries["held"].recording_id).hospital_id = "hospital.held"
        finding = add_finding(session, str(entries["held"].recording_id))
    originals = open_store(site.settings.originals_url)
    originals.put_bytes(WORDS["original"], b"a master with a name in it")
    originals.put_bytes("findings/one.jpg", f"a picture of {WORDS['held picture']}".encode())
    site.reindex()
    ids = {
        "entry_id": tuple(entry.id for entry in entries.values()),
        "recording_id": recordings,
        "scheme_id": ("procedure",),
        "term_id": ("proc.stent_sfa", "step.tace.01"),
        "citation": tuple(f"VL-{entry.code}.1" for entry in entries.values()),
        "number": ("1",),
        "finding_id": (str(finding),),
        "lang": ("en",),
    }
    yield Library(site, entries, ids)
    site.index.close()


def add_people(site: Site) -> User:
    """The held recording's uploader; a reviewer of its hospital; an administrator who holds all grants elsewhere."""
    people = {name: site.add_person(role, email=f"{name}@hospital.example") for name, role in ROLES.items()}
    with site.database.writing() as session:
        for name in ("hospital.held", "hospital.elsewhere"):
            groups.add_group(session, name, "hospital", {"en": name}, by=None)
        reviewer, elsewhere = (session.get_one(User, people[name].id) for name in ("reviewer", "elsewhere"))
        grants.give_grant(session, reviewer, "reviewer", "hospital.held", by=None)
        for name in grants.GRANTS:
            grants.give_grant(session, elsewhere, name, "hospital.elsewhere", by=None)
    return people["uploader"]


def add_finding(session: Session, recording_id: str) -> int:
    """Something that screening found, with its picture."""
    screening = Screening(recording_id=recording_id, state="done")
    session.add(screening)
    session.flush()
    row = Finding(screening_id=screening.id, source="picture", rule="name", confidence=1.0, risk=1.0)
    row.picture_key, row.box = "findings/one.jpg", [0.1, 0.1, 0.2, 0.1]
    session.add(row)
    session.flush()
    return row.id


def person_of(site: Site, name: str | None) -> User | None:
    """Who is meant by a name of `PEOPLE`."""
    if name is None:
        return None
    return site.add_person(ROLES.get(name, name), email=f"{name}@hospital.example")


def addresses(library: Library, rule: Rule) -> Iterator[str]:
    """A route with its parts filled in, each with everything that it could mean."""
    paths = [rule.rule]
    for part in rule.arguments:
        known = library.ids.get(part, ("no-such", *library.ids["entry_id"][:2], *library.ids["recording_id"][:1]))
        paths = [_filled(path, part, value) for path in paths for value in known]
    yield from paths


def _filled(path: str, part: str, value: str) -> str:
    head, _, rest = path.partition("<")
    while rest:
        inner, _, tail = rest.partition(">")
        if inner.rpartition(":")[2] == part:
            return f"{head}{value}{tail}"
        more, _, rest = tail.partition("<")
        head = f"{head}<{inner}>{more}"
    return path


def words_in(text: str) -> set[str]:
    return {name for name, word in WORDS.items() if word in text}


def routes(library: Library) -> Iterator[Rule]:
    """Every route that can be looked at; files of the pages themselves are nobody's secret."""
    rules = library.site.app.url_map.iter_rules()
    yield from (rule for rule in rules if "GET" in (rule.methods or ()) and rule.endpoint != "static")
