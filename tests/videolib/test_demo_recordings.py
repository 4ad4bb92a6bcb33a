"""The recordings of the demo library: credible DICOM and video, made the same every time, described by true terms."""

from __future__ import annotations

import hashlib
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import webvtt
import yaml
from pydicom import dcmread

from config import settings as config_settings
from ingest.dicom import convert_cine, inspect_cine
from ingest.dicom_frames import read_shape
from ingest.dicom_header import open_recording
from ingest.dicom_pixels import display_frames
from ingest.inspect import inspect
from tests.libraries import add_entry
from videolib.catalogue.annotations import list_annotations
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import SINGLE_TERM_FIELDS, TERM_FIELDS, parse_values
from videolib.db import Database
from videolib.demo.endoscopy import Look, make_endoscopy, make_long, render_clip
from videolib.demo.moments import add_moments, hepatic_moments, iliac_moments, narrated_steps
from videolib.demo.narration import DURATION_S, PASSAGES, captions, speak
from videolib.demo.phantom import FPS, MASK_FRAMES, Scene, render_run, vessel_mask
from videolib.demo.phantom_dicom import write_run
from videolib.demo.recordings import make_demo_recordings, make_hepatic_study, read_entries
from videolib.demo.scenes import hepatic_scene, iliac_scene, renal_scene

SCENES = {"iliac": iliac_scene, "renal": renal_scene, "hepatic": hepatic_scene}
VOCABULARY = Path(config_settings.__file__).parent / "vocabulary"


@pytest.fixture(scope="module")
def iliac_run(tmp_path_factory) -> tuple[Scene, Path]:
    scene = iliac_scene()
    path = tmp_path_factory.mktemp("phantom") / "iliac.dcm"
    return scene, write_run(path, scene, render_run(scene))


@pytest.fixture(scope="module")
def terms() -> dict[str, set[str]]:
    schemes = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in VOCABULARY.glob("*.yaml")]
    return {scheme["id"]: {term["id"] for term in scheme["terms"]} for scheme in schemes}


def test_a_phantom_is_an_angiogram_with_timing_window_mask_and_angles(iliac_run):
    scene, path = iliac_run

    found = inspect_cine(path)

    assert found.dicom is not None
    facts = found.dicom.describe()
    assert (facts["modality"], facts["frames"], facts["rate_source"]) == ("XA", scene.frames, "FrameTime")
    assert facts["has_mask_subtraction"] is True
    assert facts["burned_in_annotation"] == "no"
    assert facts["positioner_deg"] == [18.0, 0.0]
    assert facts["guesses"] == []
    assert found.duration_s == pytest.approx(scene.seconds, abs=0.01)


def test_a_phantom_goes_the_way_of_any_recording(iliac_run, tmp_path):
    scene, path = iliac_run

    video = inspect(convert_cine(path, tmp_path))

    assert (video.video.width, video.video.height) == (512, 512)
    assert video.duration_s == pytest.approx(scene.seconds, abs=0.01)


def test_the_mask_sequence_names_frames_that_have_no_contrast(iliac_run):
    scene, path = iliac_run
    mask = dcmread(path, stop_before_pixels=True).MaskSubtractionSequence[0]

    assert mask.MaskOperation == "AVG_SUB"
    assert max(mask.MaskFrameNumbers) <= MASK_FRAMES
    assert list(mask.ApplicableFrameRange) == [MASK_FRAMES + 1, scene.frames]


def test_the_bolus_comes_after_the_mask_darkens_the_vessels_and_goes(iliac_run):
    scene, path = iliac_run
    vessels = vessel_mask(scene)
    with open_recording(path) as recording:
        level = [float(frame[vessels].mean()) for frame in display_frames(recording, read_shape(recording))]

    before = np.mean(level[:MASK_FRAMES])
    darkest = int(np.argmin(level))
    assert np.ptp(level[:MASK_FRAMES]) < 3
    assert darkest > MASK_FRAMES + FPS
    assert level[darkest] < before - 40
    assert level[-1] > before - 15


@pytest.mark.parametrize("name", SCENES)
def test_blood_reaches_a_branch_after_the_vessel_it_comes_from(name):
    scene = SCENES[name]()

    for branch in scene.branches:
        assert all(later > earlier for earlier, later in pairwise(branch.arrival_s))
    assert max(float(branch.arrival_s[-1]) for branch in scene.branches) < scene.seconds - MASK_FRAMES / FPS
    assert len(scene.branches) > 100


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    def digest(scene: Scene) -> str:
        frames = render_run(scene)
        return hashlib.sha256(b"".join(next(frames).tobytes() for _ in range(3))).hexdigest()

    assert digest(renal_scene(1)) == digest(renal_scene(1))
    assert digest(renal_scene(1)) != digest(renal_scene(2))


def test_a_frame_time_vector_slows_the_end_of_a_run(tmp_path):
    scene = renal_scene()
    frames = [frame for _, frame in zip(range(30), render_run(scene), strict=False)]

    path = write_run(tmp_path / "vector.dcm", scene, frames, timing="FrameTimeVector")

    found = inspect_cine(path)
    assert found.dicom is not None
    assert found.dicom.describe()["rate_source"] == "FrameTimeVector"
    assert found.duration_s == pytest.approx((19 * 66 + 11 * 132) / 1000, abs=0.01)


