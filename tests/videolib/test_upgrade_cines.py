"""A library of a release without decisions about cines: what was guessed then waits for a person now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.dicom_samples import CINE
from tests.libraries import add_person
from tests.videolib.test_upgrade import empty_database, insert, library_at  # noqa: F401 - a fixture
from videolib.catalogue.cines import confirm_guesses, find_corrections, list_guesses, unconfirmed_guesses
from videolib.catalogue.recordings import get_recording
from videolib.db import Database
from videolib.upgrade import find_differences, upgrade

MOMENT = "2026-11-01 08:00:00+00:00"
# before guesses had keys, only their sentences were kept
OLDER = {"modality": "XA", "fps": 15.0, "guesses": ["15 are assumed."], "burned_in_annotation": "unknown"}


@pytest.mark.parametrize("dicom", [CINE, OLDER], ids=["with keys", "sentences only"])
def test_recordings_of_before_have_no_decisions_and_take_new_ones(
    empty_database: Database,  # noqa: F811
    own_home: Path,
    tmp_path: Path,
    dicom: dict[str, object],
) -> None:
    library_at(empty_database, "0005", own_home, tmp_path)
    known = {"source_name": "n", "original_key": "k", "bytes": 9, "warnings": "[]", "timing": "{}", "progress": 1.0}
    dates = {"created_at": MOMENT, "updated_at": MOMENT}
    source = json.dumps({"dicom": dicom})
    insert(empty_database, "recordings", id="r1", state="ready", sha256="s", source=source, **known, **dates)

    upgrade(empty_database, own_home)

    assert find_differences(empty_database) == []
    editor = add_person(empty_database)
    with empty_database.writing() as session:
        recording = get_recording(session, "r1")
        assert find_corrections(session, "r1") == {}
        guessed = [guess.key for guess in list_guesses(session, recording)]
        assert len(unconfirmed_guesses(recording)) == len(guessed) == len(dicom.get("guessed", ()))  # type: ignore[arg-type]
        confirm_guesses(session, recording, by=editor)
        assert unconfirmed_guesses(recording) == []
