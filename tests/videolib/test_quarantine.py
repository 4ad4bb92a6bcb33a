"""Quarantine: before a recording is signed off its uploader, assigned editors and its hospital's reviewers open it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from config.settings import load_settings
from tests.libraries import add_entry, add_person, add_recording, let_in, make_reviewed
from tests.visitors import PACKAGE, Site, Visitor
from videolib.catalogue import grants, groups, quarantine
from videolib.catalogue.access import can
from videolib.catalogue.audit import AuditEvent
from videolib.catalogue.captions import add_captions
from videolib.catalogue.cases import CaseNumbers, assign_case
from videolib.catalogue.confirming import Original, confirm_known, confirm_new
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_files import write_entry
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import Finding, Screening
from videolib.db import Database
from videolib.errors import Conflict, InvalidInput, NotAllowed
from videolib.storage import open_store

OURS, THEIRS = "hospital.ours", "hospital.theirs"
PICTURE = b"\xff\xd8 a name \xff\xd9"


def add_hospitals(site_database: Database) -> None:
    with site_database.writing() as session:
        for name in (OURS, THEIRS):
            groups.add_group(session, name, "hospital", {"en": name}, by=None)


def grant(database: Database, person: User, name: str, hospital: str) -> None:
    with database.writing() as session:
        grants.give_grant(session, session.get_one(User, person.id), name, hospital, by=None)


def add_held(site: Site, *, by: User | None) -> tuple[Entry, int]:
    """A recording of our hospital that nobody has signed off, with captions and a finding that has a picture."""
    entry = site.add_watchable(state="awaiting_review", by=by)
    open_store(site.settings.originals_url).put_bytes("findings/one.jpg", PICTURE)
    with site.database.writing() as session:
        row = session.get_one(Recording, entry.recording_id)
        row.hospital_id = OURS
        screening = Screening(recording_id=row.id, state="done")
        session.add(screening)
        session.flush()
        finding = Finding(
            screening_id=screening.id,
            source="picture",
            rule="name",
            start_s=1.0,
            end_s=2.0,
            box=[0.1, 0.1, 0.2, 0.1],
            confidence=0.9,
            risk=5.0,
            picture_key="findings/one.jpg",
        )
        session.add(finding)
        vtt = "WEBVTT\n\n00:00.500 --> 00:02.000\nMrs Zhang.\n"
        add_captions(session, session.get_one(Entry, entry.id), "en", vtt, by=None)
        return entry, finding.id


def surfaces(entry: Entry, finding: int) -> dict[str, str]:
    """Every page and call that leads to pictures, sound or words of it."""
    studio = f"/studio/recordings/{entry.recording_id}"
    return {
        "desk": f"{studio}/review",
        "picture": f"{studio}/findings/{finding}/picture",
        "playback": f"/api/v1/entries/{entry.id}/playback",
        "transcript": f"/entries/{entry.id}/transcript",
        "caption file": f"/studio/entries/{entry.id}/captions/en.vtt",
        "caption editor": f"/studio/entries/{entry.id}/captions/en",
        "posters": f"/studio/entries/{entry.id}/poster",
    }


def opened(site: Site, visitor: Visitor, entry: Entry, finding: int) -> set[str]:
    """What of it this person gets to see."""
    found = {name for name, path in surfaces(entry, finding).items() if visitor.get(path).status_code == 200}
    for path in ("/studio", f"/studio/entries/{entry.id}", f"/entries/{entry.id}", "/search", "/api/v1/entries"):
        text = visitor.get(path).text
        assert "Mrs Zhang" not in text or "transcript" in found, path
        if "/media/" in text:
            found.add("address")
    return found


def media_of(site: Site, person: User, entry: Entry) -> set[int]:
    """How every object of its package answers to an address that was made for this person."""
    with site.database.reading() as session:
        package = str(session.get_one(Recording, entry.recording_id).package_id)
    token, _ = site.app.extensions["videolib"].links.make(person.id, entry.id, package)
    paths = [path for path in PACKAGE if path != "package.json"]
    return {site.anonymous().get(f"/media/{token}/{path}").status_code for path in [*paths, "captions/en.vtt"]}


def test_no_role_opens_it_administrators_neither(site: Site) -> None:
    add_hospitals(site.database)
    entry, finding = add_held(site, by=site.add_person("editor", email="uploader@hospital.example"))
    theirs = site.add_person("admin", email="theirs@hospital.example")
    grant(site.database, theirs, "reviewer", THEIRS)
    grant(site.database, theirs, "privacy_officer", OURS)

    for role, email in (*((role, None) for role in ("trainee", "instructor", "editor", "admin")), ("admin", theirs)):
        address = email.email if email else None
        visitor = site.visitor(role, email=address)
        assert opened(site, visitor, entry, finding) == set(), role
        assert media_of(site, site.add_person(role, email=address), entry) == {404}, role
        assert "张三" not in visitor.get("/studio").text


def test_its_uploader_an_assigned_editor_and_a_reviewer_of_its_hospital_open_it_and_each_look_is_an_event(
    site: Site,
) -> None:
    add_hospitals(site.database)
    uploader = site.add_person("editor", email="uploader@hospital.example")
    assigned = site.add_person("editor", email="assigned@hospital.example")
    reviewer = site.add_person("instructor", email="reviewer@hospital.example")
    entry, finding = add_held(site, by=uploader)
    let_in(site.database, str(entry.recording_id), assigned)
    grant(site.database, reviewer, "reviewer", OURS)

    everything = {*surfaces(entry, finding), "address"}
    for person in (uploader, assigned):
        assert opened(site, site.visitor("editor", email=person.email), entry, finding) == everything
    # by the grant alone, without the editors' pages
    judge = site.visitor("instructor", email=reviewer.email)
    assert opened(site, judge, entry, finding) == {"desk", "picture", "playback"}
    assert f"/studio/recordings/{entry.recording_id}/review" in judge.get("/studio/reviews").text
    assert "张三" in judge.get("/studio/reviews").text
    for person in (uploader, assigned, reviewer):
        assert media_of(site, person, entry) == {200}

    with site.database.reading() as session:
        looks = select(AuditEvent.actor_id, AuditEvent.object_kind).where(AuditEvent.action == "preview")
        seen = [tuple(row) for row in session.execute(looks)]
    wanted = [(one.id, kind) for one in (uploader, assigned, reviewer) for kind in ("entry", "recording")]
    assert sorted(seen) == sorted(wanted)


def test_whoever_uses_an_address_of_a_preview_is_written_down_though_no_page_was_opened(sqlite_site: Site) -> None:
    uploader = sqlite_site.add_person("editor")
    entry = sqlite_site.add_watchable(state="awaiting_review", by=uploader)

    assert media_of(sqlite_site, uploader, entry) == {200, 404}, "it has no captions"

    with sqlite_site.database.reading() as session:
        looks = select(AuditEvent.actor_id).where(AuditEvent.action == "preview", AuditEvent.object_id == entry.id)
        assert list(session.scalars(looks)) == [uploader.id]


def test_a_reviewer_of_its_hospital_signs_it_off_and_neither_uploader_nor_assigned_editor_nor_administrator(
    site: Site,
) -> None:
    add_hospitals(site.database)
    uploader, assigned = site.add_person("editor"), site.add_person("editor", email="assigned@hospital.example")
    reviewer = site.add_person("trainee", email="reviewer@hospital.example")
    entry, finding = add_held(site, by=uploader)
    let_in(site.database, str(entry.recording_id), assigned)
    for person in (reviewer, uploader):
        grant(site.database, person, "reviewer", OURS)
    with site.database.reading() as session:
        recording = session.get_one(Recording, entry.recording_id)
    for person in (uploader, assigned, reviewer):
        make_reviewed(site.database, recording, by=person)
    path = f"/studio/recordings/{entry.recording_id}/sign-off"

    def sign(person: User, role: str) -> int:
        return site.visitor(role, email=person.email).post(path, checked="yes").status_code

    assert sign(site.add_person("admin"), "admin") == 403
    assert sign(assigned, "editor") == 403
    assert sign(uploader, "editor") == 403
    assert sign(reviewer, "trainee") == 303
    with site.database.reading() as session:
        assert session.get_one(Recording, entry.recording_id).state == "ready"
    # signed off, every editor works with it; what was found in the master stays shut
    other = site.visitor("admin")
    assert other.get(f"/api/v1/entries/{entry.id}/playback").status_code == 200
    assert other.get(surfaces(entry, finding)["picture"]).status_code == 403


def test_only_who_is_in_lets_others_in_and_only_editors(site: Site) -> None:
    add_hospitals(site.database)
    uploader, other = site.add_person("editor"), site.add_person("editor", email="other@hospital.example")
    admin, trainee = site.add_person("admin"), site.add_person("trainee")
    entry, _ = add_held(site, by=uploader)
    desk = f"/studio/recordings/{entry.recording_id}"

    assert site.visitor("admin").post(f"{desk}/editors", who=admin.email).status_code == 403
    mine = site.visitor("editor")
    assert mine.post(f"{desk}/editors", who=trainee.email).status_code == 422
    mine.post(f"{desk}/editors", who="nobody@hospital.example")
    assert mine.post(f"{desk}/editors", who=other.email).status_code == 303
    assert "other" in mine.get(f"{desk}/review").text
    let_in_now = site.visitor("editor", email=other.email)
    assert let_in_now.get(f"{desk}/review").status_code == 200
    # who was let in does not move it to where he is reviewer
    assert let_in_now.post(f"{desk}/hospital", hospital=THEIRS).status_code == 403
    mine.post(f"{desk}/editors/{other.id}/end")
    assert let_in_now.get(f"{desk}/review").status_code == 403
    with site.database.reading() as session:
        changes = select(AuditEvent.detail).where(
            AuditEvent.action == "permission", AuditEvent.object_id == entry.recording_id
        )
        assert list(session.scalars(changes)) == [{"assigned": other.id}, {"released": other.id}]


def test_who_lost_the_role_or_the_account_opens_nothing(database: Database) -> None:
    person, recording = add_person(database), add_recording(database, state="awaiting_review")
    let_in(database, recording.id, person)

    with database.writing() as session:
        row, who = session.get_one(Recording, recording.id), session.get_one(User, person.id)
        assert can(who, "open", row)
        who.active = False
        assert not can(who, "open", row)
        who.active, who.roles = True, []
        assert not can(who, "open", row)
        with pytest.raises(InvalidInput):
            quarantine.assign_editor(session, row, who, by=None)


def test_what_arrives_belongs_to_its_uploaders_hospital(database: Database) -> None:
    add_hospitals(database)
    one, both, none = (add_person(database, email=f"{name}@hospital.example") for name in ("one", "both", "none"))
    with database.writing() as session:
        for person, hospitals in ((one, [OURS]), (both, [OURS, THEIRS])):
            for hospital in hospitals:
                groups.join_group(session, hospital, session.get_one(User, person.id), by=None)

    with database.writing() as session:
        found = [
            confirm_new(session, Original("a.mp4", f"k{number}", 9, f"{number:064d}"), by=by, publish=False)
            for number, by in enumerate([*(session.get_one(User, who.id) for who in (one, both, none)), None])
        ]
        found_in: list[str | None] = [session.get_one(Recording, intake.recording_id).hospital_id for intake in found]
        session.delete(session.get_one(groups.Group, THEIRS))
        session.flush()
        only = groups.find_home_hospital(session, None)

    assert found_in == [OURS, None, None, None]
    assert only == OURS


def test_the_same_bytes_tell_nothing_of_another_hospitals_recording(site: Site) -> None:
    add_hospitals(site.database)
    uploader, stranger = site.add_person("editor"), site.add_person("editor", email="stranger@hospital.example")
    colleague = site.add_person("editor", email="colleague@hospital.example")
    entry, _ = add_held(site, by=uploader)
    with site.database.writing() as session:
        for person, hospital in ((colleague, OURS), (stranger, THEIRS)):
            groups.join_group(session, hospital, session.get_one(User, person.id), by=None)
        sha256 = session.get_one(Recording, entry.recording_id).sha256
    same = Original("b.mp4", "k2", 9, sha256)

    with site.database.writing() as session:
        known = confirm_known(session, same, by=session.get_one(User, colleague.id), publish=False)
        assert known.duplicate_of == entry.recording_id
    with pytest.raises(NotAllowed) as refusal, site.database.writing() as session:
        confirm_known(session, same, by=session.get_one(User, stranger.id), publish=False)
    assert refusal.value.code == "not_taken"
    assert str(entry.recording_id) not in refusal.value.message


def test_a_case_of_another_hospital_moves_no_recording_to_its_reviewers(database: Database) -> None:
    add_hospitals(database)
    numbers, recording = CaseNumbers(load_settings()), add_recording(database, state="awaiting_review")
    thief = add_person(database, "editor")
    grant(database, thief, "reviewer", THEIRS)
    with database.writing() as session:
        row, who = session.get_one(Recording, recording.id), session.get_one(User, thief.id)
        assign_case(session, numbers, row, THEIRS, "1", by=who)
        assert not can(who, "open", row), "of no hospital yet: naming a case does not say of which"
        quarantine.set_hospital(session, row, OURS, by=None)
        with pytest.raises(NotAllowed):
            assign_case(session, numbers, row, THEIRS, "1", by=who)
        assert not can(who, "open", row)


def test_what_nobody_has_signed_off_is_carried_to_no_other_library(sqlite_site: Site, tmp_path: Path) -> None:
    entry = sqlite_site.add_watchable(state="awaiting_review")

    with pytest.raises(Conflict) as refusal, sqlite_site.database.reading() as session:
        write_entry(session, sqlite_site.store, session.get_one(Entry, entry.id), tmp_path / "carried.zip")

    assert refusal.value.code == "not_signed_off"
    assert not (tmp_path / "carried.zip").exists()


def test_where_there_are_hospitals_nothing_is_signed_off_before_it_is_said_of_which_it_is(database: Database) -> None:
    second, recording = add_person(database), add_recording(database, state="awaiting_review")
    let_in(database, recording.id, second)
    with database.reading() as session:
        row, who = session.get_one(Recording, recording.id), session.get_one(User, second.id)
        assert can(who, "sign_off", row)

    add_hospitals(database)

    with database.reading() as session:
        row, who = session.get_one(Recording, recording.id), session.get_one(User, second.id)
        assert can(who, "open", row)
        assert not can(who, "sign_off", row)


def test_generated_recordings_show_no_patient_and_are_open_to_editors(database: Database) -> None:
    recording, editor = add_recording(database, state="awaiting_review"), add_person(database)
    add_entry(database, recording)

    with database.writing() as session:
        row = session.get_one(Recording, recording.id)
        row.is_generated = True

        assert can(session.get_one(User, editor.id), "open", row)
