"""Guesses about DICOM recordings: told, corrected, confirmed, and not published before."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dicom_samples import CINE
from tests.visitors import Site
from videolib.catalogue.cines import find_corrections
from videolib.catalogue.entries import Entry
from videolib.catalogue.gate import find_missing
from videolib.catalogue.jobs import Job
from videolib.catalogue.recordings import Recording

SENTENCE = "Look at what was guessed about the DICOM recording: confirm or correct it."


def add_cine(site: Site, **changes: Any) -> Entry:
    """A draft that lacks nothing but a look at what was guessed."""
    entry = site.add_watchable()
    with site.database.writing() as session:
        session.get_one(Recording, entry.recording_id).source = {"dicom": {**CINE, **changes}}
    return entry


def send(site: Site, entry: Entry, method: str, what: str, body: dict[str, Any]) -> Any:
    path = f"/api/v1/recordings/{entry.recording_id}/cine{what}"
    return site.visitor("editor").send(method, path, body, Accept_Language="en")


def missing_of(site: Site, entry: Entry) -> list[str]:
    with site.database.reading() as session:
        return list(find_missing(session, session.get_one(Entry, entry.id)).values())


def test_a_guess_keeps_an_entry_from_being_published_until_somebody_agrees(site: Site) -> None:
    entry = add_cine(site)
    refused = site.visitor("editor").send("POST", f"/api/v1/entries/{entry.id}/publish", Accept_Language="en")

    answer = send(site, entry, "POST", "/confirm", {"keys": ["1.rate"]})

    assert refused.status_code == 422
    assert SENTENCE in refused.text
    assert [guess["confirmed"] for guess in answer.json["guesses"]] == [True]
    assert SENTENCE not in missing_of(site, entry)


def test_a_guess_that_comes_out_otherwise_is_to_be_confirmed_again(site: Site) -> None:
    entry = add_cine(site)
    send(site, entry, "POST", "/confirm", {})
    guess = {**CINE["guessed"][0], "value": 25.0}

    with site.database.writing() as session:
        session.get_one(Recording, entry.recording_id).source = {"dicom": {**CINE, "guessed": [guess]}}

    assert SENTENCE in missing_of(site, entry)


def test_who_asked_for_publishing_gets_it_with_the_confirmation(site: Site) -> None:
    entry = add_cine(site)
    with site.database.writing() as session:
        session.get_one(Entry, entry.id).publish_requested = True

    send(site, entry, "POST", "/confirm", {})

    with site.database.reading() as session:
        assert session.get_one(Entry, entry.id).status == "published"


def test_a_correction_is_kept_and_makes_the_recording_anew(site: Site) -> None:
    entry = add_cine(site)
    body = {"1": {"fps": 12.5, "window": {"center": 100, "width": 50}, "mask_frames": [2, 3], "pixel_shift": [0, -1.5]}}

    answer = send(site, entry, "PATCH", "", {"corrections": body})

    assert (answer.status_code, answer.json["state"]) == (200, "queued")
    assert answer.json["corrections"] == {
        "1": {
            "fps": 12.5,
            "window": {"center": 100.0, "width": 50.0},
            "mask_frames": [2, 3],
            "pixel_shift": [0.0, -1.5],
        }
    }
    with site.database.reading() as session:
        assert session.query(Job).filter_by(recording_id=entry.recording_id, state="queued").count() == 1


def test_what_is_not_given_stays_and_null_leaves_it_to_the_file(site: Site) -> None:
    entry = add_cine(site)
    send(site, entry, "PATCH", "", {"corrections": {"1": {"fps": 12.5, "subtracted_width": 300}}})
    with site.database.writing() as session:
        session.get_one(Recording, entry.recording_id).state = "ready"

    send(site, entry, "PATCH", "", {"corrections": {"1": {"fps": None}}})

    with site.database.reading() as session:
        assert find_corrections(session, str(entry.recording_id)) == {"1": {"subtracted_width": 300.0}}


def test_the_same_correction_again_starts_nothing(site: Site) -> None:
    entry = add_cine(site)
    send(site, entry, "PATCH", "", {"corrections": {"1": {"fps": 12.5}}})

    answer = send(site, entry, "PATCH", "", {"corrections": {"1": {"fps": 12.5}}})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "corrections",
    [
        {"2": {"fps": 10}},
        {"1": {"fps": 0}},
        {"1": {"fps": "quick"}},
        {"1": {"window": {"center": 5}}},
        {"1": {"mask_frames": [0]}},
        {"1": {"mask_frames": [31]}},
        {"1": {"pixel_shift": [1]}},
        {"1": {"pixel_shift": [9999, 0]}},
        {"1": {"speed": 3}},
        {"1": 7},
        "all of it",
    ],
)
def test_values_that_cannot_be_are_refused_by_name(site: Site, corrections: Any) -> None:
    answer = send(site, add_cine(site), "PATCH", "", {"corrections": corrections})

    assert answer.status_code == 422
    assert answer.json["fields"]


def test_a_recording_that_is_no_cine_has_nothing_to_correct(site: Site) -> None:
    entry = site.add_watchable()

    assert send(site, entry, "PATCH", "", {"corrections": {"1": {"fps": 10}}}).status_code == 422
    page = f"/studio/recordings/{entry.recording_id}/cine"
    assert site.visitor("editor").get(page).status_code == 404


def test_an_unknown_guess_cannot_be_confirmed(site: Site) -> None:
    assert send(site, add_cine(site), "POST", "/confirm", {"keys": ["7.rate"]}).status_code == 422


def test_the_page_shows_guesses_confirms_them_and_takes_corrections(site: Site) -> None:
    entry = add_cine(site)
    editor = site.visitor("editor")
    page = f"/studio/recordings/{entry.recording_id}/cine"

    before = editor.get(page, headers={"Accept-Language": "en"}).text
    editor.post(f"{page}/confirm")
    after = editor.get(page, headers={"Accept-Language": "en"}).text
    answer = editor.post(page, **{"1.fps": "7,5", "1.mask_frames": "3, 4；5", "1.shift_down": "0.5"})

    assert "To be confirmed" in before
    assert "To be confirmed" not in after
    assert answer.status_code == 303
    with site.database.reading() as session:
        assert find_corrections(session, str(entry.recording_id)) == {
            "1": {"fps": 7.5, "mask_frames": [3, 4, 5], "pixel_shift": [0.5, 0.0]}
        }


def test_a_page_that_was_filled_with_nonsense_says_so(site: Site) -> None:
    entry = add_cine(site)

    answer = site.visitor("editor").post(f"/studio/recordings/{entry.recording_id}/cine", **{"1.fps": "fast"})

    assert answer.status_code == 422
