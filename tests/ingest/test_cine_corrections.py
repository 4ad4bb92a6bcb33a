"""What an editor corrects about a DICOM recording is what the worker makes; what was guessed waits for a person."""

from __future__ import annotations

from pathlib import Path

from config.settings import Settings
from ingest.intake import Item, take_in
from ingest.worker import run_worker
from ingest.workshop import Workshop
from tests.dicom_samples import make_study_file, numbered_frames
from tests.libraries import add_person
from videolib.catalogue.cines import confirm_guesses, correct_cine, list_guesses
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.packages import Package
from videolib.catalogue.recordings import SETTLED, Recording
from videolib.db import Database
from videolib.storage import open_store


def work(workshop: Workshop, recording_id: str) -> Recording:
    def settled() -> bool:
        with workshop.database.reading() as session:
            return session.get_one(Recording, recording_id).state in SETTLED

    run_worker(workshop, index=None, stop=settled, recording_ids=[recording_id])
    with workshop.database.reading() as session:
        return session.get_one(Recording, recording_id)


def duration_of(workshop: Workshop, recording: Recording) -> float:
    with workshop.database.reading() as session:
        return session.get_one(Package, recording.package_id).duration_s or 0.0


def test_a_guessed_rate_is_corrected_and_the_package_made_anew(
    sqlite_database: Database, settings: Settings, tmp_path: Path
) -> None:
    workshop = Workshop(settings, sqlite_database, open_store(settings.store_url), open_store(settings.originals_url))
    editor = add_person(sqlite_database)
    tags = {"FrameTime": None, "FrameIncrementPointer": None}
    source = make_study_file(tmp_path / "run.dcm", numbered_frames(30, rows=120, columns=160), **tags)
    item = Item(source, parse_values({}), generated=True)
    intake = take_in(workshop.database, workshop.originals, item, by=None, publish=False)

    guessed = work(workshop, intake.recording_id)
    at_first_s = duration_of(workshop, guessed)
    with workshop.database.writing() as session:
        recording = session.get_one(Recording, intake.recording_id)
        keys = [guess.key for guess in list_guesses(session, recording)]
        confirm_guesses(session, recording, by=editor)
        correct_cine(session, recording, {"1": {"fps": 5}}, by=editor)
    corrected = work(workshop, intake.recording_id)

    assert keys == ["1.rate"]
    assert round(at_first_s, 2) == 2.0
    assert round(duration_of(workshop, corrected), 2) == 6.0
    assert corrected.source is not None
    assert corrected.source["dicom"]["rate_source"] == "editor"
    assert corrected.source["dicom"]["guessed"] == []
    assert corrected.package_id != guessed.package_id
