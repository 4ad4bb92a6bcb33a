"""Going back to a version brings back all that it said: words, annotations, captions."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import null, update

from tests.narrations import SOUND, add_made_narration
from tests.visitors import Site
from videolib.catalogue import captions, publishing, term_changes
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import (
    add_annotation,
    add_annotations,
    change_annotation,
    delete_annotation,
    list_annotations,
)
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.media_time import exact_clock, to_ticks
from videolib.catalogue.packages import Package
from videolib.catalogue.people import User
from videolib.catalogue.second_sources import set_second
from videolib.catalogue.versions import EntryVersion, diff, get_version, list_versions
from videolib.catalogue.vocabulary import Term
from videolib.errors import InvalidInput

VTT = "WEBVTT\n\n00:00.500 --> 00:02.000\n{}\n"
PHASES = (("ph.access", 0.0, 1.0), ("ph.therapy", 1.0, 2.5))


def phases(*wanted: tuple[str, float, float]) -> list[AnnotationValues]:
    return [AnnotationValues("phase", to_ticks(start), to_ticks(end), term_id=term) for term, start, end in wanted]


def told(site: Site, entry: Entry) -> tuple[Any, Any, dict[str, str]]:
    """What the entry says now: its phases with ids, its captions, its summary."""
    with site.database.reading() as session:
        return (
            [(row.id, row.term_id, row.start_s, row.end_s) for row in list_annotations(session, entry.id)],
            captions.snapshot(session, entry.id),
            session.get_one(Entry, entry.id).summary,
        )


def add_two_versions(site: Site) -> Entry:
    """Version 1 with two phases and Chinese captions; version 2 with others, and English ones."""
    entry = site.add_watchable(summary={"en": "First."})
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        add_annotations(session, row, phases(*PHASES), by=None)
        captions.add_captions(session, row, "zh-Hans", VTT.format("第一句"), by=None)
        publishing.publish_entry(session, row, by=None)
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        access, therapy = list_annotations(session, entry.id)
        delete_annotation(session, row, access.id, revision=None, by=None)
        (later,) = phases(("ph.therapy", 2.0, 3.0))
        change_annotation(session, row, therapy.id, later, revision=None, by=None)
        add_annotations(session, row, phases(("ph.closure", 3.0, 4.0)), by=None)
        captions.add_captions(session, row, "zh-Hans", VTT.format("另一句"), by=None)
        captions.add_captions(session, row, "en", VTT.format("A sentence."), by=None)
        publishing.change_entry(session, row, parse_values({"summary": {"en": "Second."}}), revision=None, by=None)
    return entry


def go_back(site: Site, entry: Entry, number: int = 1) -> None:
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        publishing.roll_back(session, row, number, reason="It was right.", by=None)


def test_annotations_and_captions_come_back_with_the_words(site: Site) -> None:
    entry = add_two_versions(site)
    second = told(site, entry)

    go_back(site, entry)

    (first_phases, tracks, summary) = told(site, entry)
    assert [item[1:] for item in first_phases] == list(PHASES)
    assert [cue["text"] for cue in tracks["zh-Hans"]["cues"]] == ["第一句"]
    assert set(tracks) == {"zh-Hans"}
    assert summary == {"en": "First."}
    go_back(site, entry, 2)
    assert told(site, entry) == second
    with site.database.reading() as session:
        assert [row.number for row in list_versions(session, entry.id)] == [4, 3, 2, 1]


def test_an_annotation_that_comes_back_is_the_same_and_newer_than_what_anybody_holds(site: Site) -> None:
    entry = add_two_versions(site)
    with site.database.reading() as session:
        kept = {str(item["id"]) for item in get_version(session, entry.id, 1).annotations}
        held = {row.id: row.revision for row in list_annotations(session, entry.id)}

    go_back(site, entry)

    with site.database.reading() as session:
        rows = {row.id: row.revision for row in list_annotations(session, entry.id)}
    assert set(rows) == kept
    assert all(rows[name] > held[name] for name in set(rows) & set(held))


def test_a_second_reading_and_what_says_the_same_stay_untouched(sqlite_site: Site) -> None:
    entry = add_two_versions(sqlite_site)
    with sqlite_site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        second = AnnotationValues("phase", 0, to_ticks(4), term_id="ph.access", layer="second")
        add_annotation(session, row, second, by=None)

    go_back(sqlite_site, entry, 2)

    with sqlite_site.database.reading() as session:
        assert len(list_annotations(session, entry.id, layer="second")) == 1
        assert [row.revision for row in list_annotations(session, entry.id)] == [2, 1]


def test_a_difference_names_what_changed_in_time_and_in_captions(sqlite_site: Site) -> None:
    entry = add_two_versions(sqlite_site)

    with sqlite_site.database.reading() as session:
        changes = diff(get_version(session, entry.id, 1), get_version(session, entry.id, 2))

    found = {change.path: change for change in changes}
    assert set(found) == {"summary.en", "segments", "captions.zh-Hans", "captions.en"}
    assert [item["term_id"] for item in found["segments"].after] == ["ph.therapy", "ph.closure"]
    page = sqlite_site.visitor("editor").get(f"/entries/{entry.id}/versions/2?against=1").text
    assert f"{exact_clock(to_ticks(3))}–{exact_clock(to_ticks(4))}" in page
    assert "start_ticks" not in page
    assert "另一句" in page


def test_a_version_says_which_second_recording_and_which_narrations_it_carried(sqlite_site: Site) -> None:
    site, entry, room = sqlite_site, sqlite_site.add_published(), sqlite_site.add_watchable()
    editor, listener, reader = site.add_person("editor"), site.visitor("admin"), site.visitor("trainee")
    narration_id = add_made_narration(site, entry.id, by=editor)
    with site.database.writing() as session:
        row, by = session.get_one(Entry, entry.id), session.get_one(User, editor.id)
        set_second(session, row, str(room.recording_id), 1.48, by=by)
        publishing.publish_entry(session, row, reason="Nobody has heard the narration yet.", by=None)
    assert listener.post(f"/studio/entries/{entry.id}/narrations/{narration_id}/accept").status_code == 303
    with site.database.writing() as session:
        publishing.publish_entry(session, session.get_one(Entry, entry.id), reason="Somebody has.", by=None)

    api, page = f"/api/v1/entries/{entry.id}/versions", f"/entries/{entry.id}/versions"

    told = reader.get(f"{api}/3?against=1").json or {}

    second = {"recording_id": room.recording_id, "offset_s": 1.48}
    spoken = {"duration_s": 4.0, "bytes": len(SOUND), "sha256": "0" * 64}
    assert told["beside"] == {"second": second, "narrations.en": spoken}
    changes = {item["path"]: (item["before"], item["after"]) for item in told["changes"]}
    assert changes == {"second": (None, second), "narrations.en": (None, spoken)}
    assert (reader.get(f"{api}/2").json or {})["beside"] == {"second": second}
    compared, whole = (reader.get(f"{page}/3{rest}").text for rest in ("?against=2", ""))
    assert f"0:04 · SHA-256 {'0' * 64}" in compared
    assert ("+1.480" in compared, "+1.480" in whole) == (False, True), "that did not change"

    with site.database.writing() as session:  # as a release kept it that knew of neither
        session.execute(update(EntryVersion).where(EntryVersion.number == 1).values(beside=null()))
    assert (reader.get(f"{api}/3?against=1").json or {})["changes"] == []
    go_back(site, entry)
    assert (reader.get(f"{api}/4").json or {})["beside"] == told["beside"]


def test_a_version_of_before_leaves_captions_and_unkept_annotations_as_they_are(site: Site) -> None:
    entry = add_two_versions(site)
    with site.database.writing() as session:
        session.execute(update(EntryVersion).values(captions=None))
        session.execute(update(EntryVersion).where(EntryVersion.number == 1).values(annotations=[], digest=""))
    before = told(site, entry)

    go_back(site, entry)

    assert told(site, entry) == (before[0], before[1], {"en": "First."})


def test_annotations_kept_without_ids_by_an_earlier_release_are_found_by_what_they_say(site: Site) -> None:
    entry = add_two_versions(site)
    names = ("kind", "start_ticks", "end_ticks", "term_id")
    with site.database.writing() as session:
        version = get_version(session, entry.id, 1)
        bare = [{name: item[name] for name in names} for item in version.annotations]
        session.execute(update(EntryVersion).where(EntryVersion.number == 1).values(annotations=bare))

    go_back(site, entry)

    assert [item[1:] for item in told(site, entry)[0]] == list(PHASES)


def test_terms_retired_since_come_back_and_merged_ones_are_the_other(site: Site) -> None:
    admin = site.add_person("admin")
    entry = site.add_published(devices=["dev.microcatheter"], anatomy=["anat.liver"])
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        publishing.change_entry(session, row, parse_values({"devices": [], "anatomy": []}), revision=None, by=None)
        term_changes.retire_term(session, session.get_one(Term, "dev.microcatheter"), by=admin)
        liver, into = session.get_one(Term, "anat.liver"), session.get_one(Term, "anat.kidney")
        term_changes.merge_terms(session, liver, into, by=admin)

    go_back(site, entry)

    with site.database.reading() as session:
        row = session.get_one(Entry, entry.id)
        assert [term.id for term in row.terms_of("devices")] == ["dev.microcatheter"]
        assert [term.id for term in row.terms_of("anatomy")] == ["anat.kidney"]


def test_what_no_longer_fits_the_recording_is_refused_and_nothing_changes(site: Site) -> None:
    entry = add_two_versions(site)
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        for found in list_annotations(session, entry.id):
            delete_annotation(session, row, found.id, revision=None, by=None)
        session.execute(update(Package).values(duration_s=1.0))
    before = told(site, entry)

    with pytest.raises(InvalidInput) as caught:
        go_back(site, entry)

    assert caught.value.code == "too_late"
    assert told(site, entry) == before
