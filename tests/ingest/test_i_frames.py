"""The I-frame playlist names pictures that can be shown alone, at their true times, however a package was made."""

from __future__ import annotations

from pathlib import Path

import m3u8
import pytest

from config.settings import Settings
from ingest.intake import Item, take_in
from ingest.pipeline import Method, package_recording
from ingest.worker import run_worker
from ingest.workshop import Workshop
from tests.samples import SMALL_H264, make_recording, numbers_in
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.packages import Package
from videolib.catalogue.recordings import SETTLED, get_recording
from videolib.db import Database
from videolib.storage import open_store

# groups of two seconds, closed, as recorders write them: they are copied
GROUPS = (*SMALL_H264, "-g", "50", "-keyint_min", "50", "-sc_threshold", "0")
FPS = 25


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds whose pictures show their number."""
    return make_recording(
        tmp_path_factory.mktemp("i-frames") / "in.mp4", seconds=10, codec=GROUPS, burn_frame_numbers=True
    )


def shown_alone(package: Path, work: Path) -> tuple[list[float], list[int]]:
    """Return of each I-frame when the playlist says that it comes, and the number that it shows by itself."""
    playlist = m3u8.load(str(package / "iframes" / "index.m3u8"))
    assert playlist.is_i_frames_only
    starts_s, numbers, at_s = [], [], 0.0
    for segment in playlist.segments:
        length, _, offset = segment.byterange.partition("@")
        file = (package / "iframes" / segment.uri).resolve()
        picture = work / "alone.mp4"
        media = file.read_bytes()[int(offset) : int(offset) + int(length)]
        picture.write_bytes((file.parent / "init.mp4").read_bytes() + media)
        numbers += numbers_in(picture)
        starts_s.append(at_s)
        at_s += segment.duration
    assert at_s == pytest.approx(10.0, abs=0.001)
    return starts_s, numbers


def check(package: Path, work: Path) -> None:
    starts_s, numbers = shown_alone(package, work)
    assert [round(start_s * FPS) for start_s in starts_s] == numbers
    assert numbers == [0, 50, 100, 150, 200]


@pytest.mark.parametrize(("chunk_s", "copy"), [(60.0, True), (4.0, True), (4.0, False)])
def test_i_frames_of_a_package_are_its_key_frames(chunk_s: float, copy: bool, recording: Path, tmp_path: Path) -> None:
    report = package_recording(recording, tmp_path / "out", method=Method(chunk_s=chunk_s, copy=copy))

    assert report.package["renditions"][0]["copied"] is copy  # type: ignore[index]
    check(tmp_path / "out", tmp_path)


def test_i_frames_are_found_in_the_chunks_files_of_many_workers(
    recording: Path, sqlite_database: Database, settings: Settings, tmp_path: Path
) -> None:
    workshop = Workshop(
        settings.model_copy(update={"chunk_s": 4.0}),
        sqlite_database,
        open_store(settings.store_url),
        open_store(settings.originals_url),
    )
    item = Item(recording, parse_values({}), generated=True)
    intake = take_in(workshop.database, workshop.originals, item, by=None, publish=False)

    def settled() -> bool:
        with workshop.database.reading() as session:
            return get_recording(session, intake.recording_id).state in SETTLED

    run_worker(workshop, index=None, stop=settled)

    with workshop.database.reading() as session:
        package = session.get_one(Package, get_recording(session, intake.recording_id).package_id)
    master = workshop.store.local_path(f"{package.prefix}/master.m3u8")
    assert master is not None
    assert package.description["renditions"][0]["copied"]
    check(master.parent, tmp_path)
