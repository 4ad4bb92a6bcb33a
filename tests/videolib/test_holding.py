"""A report of something private hides the recording from everybody at once; a second person brings it back."""

from __future__ import annotations

from tests.libraries import let_in, make_reviewed
from tests.visitors import Site, Visitor
from videolib.catalogue import desk, holding, publishing, screenings, watch_records
from videolib.catalogue.audit import list_events
from videolib.catalogue.entries import Entry, count_write
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.watch_time import Played


def watch(site: Site, entry: Entry, person: User, start_ms: int, end_ms: int) -> None:
    with site.database.writing() as session:
        viewing = watch_records.open_viewing(session, session.get_one(Entry, entry.id), by=person)
        report = watch_records.Report(1, (Played(start_ms, end_ms, 1.0),), end_ms)
        watch_records.take_report(session, viewing.id, report, by=person)


def report(visitor: Visitor, entry: Entry, at: str = "0:02") -> None:
    answer = visitor.post(f"/entries/{entry.id}/reports", kind="privacy", at=at)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/me")


def sign(site: Site, entry: Entry) -> None:
    """A second person decides all that is open, watches, and signs."""
    second = site.add_person("editor", email="second@hospital.example")
    with site.database.reading() as session:
        recording = session.get_one(Recording, entry.recording_id)
    let_in(site.database, recording.id, second)
    make_reviewed(site.database, recording, by=second)
    with site.database.writing() as session:
        publishing.sign_off(session, session.get_one(Recording, recording.id), by=second)


def now(site: Site, entry: Entry) -> tuple[str, int, str]:
    with site.database.reading() as session:
        row = session.get_one(Entry, entry.id)
        assert row.recording is not None
        return row.status, row.version, row.recording.state


def test_a_report_hides_everything_at_once_and_says_who_has_watched(site: Site) -> None:
    entry = site.add_published()
    recording_id = str(entry.recording_id)
    trainee, other = site.visitor("trainee"), site.add_person("trainee", email="other@hospital.example")
    watch(site, entry, other, 0, 1000)
    assert trainee.get(f"/api/v1/entries/{entry.id}/playback").status_code == 200

    report(trainee, entry)

    assert now(site, entry) == ("withdrawn", 1, "awaiting_review")
    for address in (f"/entries/{entry.id}", f"/api/v1/entries/{entry.id}/playback"):
        assert trainee.get(address).status_code == 404
    editor = site.visitor("editor")
    let_in(site.database, recording_id, site.add_person("editor"))
    assert f"/studio/recordings/{recording_id}/review?t=2" in editor.get("/studio/reports").text
    shown = editor.get(f"/studio/recordings/{recording_id}/review").text
    assert "other" in shown.partition('id="desk-watchers"')[2].partition("</section>")[0]
    with site.database.reading() as session:
        (found,) = screenings.list_findings(session, screenings.find_screening(session, recording_id).id)  # type: ignore[union-attr]
        assert (found.rule, found.start_s, found.end_s, found.decision) == ("report", 0.0, 7.0, "open")
        (event,) = [one for one in list_events(session, object_id=recording_id) if one.action == "hold"]
        assert event.detail["seen_by"] == [other.id], "around the second that was named"
        assert "findings" in desk.progress_of(session, session.get_one(Recording, recording_id), by=None).missing


def test_what_was_hidden_returns_as_it_was_when_somebody_else_has_signed(site: Site) -> None:
    entry, trainee = site.add_published(), site.visitor("trainee")
    report(trainee, entry)

    sign(site, entry)

    assert now(site, entry) == ("published", 1, "ready")
    assert trainee.get(f"/entries/{entry.id}").status_code == 200
    report(trainee, entry)
    assert now(site, entry)[0] == "withdrawn", "a second time too"


def test_what_was_changed_meanwhile_is_published_by_an_editor(site: Site) -> None:
    entry = site.add_published()
    report(site.visitor("trainee"), entry)
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        count_write(session, row)

    sign(site, entry)

    assert now(site, entry) == ("withdrawn", 1, "ready")


def test_what_lost_its_consent_meanwhile_does_not_return(sqlite_site: Site) -> None:
    entry = sqlite_site.add_published()
    report(sqlite_site.visitor("trainee"), entry)
    with sqlite_site.database.writing() as session:
        session.get_one(Entry, entry.id).content_type = None  # the gate asks again, whatever it is that lacks

    sign(sqlite_site, entry)

    assert now(sqlite_site, entry)[0] == "withdrawn"


def test_an_accepted_report_needs_something_that_is_taken_out_there(sqlite_site: Site) -> None:
    entry, editor = sqlite_site.add_published(), sqlite_site.visitor("editor")
    report(sqlite_site.visitor("trainee"), entry)
    page = f"/studio/recordings/{entry.recording_id}"
    let_in(sqlite_site.database, str(entry.recording_id), sqlite_site.add_person("editor"))

    editor.post(f"{page}/findings", finding="1", decision="accepted")

    with sqlite_site.database.reading() as session:
        recording = session.get_one(Recording, entry.recording_id)
        assert "masks" not in desk.progress_of(session, recording, by=None).missing
        assert not holding.is_reported(session, recording)
        (event,) = [one for one in list_events(session, object_id=recording.id) if one.action == "redact"]
        assert event.detail["redaction"]["kind"] == "cut", "the whole picture, until somebody draws a mask"