def test_an_endoscopy_clip_ends_where_it_began_and_can_be_made_long(tmp_path):
    clip = make_endoscopy(tmp_path, "clip.mp4", Look(seed=5), seconds=1)
    long = make_long(tmp_path, "long.mp4", clip, times=40)

    short_found, long_found = inspect(clip), inspect(long)

    assert (short_found.video.width, short_found.video.height, int(short_found.video.fps)) == (1280, 720, 25)
    assert long_found.duration_s == pytest.approx(40 * short_found.duration_s, abs=0.1)


def test_the_picture_of_the_endoscope_moves_and_is_round():
    first, later = (frame for index, frame in enumerate(render_clip(Look(seed=5), 1)) if index in (0, 12))

    assert first[0, 0].tolist() == [0, 0, 0]
    assert first[180, 100:540].mean() > 60
    assert np.abs(first.astype(int) - later.astype(int)).mean() > 5


@pytest.mark.parametrize("language", ["zh", "en"])
def test_captions_are_webvtt_in_order_inside_the_clip(language):
    cues = webvtt.from_buffer(StringIO(captions()[language])).captions

    assert len(cues) == len(PASSAGES)
    assert all(before.end_in_seconds <= after.start_in_seconds for before, after in pairwise(cues))
    assert cues[-1].end_in_seconds <= DURATION_S
    assert all(cue.text for cue in cues)


def test_the_voice_sounds_while_a_caption_is_shown_and_rests_between():
    sound = speak(PASSAGES)
    rate = len(sound) / DURATION_S

    first, second = PASSAGES[:2]
    spoken = sound[int((first.start_s + 0.3) * rate) : int((first.start_s + 2) * rate)]
    pause = sound[int((second.start_s - 0.25) * rate) : int((second.start_s - 0.05) * rate)]
    assert np.abs(sound).max() <= 0.5
    assert np.sqrt(np.mean(spoken**2)) > 20 * np.sqrt(np.mean(pause**2))


def test_one_examination_of_the_demo_has_two_runs_in_two_projections(tmp_path):
    study = make_hepatic_study(tmp_path, "study.tar")

    facts = inspect_cine(study).dicom
    assert facts is not None
    runs: Any = facts.describe()["runs"]
    assert [run["angle"] for run in runs] == ["RAO 4 CRAN 2", "RAO 28 CRAN 12"]
    assert all(run["has_mask_subtraction"] for run in runs)
    assert facts.describe()["guesses"] == []
    assert [path.name for path in tmp_path.iterdir()] == ["study.tar"]


def test_every_term_of_the_demo_is_in_the_vocabulary(terms):
    for entry in read_entries().values():
        for name, scheme in TERM_FIELDS.items():
            assert set(entry.get(name, [])) <= terms[scheme], name
        for name, scheme in SINGLE_TERM_FIELDS.items():
            assert entry.get(name) is None or entry[name] in terms[scheme], name
    assert {passage.step for passage in PASSAGES} <= terms["step"]


def test_every_page_of_the_demo_has_what_publishing_asks_and_one_speaks_of_stents():
    entries = read_entries()

    for entry in entries.values():
        values = parse_values(entry)
        assert values.title is not None
        assert values.title.en
        assert values.title.zh
        assert values.procedures
    assert "支架" in entries["iliac"]["title"]["zh"]
    assert "stent" in entries["iliac"]["title"]["en"]


def test_recordings_are_yielded_as_they_are_made_and_progress_is_told(tmp_path):
    told: list[Any] = []
    recordings = make_demo_recordings(tmp_path / "new", lambda title, done: told.append((title, done)))

    first = next(recordings)

    assert inspect_cine(first.path).video.frames == 120
    assert first.meta["procedures"][0] == "proc.stent_iliac"
    assert [file.name for file in (tmp_path / "new").iterdir()] == [first.path.name]
    assert told == [(first.meta["title"]["en"], 0.0)]


def test_the_steps_of_the_demo_are_in_the_vocabulary_and_follow_each_other(terms: dict[str, set[str]]) -> None:
    told = narrated_steps()

    assert {one.step for one in (*told, *hepatic_moments(), *iliac_moments()) if one.step} <= terms["step"]
    assert (told[0].start_s, told[-1].end_s) == (0.0, DURATION_S)
    assert all(before.end_s == after.start_s for before, after in pairwise(told))
    assert [one.step for one in told] == sorted({passage.step for passage in PASSAGES})


def test_the_demo_marks_what_happens_when(sqlite_database: Database) -> None:
    entry = add_entry(sqlite_database)

    with sqlite_database.writing() as session:
        add_moments(session, session.get_one(Entry, entry.id), (*narrated_steps(),))
        kinds = [row.kind for row in list_annotations(session, entry.id)]

    assert kinds.count("step") == 9
    assert kinds.count("phase") >= 5
