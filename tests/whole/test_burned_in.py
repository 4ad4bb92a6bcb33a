"""A recording whose pictures name a patient: nobody publishes it unmasked, by page, API or command line.

Then what happens as it should: screening finds the name, a second person covers it, and what is rendered hides it in
every rendition before anybody sees it.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ingest.inspect import inspect
from ingest.intake import Item, take_in
from ingest.redaction import Redaction, read_redactions
from ingest.screening.frames import Shown, Stretch, look_through
from ingest.screening.output import Regions, files_of
from ingest.worker import run_worker
from ingest.workshop import Workshop
from tests.libraries import let_in, make_reviewed
from tests.visitors import Site, make_site
from videolib.catalogue import publishing, redactions, screenings
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.jobs import Job
from videolib.catalogue.packages import Package, list_objects
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import Found
from videolib.db import Database
from videolib.errors import VideolibError
from videolib.storage import open_store

NAME = "us_burnedin_testpatient_8f_uncompressed.dcm"
META = {
    "title": {"zh": "髂动脉支架", "en": "Iliac stenting"},
    "procedures": ["proc.stent_iliac"],
    "content_type": "ct.simulation",
}
PATIENCE_S = 240


def work(workshop: Workshop) -> None:
    """Work until no job is open."""
    end = time.monotonic() + PATIENCE_S

    def is_done() -> bool:
        with workshop.database.reading() as session:
            left = session.query(Job).filter(Job.state.in_(("queued", "running"))).count()
        return left == 0 or time.monotonic() > end

    run_worker(workshop, index=None, stop=is_done)
    assert time.monotonic() < end


@pytest.fixture
def held(sqlite_database: Database, shared: Path) -> tuple[Site, Workshop, str, str]:
    """The recording as the worker leaves it: screened, and waiting for a person."""
    site = make_site(sqlite_database)
    workshop = Workshop(site.settings, sqlite_database, site.store, open_store(site.settings.originals_url))
    uploader = site.add_person("editor", email="uploader@hospital.example")
    item = Item(shared / "testdata" / "dicom" / NAME, parse_values(META))
    taken = take_in(sqlite_database, workshop.originals, item, by=uploader, publish=True)
    work(workshop)
    return site, workshop, taken.recording_id, taken.entry_id


def state_of(site: Site, recording_id: str, entry_id: str) -> tuple[str, str]:
    with site.database.reading() as session:
        return session.get_one(Recording, recording_id).state, session.get_one(Entry, entry_id).status


def test_nobody_publishes_it_unmasked_and_masked_it_hides_the_name(held: tuple[Site, Workshop, str, str]) -> None:
    """Checklist 51: every finding decided, every window watched, and a second person's tick, or it stays a draft."""
    site, workshop, recording_id, entry_id = held
    second = site.add_person("editor", email="second@hospital.example")
    with site.database.reading() as session:
        recording = session.get_one(Recording, recording_id)
        screening = screenings.find_screening(session, recording_id)
        assert screening is not None
        found = screenings.list_findings(session, screening.id)
        assert screening.state == "done"
        session.expunge_all()
    # the name and the number stand in the header, and were searched for
    assert "header" in {one.rule for one in found if one.source == "picture"}
    assert all(one.picture_key and workshop.originals.get_bytes(one.picture_key) for one in found if one.box)
    assert "TEST" not in str([vars(one) for one in found]).upper().replace("TESTPATIENT_8F", "")

    # every role, by page and API; and the operator at the command line, who is nobody (by=None)
    for role in ("trainee", "instructor", "editor", "admin"):
        visitor = site.visitor(role)
        visitor.post(f"/studio/entries/{entry_id}/publish")
        visitor.post(f"/studio/recordings/{recording_id}/sign-off", checked="yes")
        visitor.send("POST", f"/api/v1/entries/{entry_id}/publish", {})
    let_in(site.database, recording_id, second)
    make_reviewed(site.database, recording, by=second)  # all dismissed, all watched: the header still says what it says
    assert (
        site.visitor("editor", email=second.email)
        .post(f"/studio/recordings/{recording_id}/sign-off", checked="yes")
        .status_code
        == 409
    )
    with site.database.writing() as session, pytest.raises(VideolibError):
        publishing.publish_entry(session, session.get_one(Entry, entry_id), by=None)
    assert state_of(site, recording_id, entry_id) == ("awaiting_review", "draft")

    require_that_a_mask_that_is_not_there_is_told(site, workshop, recording_id, second)

    # the second person covers what was found and signs
    with site.database.writing() as session:
        row = session.get_one(Recording, recording_id)
        for one in screenings.list_findings(session, screening.id):
            if one.box is not None:
                screenings.decide(session, row, one, "accepted", "", by=second)
                redactions.add_redaction(session, row, redactions.covering(one), by=second)
        publishing.sign_off(session, row, by=second)
    assert state_of(site, recording_id, entry_id)[1] == "draft", "seen only when the output has been screened"
    work(workshop)

    assert state_of(site, recording_id, entry_id) == ("ready", "published")
    with site.database.reading() as session:
        package = session.get_one(Package, session.get_one(Entry, entry_id).package_id)
        output = screenings.find_screening(session, recording_id, package_id=package.id)
        assert output is not None
        assert (output.state, screenings.list_findings(session, output.id)) == ("done", [])
        paths = [item["path"] for item in list_objects(session, package.id)]
        taken_out = read_redactions(package.redactions)
    assert len(taken_out) >= 1
    for playlist in (path for path in paths if path.startswith("video/") and path.endswith("index.m3u8")):
        assert shown_regions(site, package.prefix, playlist, taken_out) == [], playlist


def require_that_a_mask_that_is_not_there_is_told(
    site: Site, workshop: Workshop, recording_id: str, second: User
) -> None:
    """A package that says what it hides and shows it, in every rendition: it goes back, and the signature is void."""
    mask = {"kind": "mask", "start_s": 0.0, "end_s": 9.0, "keys": [[0.0, 0.05, 0.05, 0.5, 0.4]], "fill": "white"}
    with site.database.writing() as session:
        row = session.get_one(Recording, recording_id)
        row.signed_off_by_id = second.id
        package = session.get_one(Package, row.package_id)
        package.redactions = [mask]
        count = len(package.description["renditions"])
        screening = screenings.begin_screening(session, row, package_id=package.id)
    work(workshop)
    with site.database.writing() as session:
        row = session.get_one(Recording, recording_id)
        assert (row.state, row.signed_off_by_id) == ("awaiting_review", None)
        told = [one.rule for one in screenings.list_findings(session, screening.id)]
        assert told.count("masked_region") == 1 <= count, "once a place, whichever rendition shows it"
        session.delete(session.get_one(screenings.Screening, screening.id))
        session.get_one(Package, row.package_id).redactions = []


def shown_regions(site: Site, prefix: str, playlist: str, taken_out: tuple[Redaction, ...]) -> list[Found]:
    """Decode a rendition: which of the filled regions shows anything."""
    folder = f"{prefix}/{playlist.rpartition('/')[0]}"
    names = files_of(site.store.get_bytes(f"{prefix}/{playlist}").decode())
    video = site.settings.home / "rendition.mp4"
    video.write_bytes(b"".join(site.store.get_bytes(f"{folder}/{name}") for name in names))
    regions, inspection = Regions(taken_out), inspect(video)

    def see(time_s: float, shown: Shown) -> None:
        regions.look(time_s, shown.grey)

    look_through(video, inspection, Stretch(0.0, inspection.duration_s), see)
    return regions.failures
