"""A narration becomes one more sound of the entry, which a player of HLS finds; no object of the package is touched."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from ingest.intake import Item, take_in
from ingest.leases import LeaseKeeper
from ingest.tasks import Hands, do_next
from tests.backups import workshop_of
from tests.samples import make_recording, probe, run_tool
from tests.visitors import Site, answering
from videolib.catalogue import narrations
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.narrations import Narration
from videolib.catalogue.people import User

LENGTH_S = 9.0
QUEUES = {"quick", "long", "io"}


def narrate(site: Site, entry_id: str, file: Path, by: User) -> str:
    workshop = workshop_of(site)
    workshop.originals.put_file(file.name, file)
    with site.database.writing() as session:
        entry, person = session.get_one(Entry, entry_id), session.get_one(User, by.id)
        return narrations.add_narration(session, entry, "en", file.name, by=person).id


def work(site: Site) -> None:
    workshop = workshop_of(site)
    with LeaseKeeper(site.database, 60.0) as keeper:
        while do_next(Hands(workshop, "test:1", keeper, lambda: False), QUEUES) is not None:
            pass


def digests(site: Site) -> dict[str, str]:
    """Of every object of every package."""
    return {one.key: sha256(site.store.get_bytes(one.key)).hexdigest() for one in site.store.list("packages/")}


def heard(url: str, number: int) -> tuple[float, float, float]:
    """The length of a sound in seconds, its pitch at one second in hertz, and the loudest of its last three seconds."""
    # ffmpeg 8.1 joins ranges that follow each other in a file, and loses those between the first and the last
    raw = run_tool(
        "-http_seekable", "0", "-i", url, "-map", f"0:a:{number}", "-f", "s16le", "-ac", "1", "-ar", "8000", "-"
    )
    samples = np.frombuffer(raw, np.int16).astype(float)
    spectrum = np.abs(np.fft.rfft(samples[8000:16000]))
    return len(samples) / 8000, float(spectrum.argmax()), float(np.abs(samples[-3 * 8000 :]).max())


@pytest.mark.parametrize("ending", ["wav", "mp3"])
def test_a_player_finds_it_as_long_as_the_pictures_and_no_object_is_written_anew(
    sqlite_site: Site, tmp_path: Path, ending: str
) -> None:
    site, workshop = sqlite_site, workshop_of(sqlite_site)
    uploader, second = site.add_person("editor"), site.add_person("admin")
    source = make_recording(tmp_path / "in.mp4", seconds=LENGTH_S, size="160x120")
    item = Item(source, parse_values({}), generated=True)
    taken = take_in(workshop.database, workshop.originals, item, by=uploader, publish=False)
    work(site)
    before = digests(site)
    file = tmp_path / f"speech.{ending}"
    run_tool("-f", "lavfi", "-i", "sine=frequency=1000:duration=5", file)

    narration_id = narrate(site, taken.entry_id, file, uploader)
    work(site)

    assert digests(site) == before
    assert not workshop.originals.exists(file.name), "what was uploaded is not kept"
    with site.database.writing() as session:
        row, by = session.get_one(Narration, narration_id), session.get_one(User, second.id)
        assert row.state == "made"
        narrations.accept_narration(session, session.get_one(Entry, taken.entry_id), row, by=by)
    playback = site.visitor("editor").get(f"/api/v1/entries/{taken.entry_id}/playback").json or {}
    with answering(site.app) as address:
        url = f"{address}/{playback['hls_url'].split('/', 3)[3]}"
        found = [one["codec_type"] for one in probe(url, "stream=codec_type")["streams"]]
        lengths_and_pitches = [heard(url, number) for number in range(found.count("audio"))]
    assert found.count("audio") == 2
    own, spoken = lengths_and_pitches
    assert (own[1], spoken[1]) == (440, 1000)
    assert (own[0], spoken[0]) == pytest.approx((LENGTH_S, LENGTH_S), abs=0.05)
    assert spoken[2] < 10, "silent to the end of the pictures"


def test_a_file_without_sound_is_refused_in_words(sqlite_site: Site, tmp_path: Path) -> None:
    entry, editor = sqlite_site.add_published(), sqlite_site.add_person("editor")
    file = tmp_path / "no-sound.wav"
    file.write_bytes(b"RIFF and nothing" * 100)

    narration_id = narrate(sqlite_site, entry.id, file, editor)
    work(sqlite_site)

    with sqlite_site.database.reading() as session:
        row = session.get_one(Narration, narration_id)
        assert (row.state, row.reason) == (
            "failed",
            "No sound can be read in this file. Send it as WAV, MP3, M4A or Ogg.",
        )
    page = sqlite_site.visitor("editor").get(f"/studio/entries/{entry.id}/narrations").text
    assert "无法从此文件读取声音" in page
