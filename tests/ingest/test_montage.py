"""What is in a montage: every picture and sample of its ranges, in their order, and none beside them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import Settings
from ingest.intake import Item, take_in
from ingest.montage import Cut, Material, look_at, make_montage, render_film
from ingest.pipeline import Method, package_recording
from ingest.redaction import Redaction
from ingest.worker import run_worker
from ingest.workshop import Watch, Workshop
from tests.ingest.test_redaction import whole
from tests.libraries import add_person
from tests.samples import make_clapper, make_recording, numbers_in, pictures_of, run_tool
from videolib.catalogue import jobs
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.media_time import TICKS_PER_S
from videolib.catalogue.packages import Package, list_objects
from videolib.catalogue.people import User
from videolib.catalogue.ranges import Range, check_ranges, set_ranges
from videolib.catalogue.recordings import SETTLED, Recording
from videolib.db import Database
from videolib.storage import open_store

WATCH = Watch(lambda _stage, _share: None, lambda: False)


@pytest.fixture
def workshop(sqlite_database: Database, settings: Settings) -> Workshop:
    stores = open_store(settings.store_url), open_store(settings.originals_url)
    return Workshop(settings, sqlite_database, *stores)


def material(path: Path, *redactions: Redaction) -> Material:
    work = path.with_suffix(".work")
    work.mkdir(exist_ok=True)
    return look_at(path, work, redactions, {}, WATCH)


def film_of(materials: dict[str, Material], cuts: list[Cut], folder: Path) -> Path:
    folder.mkdir()
    return render_film(materials, cuts, folder, lambda _share: None, lambda: False)


def frames(source: str, first: int, last: int, fps: int = 25) -> Cut:
    return Cut(source, Fraction(first, fps), Fraction(last, fps))


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numbered")
    return make_recording(folder / "in.mp4", seconds=8, size="320x180", burn_frame_numbers=True, audio=False)


def test_the_frames_of_the_ranges_are_there_and_no_other(numbered: Path, tmp_path: Path) -> None:
    cuts = [frames("a", 101, 134), frames("a", 7, 20), frames("a", 190, 200)]

    film = film_of({"a": material(numbered)}, cuts, tmp_path / "film")
    report = package_recording(film, tmp_path / "out", method=Method(copy=False))

    wanted = [*range(101, 134), *range(7, 20), *range(190, 200)]
    renditions = report.package["renditions"]
    assert isinstance(renditions, list)
    assert report.package["duration_s"] == pytest.approx(len(wanted) / 25, abs=0.001)
    for one in renditions[:1]:
        video = whole(tmp_path / "out", one["name"], tmp_path / "top.mp4")
        assert numbers_in(video) == wanted


def test_sound_stays_with_its_pictures_over_all_cuts(tmp_path: Path) -> None:
    source = make_clapper(tmp_path / "in.mov", seconds=6, codec=("-c:v", "libx264", "-preset", "ultrafast"))
    cuts = [frames("a", 40, 60), frames("a", 90, 110)]  # a flash and a click at 2 s and at 4 s

    film = film_of({"a": material(source)}, cuts, tmp_path / "film")

    raw = np.frombuffer(run_tool("-i", film, "-ac", "1", "-ar", "48000", "-f", "s16le", "-"), np.int16)
    assert len(raw) == 40 * 48000 // 25
    bright = [number for number, picture in enumerate(pictures_of(film, width=8, height=8)) if picture.mean() > 128]
    loud = np.flatnonzero(np.abs(raw.astype(int)) > 8000)
    starts = [loud[0], loud[loud > loud[0] + 9600][0]]
    assert bright == [10, 30]
    assert [start / 48000 * 25 for start in starts] == pytest.approx(bright, abs=0.1)


def test_what_was_taken_out_is_not_in_the_montage(numbered: Path, tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=6, size="320x180")
    cut = Redaction("cut", 2.0, 3.0)
    cuts = [frames("a", 40, 90), frames("b", 0, 10)]

    film = film_of({"a": material(source, cut), "b": material(numbered)}, cuts, tmp_path / "film")

    pictures = pictures_of(film, width=32, height=18)
    is_card = [bool(picture.std() < 2 and abs(float(picture.mean()) - 0x30) < 8) for picture in pictures]
    assert len(pictures) == 60
    assert all(is_card[10:35]), "from 2 s to 3 s"
    assert not any(is_card[48:])
    raw = np.frombuffer(run_tool("-i", film, "-ac", "1", "-ar", "48000", "-f", "s16le", "-"), np.int16)
    assert np.abs(raw[48000 * 11 // 25 : 48000 * 34 // 25]).max() == 0
    assert np.abs(raw[: 48000 * 9 // 25]).max() > 1000
    assert np.abs(raw[48000 * 2 :]).max() == 0, "the second recording has no sound"


def test_recordings_of_other_sizes_and_rates_fit_together(numbered: Path, tmp_path: Path) -> None:
    other = make_recording(tmp_path / "b.mp4", seconds=3, size="240x240", fps="30000/1001")
    cuts = [frames("a", 25, 50), frames("b", 30, 60, 30)]

    film = film_of({"a": material(numbered), "b": material(other)}, cuts, tmp_path / "film")
    report = package_recording(film, tmp_path / "out", method=Method(copy=False))

    assert report.package["duration_s"] == pytest.approx(2.0, abs=0.04)
    assert (report.source["width"], report.source["height"], report.source["fps"]) == (320, 180, 29.97)


def die_half_way(workshop: Workshop, montage_id: str) -> None:
    """A worker takes the job and dies when all of the package is in the store and nothing of it in the rows."""

    def die(_session: Session) -> None:
        raise KeyboardInterrupt

    with workshop.database.writing() as session:
        job = jobs.claim(session, "dead:1", 0.0, recording_ids=[montage_id])
    assert job is not None
    with pytest.raises(KeyboardInterrupt):
        make_montage(workshop, job, WATCH, finish=die)


def test_a_worker_renders_the_ranges_and_the_entry_turns_to_them(workshop: Workshop, tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=6, size="320x180", burn_frame_numbers=True)
    values = {"title": {"zh": "支架", "en": "Stent"}, "procedures": ["proc.stent_sfa"], "content_type": "ct.simulation"}
    item = Item(source, parse_values(values), generated=True)
    intake = take_in(workshop.database, workshop.originals, item, by=None, publish=True)
    editor = add_person(workshop.database)

    def state_of(recording_id: str) -> str:
        with workshop.database.reading() as session:
            return session.get_one(Recording, recording_id).state

    run_worker(workshop, index=None, stop=lambda: state_of(intake.recording_id) in SETTLED)
    with workshop.database.writing() as session:
        by, entry = session.get_one(User, editor.id), session.get_one(Entry, intake.entry_id)
        whole_id = entry.package_id
        wanted = [
            Range(intake.recording_id, 2 * TICKS_PER_S, 3 * TICKS_PER_S),
            Range(intake.recording_id, 0, TICKS_PER_S),
        ]
        montage = set_ranges(session, entry, check_ranges(session, wanted, by=by), by=by)
        assert montage is not None
    die_half_way(workshop, montage.id)
    with workshop.database.reading() as session:
        assert session.get_one(Entry, intake.entry_id).package_id == whole_id, "viewers keep the whole meanwhile"
    run_worker(workshop, index=None, stop=lambda: state_of(montage.id) in SETTLED)

    assert state_of(montage.id) == "ready"
    with workshop.database.reading() as session:
        entry = session.get_one(Entry, intake.entry_id)
        package = session.get_one(Package, entry.package_id)
        objects = list_objects(session, package.id)
    assert (entry.status, entry.recording_id, entry.version) == ("published", montage.id, 2)
    assert package.id != whole_id
    with workshop.database.reading() as session:
        mine = session.scalars(select(Package).where(Package.recording_id == montage.id)).all()
        assert {one.state for one in mine if one.id != package.id} <= {"abandoned"}
    assert package.duration_s == pytest.approx(2.0, abs=0.001)
    assert {"poster.jpg", "storyboard.jpg"} <= {str(one["path"]) for one in objects}
    folder = tmp_path / "fetched"
    for one in objects:
        target = folder / one["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        workshop.store.fetch_to(f"{package.prefix}/{one['path']}", target)
    name = package.description["renditions"][0]["name"]
    assert numbers_in(whole(folder, name, tmp_path / "top.mp4")) == [*range(50, 75), *range(25)]
