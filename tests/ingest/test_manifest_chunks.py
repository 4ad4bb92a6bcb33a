"""The shared test data through the library with chunking forced on: jobs, rows and store in place of one folder.

What is too short to be cut, and the longest, are cut as far as they can be in `test_manifest_package`; here is every
other recording of the manifest that holds two chunks, and every file that must be refused.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.settings import Settings
from ingest.errors import Refused
from ingest.intake import Item, take_in
from ingest.worker import run_worker
from ingest.workshop import Workshop
from tests.ingest.test_manifest_package import ENTRIES, REASONS
from tests.samples import probe
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.packages import Package, list_chunks
from videolib.catalogue.recordings import SETTLED, get_recording
from videolib.db import Database
from videolib.storage import open_store

CHUNK_S = 4.0
LONGEST_S = 200.0
REFUSED = [name for name, entry in ENTRIES.items() if entry["expected"]["result"] == "rejected"]
CUT = [
    name
    for name, entry in ENTRIES.items()
    if entry["expected"]["result"] == "ok"
    and 2 * CHUNK_S < ((entry.get("ffprobe") or {}).get("duration_s") or 0) < LONGEST_S
]


@pytest.fixture
def workshop(sqlite_database: Database, settings: Settings) -> Workshop:
    return Workshop(
        settings.model_copy(update={"chunk_s": CHUNK_S}),
        sqlite_database,
        open_store(settings.store_url),
        open_store(settings.originals_url),
    )


@pytest.mark.parametrize("name", REFUSED)
def test_what_must_be_refused_is_refused_before_anything_is_kept(name: str, workshop: Workshop, shared: Path) -> None:
    with pytest.raises(Refused) as caught:
        take_in(
            workshop.database,
            workshop.originals,
            Item(shared / "testdata" / name, parse_values({})),
            by=None,
            publish=False,
        )

    assert caught.value.reason == REASONS[name]
    assert list(workshop.originals.list("")) == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", CUT)
def test_a_recording_made_in_chunks_by_jobs_is_whole(name: str, workshop: Workshop, shared: Path) -> None:
    item = Item(shared / "testdata" / name, parse_values({}), generated=True)  # no screening: it is tested elsewhere
    intake = take_in(workshop.database, workshop.originals, item, by=None, publish=False)

    def settled() -> bool:
        with workshop.database.reading() as session:
            return get_recording(session, intake.recording_id).state in SETTLED

    run_worker(workshop, index=None, stop=settled)

    with workshop.database.reading() as session:
        recording = get_recording(session, intake.recording_id)
        package = session.get_one(Package, recording.package_id)
        chunks = [chunk for chunk in list_chunks(session, package.id) if chunk.position >= 0]
    assert (recording.state, recording.reason_code) == ("ready", None)
    fps = float((recording.source or {})["fps"])
    declared_s = float((recording.source or {})["duration_s"])
    assert package.duration_s == pytest.approx(declared_s, abs=1 / fps + 1.001)
    stored = {item.key: item.size for item in workshop.store.list(f"{package.prefix}/")}
    assert all(stored[f"{package.prefix}/{one['path']}"] == one["bytes"] for chunk in chunks for one in chunk.objects)
    master = workshop.store.local_path(f"{package.prefix}/master.m3u8")
    assert master is not None
    for rendition in package.description["renditions"]:
        playlist = master.parent / "video" / rendition["name"] / "index.m3u8"
        text = playlist.read_text(encoding="utf-8")
        assert len(set(re.findall(r"(?m)^[^#\s]+$", text))) > 1, "it was not cut"
        length_s = float(probe(playlist, "format=duration")["format"]["duration"])
        assert length_s == pytest.approx(package.duration_s, abs=0.002)
