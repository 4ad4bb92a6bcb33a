"""What the routes of the role matrix are asked about: each is made, and its address told."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from tests.dicom_samples import CINE
from tests.libraries import add_entry, add_recording, let_in
from tests.narrations import add_made_narration
from tests.visitors import Site
from videolib.catalogue import (
    cohorts,
    personal_notes,
    playlist_items,
    playlists,
    problem_reports,
    publishing,
    questions,
    reviews,
    watch_records,
)
from videolib.catalogue.account_links import make_link
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import add_annotation
from videolib.catalogue.captions import add_captions
from videolib.catalogue.entries import Entry
from videolib.catalogue.groups import Group, add_group
from videolib.catalogue.people import add_user, find_user
from videolib.catalogue.recordings import Recording
from videolib.catalogue.versions import citation_of

VTT = "WEBVTT\n\n00:00.500 --> 00:02.000\nA stent.\n"


def published(site: Site) -> str:
    return site.add_published().id


def draft(site: Site) -> str:
    return site.add_watchable().id


def held(site: Site) -> str:
    """A recording that nobody has signed off; the editor is assigned to it, the administrator is not."""
    made = str(site.add_watchable(state="awaiting_review").recording_id)
    let_in(site.database, made, site.add_person("editor"))
    return made


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
        made = add_recording(site.database, state=state, sha256=secrets.token_hex(32))
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


def narrated(site: Site) -> str:
    """A narration that the editor has sent and nobody has accepted."""
    entry, editor = site.add_published(), site.add_person("editor")
    return f"{entry.id} {add_made_narration(site, entry.id, by=editor)}"


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


def invitation(site: Site) -> str:
    """The secret of a link for somebody who has not been here yet."""
    with site.database.writing() as session:
        address = "invited@hospital.example"
        person = find_user(session, address) or add_user(session, address, None, ["trainee"])
        return make_link(session, person, by=None)[0]


def somebody(site: Site) -> str:
    """A person whom nobody needs."""
    with site.database.writing() as session:
        address = "somebody@hospital.example"
        person = find_user(session, address) or add_user(session, address, None, ["trainee"])
        person.active = True
        return str(person.id)


def hospital(site: Site) -> str:
    """A hospital, and somebody whom a grant could be given to."""
    somebody(site)
    with site.database.writing() as session:
        if session.get(Group, "hospital.of.rows") is None:
            add_group(session, "hospital.of.rows", "hospital", {"en": "A hospital"}, by=None)
    return "hospital.of.rows"


def hospital_and_somebody(site: Site) -> str:
    return f"{hospital(site)} {somebody(site)}"


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


def lesson(site: Site) -> str:
    """The instructor's playlist, assigned to the trainee."""
    entry, owner, trainee = site.add_published(), site.add_person("instructor"), site.add_person("trainee")
    with site.database.writing() as session:
        made = playlists.create_playlist(session, {"en": "Leg arteries"}, by=session.merge(owner))
        playlist_items.add_clip(session, made, session.get_one(Entry, entry.id), playlist_items.Clip())
        playlists.assign(session, made, trainee.email, by=owner)
        return made.id


def open_lesson(site: Site) -> str:
    """The same, which everyone who is signed in may open."""
    made = lesson(site)
    with site.database.writing() as session:
        playlists.change_playlist(session, playlists.get_playlist(session, made), audience="signed_in")
    return made


def lesson_item(site: Site) -> str:
    made = lesson(site)
    with site.database.reading() as session:
        return f"{made} {playlists.get_playlist(session, made).items[0].id}"


def asked(site: Site) -> str:
    """A playlist, its item and its question."""
    made, item = lesson_item(site).split()
    choices = (questions.Choice("SFA", is_right=True), questions.Choice("DFA"))
    with site.database.writing() as session:
        values = questions.QuestionValues("multiple", "Which?", 1000, choices)
        return f"{made} {item} {questions.add_question(session, item, values).id}"


def asked_of_learner(site: Site) -> str:
    """A playlist and its question."""
    made, _item, question = asked(site).split()
    return f"{made} {question}"


def assignment(site: Site) -> str:
    made = lesson(site)
    with site.database.reading() as session:
        return f"{made} {playlists.get_playlist(session, made).assignments[0].id}"


def cohort(site: Site) -> str:
    with site.database.writing() as session:
        number = len(cohorts.list_cohorts(session))
        return cohorts.add_cohort(session, f"Cohort {number}", by=None).id


def cohort_member(site: Site) -> str:
    made, person = cohort(site), site.add_person("trainee")
    with site.database.writing() as session:
        cohorts.add_members(session, cohorts.get_cohort(session, made), [person.email], by=None)
    return f"{made} {person.id}"
