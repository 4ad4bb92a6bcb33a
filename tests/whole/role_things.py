"""What the routes of the role matrix are asked about: each is made, and its address told."""

from __future__ import annotations

from collections.abc import Callable

from tests.dicom_samples import CINE
from tests.libraries import add_entry, add_recording
from tests.visitors import Site
from videolib.catalogue import personal_notes, problem_reports, publishing, reviews, watch_records
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import add_annotation
from videolib.catalogue.captions import add_captions
from videolib.catalogue.entries import Entry
from videolib.catalogue.recordings import Recording
from videolib.catalogue.versions import citation_of

VTT = "WEBVTT\n\n00:00.500 --> 00:02.000\nA stent.\n"


def published(site: Site) -> str:
    return site.add_published().id


def draft(site: Site) -> str:
    return site.add_watchable().id


def held(site: Site) -> str:
    return str(site.add_watchable(state="awaiting_review").recording_id)


def held_and_none(site: Site) -> str:
    """A held recording, and the number of nothing in it."""
    return f"{held(site)} 999"


def waiting(site: Site) -> str:
    """In review, and nobody has taken it."""
    entry = site.add_watchable()
    with site.database.writing() as session:
        publishing.move_entry(session, session.get_one(Entry, entry.id), "submit", by=None)
    return entry.id


def commented(site: Site) -> str:
    entry_id, author = waiting(site), site.add_person("editor")
    with site.database.writing() as session:
        comment = reviews.add_comment(session, session.get_one(Entry, entry_id), "Name the vessel.", by=author)
        return f"{entry_id} {comment.id}"


def published_twice(site: Site) -> str:
    entry = site.add_published()
    with site.database.writing() as session:
        publishing.publish_entry(session, session.get_one(Entry, entry.id), by=None)
    return entry.id


def citation(site: Site) -> str:
    return citation_of(site.add_published())


def recording(state: str) -> Callable[[Site], str]:
    def make(site: Site) -> str:
        made = add_recording(site.database, state=state, sha256=f"{state:>064}"[:64].replace(" ", "0"))
        add_entry(site.database, made)
        return made.id

    return make


def noted(site: Site) -> str:
    """`<entry>/annotations/<annotation>` without the middle, which the rule has."""
    entry = site.add_published()
    with site.database.writing() as session:
        values = AnnotationValues("note", 0, note={"en": "x"})
        row = add_annotation(session, session.get_one(Entry, entry.id), values, by=None)
    return f"{entry.id} {row.id}"


def cine(site: Site) -> str:
    """A DICOM recording of which the rate was guessed."""
    made = site.add_watchable()
    with site.database.writing() as session:
        row = session.get_one(Recording, made.recording_id)
        row.source = {"dicom": CINE}
        return row.id


def captioned(site: Site) -> str:
    entry = site.add_published()
    with site.database.writing() as session:
        add_captions(session, session.get_one(Entry, entry.id), "en", VTT, by=None)
    return entry.id


def token(site: Site) -> str:
    """An address of a published package, as an editor was given it."""
    entry = site.add_published()
    person = site.add_person("editor")
    return str(site.app.extensions["videolib"].links.make(person.id, entry.id, entry.package_id)[0])


def own_note(site: Site) -> str:
    """A note that somebody wrote for themselves."""
    entry, owner = site.add_published(), site.add_person("trainee", email="owner@hospital.example")
    with site.database.writing() as session:
        return personal_notes.add_note(session, session.get_one(Entry, entry.id), 1.0, "mine", by=owner).id


def viewing(site: Site) -> str:
    """What somebody else watches."""
    entry, owner = site.add_published(), site.add_person("trainee", email="owner@hospital.example")
    with site.database.writing() as session:
        return watch_records.open_viewing(session, session.get_one(Entry, entry.id), by=owner).id


def reported(site: Site) -> str:
    """A problem that a trainee reported."""
    entry, owner = site.add_published(), site.add_person("trainee", email="owner@hospital.example")
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        return str(problem_reports.report_problem(session, row, "privacy", 1.0, "A name.", by=owner).id)
