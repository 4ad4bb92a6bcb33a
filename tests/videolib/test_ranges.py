"""Entries of ranges: only these are served, everything keeps its material, and they live and fall with recordings."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from ingest.erasing import erase
from ingest.garbage import collect_garbage
from ingest.workshop import Workshop, attach
from tests.libraries import let_in, make_reviewed
from tests.visitors import Site, media_path, store_package
from videolib.catalogue import groups, publishing, redactions
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import add_annotations, list_annotations
from videolib.catalogue.captions import add_captions, cues_of, find_track
from videolib.catalogue.cases import Case, CaseNumbers, assign_case
from videolib.catalogue.consent_ends import withdraw_consent
from videolib.catalogue.consents import add_consent
from videolib.catalogue.entries import Entry
from videolib.catalogue.gate import assess_entry
from videolib.catalogue.jobs import Job
from videolib.catalogue.media_time import TICKS_PER_S
from videolib.catalogue.people import User
from videolib.catalogue.placing import find_left
from videolib.catalogue.ranges import Axis, Range, add_entry, check_ranges, rendered_with, set_ranges
from videolib.catalogue.recordings import Recording, begin_work
from videolib.errors import Conflict, InvalidInput, Unavailable
from videolib.storage import open_store


def axis(*ranges: tuple[str | None, float, float]) -> Axis:
    return Axis(
        tuple(Range(str(name), round(start * TICKS_PER_S), round(end * TICKS_PER_S)) for name, start, end in ranges)
    )


def choose(site: Site, entry: Entry, *ranges: tuple[str | None, float, float]) -> str:
    """An editor chooses these ranges; gives the montage that waits to be rendered."""
    editor = site.add_person("editor")
    with site.database.writing() as session:
        by = session.get_one(User, editor.id)
        checked = check_ranges(session, axis(*ranges).ranges, by=by)
        found = set_ranges(session, session.get_one(Entry, entry.id), checked, by=by)
        assert found is not None
        return found.id


def rendered(site: Site, montage_id: str) -> None:
    """A worker has rendered the montage."""
    with site.database.writing() as session:
        montage = session.get_one(Recording, montage_id)
        begin_work(session, montage)
        package = store_package(site, session, montage.id, redactions=rendered_with(session, montage), length_s=2.0)
        answer: dict[str, Any] = {"source": {"duration_s": 2.0}, "timing": {}, "warnings": []}
        session.execute(update(Job).where(Job.recording_id == montage.id).values(state="done"))
        attach(session, package, answer, site.settings)


def cut(site: Site, *ranges: tuple[float, float]) -> Entry:
    """A published entry of which ranges are shown by now."""
    entry = site.add_published()
    rendered(site, choose(site, entry, *((entry.recording_id, start, end) for start, end in ranges)))
    return now(site, entry)


def now(site: Site, entry: Entry) -> Entry:
    with site.database.reading() as session:
        row = session.get_one(Entry, entry.id)
        assert row.recording is None or row.recording.sources
        return row


def test_viewers_keep_the_old_package_until_the_ranges_are_rendered_and_then_have_only_these(site: Site) -> None:
    entry, trainee = site.add_published(), site.visitor("trainee")
    address = f"/api/v1/entries/{entry.id}/playback"
    before = trainee.get(address).json
    assert before is not None

    montage_id = choose(site, entry, (entry.recording_id, 1.0, 2.0), (entry.recording_id, 3.0, 4.0))
    assert trainee.get(media_path(before)).status_code == 200
    assert now(site, entry).package_id == entry.package_id
    rendered(site, montage_id)

    shown = now(site, entry)
    assert (shown.status, shown.version, shown.recording_id) == ("published", 2, montage_id)
    assert shown.package_id not in {None, entry.package_id}
    assert trainee.get(media_path(before)).status_code in {404, 410}, "the whole recording has no address any more"
    after = trainee.get(address).json
    assert after is not None
    assert trainee.get(media_path(after)).status_code == 200
    for person in ("editor", "admin"):
        playback = site.visitor(person).get(address).json
        assert playback is not None
        assert playback["duration_s"] == 2.0


def test_a_recording_is_used_by_several_entries_and_only_when_it_is_signed_off(site: Site) -> None:
    entry, waiting = site.add_published(), site.add_watchable(state="awaiting_review")
    editor = site.add_person("editor")

    for name, start, end in ((waiting.recording_id, 0, 1), ("nothing", 0, 1), (entry.recording_id, 2, 2)):
        with site.database.writing() as session, pytest.raises(InvalidInput):
            check_ranges(session, axis((name, start, end)).ranges, by=session.get_one(User, editor.id))
    with site.database.writing() as session:
        by, row = session.get_one(User, editor.id), session.get_one(Entry, entry.id)
        made = [add_entry(session, row, axis((entry.recording_id, start, start + 1)), by=by) for start in (0, 2)]
        montages = [one.recording_id for one in made]
    for montage_id in montages:
        rendered(site, str(montage_id))
    with site.database.writing() as session:
        for one in made:
            row = session.get_one(Entry, one.id)
            missing = assess_entry(session, row).missing
            assert "recording" not in missing


def test_a_draft_is_not_published_whole_while_its_ranges_are_rendered(site: Site) -> None:
    draft = site.add_watchable()
    montage_id = choose(site, draft, (draft.recording_id, 1.0, 2.0))

    with site.database.writing() as session, pytest.raises(InvalidInput):
        publishing.publish_entry(session, session.get_one(Entry, draft.id), by=None)
    rendered(site, montage_id)
    with site.database.writing() as session:
        published = publishing.publish_entry(session, session.get_one(Entry, draft.id), by=None)
        assert published.package_id == session.get_one(Recording, montage_id).package_id
        whole = session.scalars(select(Entry).where(Entry.recording_id == draft.recording_id)).one()
        assert (whole.status, whole.title["en"].endswith("(whole recording)")) == ("draft", True)


def test_what_is_written_moves_with_its_material_and_waits_where_it_is_left_out(site: Site) -> None:
    entry = site.add_watchable()
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        notes = [(0.5, 0.8, "early"), (2.5, 3.5, "late")]
        values = [
            AnnotationValues("note", round(start * TICKS_PER_S), round(end * TICKS_PER_S), note={"en": text})
            for start, end, text in notes
        ]
        add_annotations(session, row, values, by=None)
        add_captions(
            session, row, "en", "WEBVTT\n\n00:00.200 --> 00:00.900\nOne.\n\n00:02.200 --> 00:02.900\nTwo.\n", by=None
        )

    def written() -> tuple[list[tuple[float, float, str]], list[tuple[float, str]]]:
        with site.database.reading() as session:
            rows = list_annotations(session, entry.id)
            track = find_track(session, entry.id, "en")
            cues = [(round(cue.start_s, 3), cue.text) for cue in cues_of(track)] if track else []
            return [(round(one.start_s, 3), round(one.end_s, 3), one.note["en"]) for one in rows], cues

    with site.database.reading() as session:
        left = find_left(session, session.get_one(Entry, entry.id), axis((entry.recording_id, 2.0, 3.0)))
        assert [(one.kind, one.is_shortened) for one in left] == [("cue", False), ("note", False), ("note", True)]
    rendered(site, choose(site, entry, (entry.recording_id, 2.0, 4.0)))
    assert written() == ([(0.5, 1.5, "late")], [(0.2, "Two.")])

    rendered(site, choose(site, entry, (entry.recording_id, 2.0, 4.0), (entry.recording_id, 0.0, 1.0)))
    assert written() == ([(0.5, 1.5, "late"), (2.5, 2.8, "early")], [(0.2, "Two."), (2.2, "One.")])
    assert now(site, entry).unplaced == []


def test_ranges_are_chosen_by_a_plain_form_which_first_says_what_they_leave_out(sqlite_site: Site) -> None:
    entry, editor = sqlite_site.add_watchable(), sqlite_site.visitor("editor")
    with sqlite_site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        add_captions(session, row, "en", "WEBVTT\n\n00:00.200 --> 00:00.900\nOne.\n", by=None)
    address = f"/studio/entries/{entry.id}/ranges"
    rows = {"recording-0": entry.recording_id, "start-0": "0:03", "end-0": "0:04", "place-0": "2"}
    rows |= {"recording-1": entry.recording_id, "start-1": "0:01", "end-1": "0:02", "place-1": "1", "start-2": ""}

    refused = editor.post(address, **{**rows, "end-1": "soon"})
    asked = editor.post(address, **rows)

    assert (refused.status_code, asked.status_code) == (422, 200)
    assert 'id="end-0-error"' in refused.text, "the rows stand in the order of their places"
    assert "One." in asked.text
    assert now(sqlite_site, entry).next_recording_id is None
    agreed = asked.text.partition('name="agreed" value="')[2].partition('"')[0]
    assert editor.post(address, **rows, agreed=agreed).status_code == 303
    with sqlite_site.database.reading() as session:
        montage = session.get_one(Recording, now(sqlite_site, entry).next_recording_id)
        assert [one.start_ticks // TICKS_PER_S for one in montage.ranges] == [1, 3]
    rendered(sqlite_site, montage.id)
    assert 'value="0:01"' in editor.get(address).text
    made = editor.post(address, **rows, deed="new")
    assert made.status_code == 303
    assert made.headers["Location"] != address


def test_a_report_about_a_range_hides_every_entry_of_its_recording_and_a_mask_is_rendered_into_it(site: Site) -> None:
    entry, other = cut(site, (1.0, 2.0), (3.0, 4.0)), site.add_published()
    with site.database.reading() as session:
        source = session.get_one(Recording, entry.recording_id).sources[0].id
    second_entry = site.add_published()
    rendered(site, choose(site, second_entry, (second_entry.recording_id, 0.0, 1.0), (source, 0.0, 1.0)))
    trainee = site.visitor("trainee")

    answer = trainee.post(f"/entries/{entry.id}/reports", kind="privacy", at="0:01")

    assert answer.status_code == 303
    assert [now(site, one).status for one in (entry, second_entry, other)] == ["withdrawn", "withdrawn", "published"]
    editor = site.visitor("editor", email="nobody-let-in@hospital.example")
    for one in (entry, second_entry):
        assert trainee.get(f"/entries/{one.id}").status_code == 404
        assert editor.get(f"/api/v1/entries/{one.id}/playback").status_code == 404, "quarantined as its recording is"
        with site.database.writing() as session:
            assert "recording" in assess_entry(session, session.get_one(Entry, one.id)).missing
    second = site.add_person("editor", email="second@hospital.example")
    let_in(site.database, source, second)
    with site.database.writing() as session:
        by, recording = session.get_one(User, second.id), session.get_one(Recording, source)
        assert recording.state == "awaiting_review"
        given = {"kind": "cut", "start_s": 0.0, "end_s": 4.0, "keys": []}
        redactions.add_redaction(session, recording, given, by=by)
        package = store_package(site, session, source, redactions=redactions.stored_redactions(session, source))
    make_reviewed(site.database, recording, by=second)
    with site.database.writing() as session:
        row = session.get_one(Recording, source)
        row.package_id = package.id
        publishing.sign_off(session, row, by=session.get_one(User, second.id))
        montages = [session.get_one(Entry, one.id).recording_id for one in (entry, second_entry)]
        assert {session.get_one(Recording, name).state for name in montages} == {"queued"}, "the cut is rendered first"
    assert now(site, entry).status == "withdrawn"
    for montage_id in montages:
        rendered(site, str(montage_id))
    assert [now(site, one).status for one in (entry, second_entry)] == ["published", "published"]


def test_a_montage_waits_while_a_recording_of_it_is_not_signed_off(site: Site) -> None:
    entry = site.add_published()
    montage_id = choose(site, entry, (entry.recording_id, 1.0, 2.0))
    site.visitor("trainee").post(f"/entries/{entry.id}/reports", kind="privacy", at="0:01")

    with pytest.raises(Unavailable, match="signed off"):
        rendered(site, montage_id)

    assert now(site, entry).recording_id == entry.recording_id


def test_every_patient_whose_material_is_shown_has_to_agree(site: Site) -> None:
    entry, other = site.add_published(), site.add_published()
    cases, consents = [], []
    with site.database.writing() as session:
        groups.add_group(session, "first", "hospital", {"zh": "第一医院", "en": "First hospital"}, by=None)
        for number, one in enumerate((entry, other)):
            recording = session.get_one(Recording, one.recording_id)
            case = assign_case(session, CaseNumbers(site.settings), recording, "first", f"ZY-{number}", by=None)
            cases.append(case.id)
            if one is entry:
                given = {"scope": "institution", "obtained_on": "2024-01-01"}
                consents.append(add_consent(session, case, given, by=None).id)
    wanted = ((entry.recording_id, 0.0, 1.0), (other.recording_id, 0.0, 1.0))
    rendered(site, choose(site, entry, *wanted))
    assert now(site, entry).recording_id == entry.recording_id, "viewers keep the old one: one patient did not agree"
    with site.database.writing() as session:
        case = session.get_one(Case, cases[1])
        consents.append(add_consent(session, case, {"scope": "institution", "obtained_on": "2024-01-01"}, by=None).id)
        assert publishing.take_up_next(session, session.get_one(Entry, entry.id), by=None) == {}
    assert now(site, entry).status == "published"
    assert now(site, entry).recording_id != entry.recording_id

    with site.database.writing() as session:
        gone = withdraw_consent(session, session.get_one(Case, cases[1]), consents[1], by=None)

    assert sorted(gone) == sorted([entry.id, other.id])
    assert site.visitor("trainee").get(f"/api/v1/entries/{entry.id}/playback").status_code == 404
    with site.database.reading() as session:
        assert "consent" in assess_entry(session, session.get_one(Entry, entry.id)).missing


def test_erasing_a_recording_takes_every_entry_and_package_of_its_ranges_along(site: Site) -> None:
    originals = open_store(site.settings.originals_url)
    originals.prepare(None)
    workshop = Workshop(site.settings, site.database, site.store, originals)
    entry, other = cut(site, (1.0, 2.0)), site.add_published()
    with site.database.reading() as session:
        source = session.get_one(Recording, entry.recording_id).sources[0].id
    mixed = site.add_published()
    rendered(site, choose(site, mixed, (mixed.recording_id, 0.0, 1.0), (source, 0.0, 1.0)))
    mixed = now(site, mixed)
    waiting = choose(site, other, (source, 0.0, 1.0))
    with pytest.raises(Conflict, match="several recordings"):
        erase(workshop, mixed.id)

    erase(workshop, source)

    with site.database.reading() as session:
        for gone in (entry, mixed):
            row = session.get_one(Entry, gone.id)
            assert (row.status, row.title, row.recording_id, row.package_id) == ("archived", {}, None, None)
            assert list(site.store.list(f"packages/{gone.package_id}/")) == []
        assert session.get(Recording, waiting) is None
        left = session.get_one(Entry, other.id)
        assert (left.status, left.next_recording_id) == ("published", None)
    assert list(site.store.list(f"packages/{other.package_id}/"))


def test_ranges_that_nobody_shows_are_swept_and_those_in_use_stay(site: Site) -> None:
    originals = open_store(site.settings.originals_url)
    originals.prepare(None)
    workshop = Workshop(site.settings, site.database, site.store, originals)
    draft = site.add_watchable()
    first = choose(site, draft, (draft.recording_id, 0.0, 1.0))
    rendered(site, first)
    second = choose(site, draft, (draft.recording_id, 1.0, 2.0))
    rendered(site, second)

    found = [one.subject for one in collect_garbage(workshop, grace_s=0.0) if one.kind == "unused_montage"]

    assert found == [first]
    with site.database.reading() as session:
        assert session.get(Recording, first) is None
        assert session.get_one(Recording, second).package_id is not None
    assert list(site.store.list(f"packages/{now(site, draft).recording.package_id}/"))  # type: ignore[union-attr]
