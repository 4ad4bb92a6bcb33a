"""A worker that is killed in the middle of screening: the next one goes on where it was, and tells nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from config.settings import load_settings
from ingest.intake import Item, take_in
from tests.samples import make_recording
from tests.servers import until
from tests.whole.test_nothing_is_lost import PATIENCE_S, worker
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.jobs import Job
from videolib.catalogue.screenings import Finding, Screening, list_findings
from videolib.db import Database
from videolib.storage import open_store

SECONDS = 420
# label -> from which second it stands, for two of them; one that the first worker reads, one that the second does
LABELS = {"MRN 12345678": 5, "DOB: 1980-01-02": 400}


def labelled(folder: Path) -> Path:
    layers, steps, before = [], [], "in"
    for number, (text, start_s) in enumerate(LABELS.items()):
        image = Image.new("RGB", (220, 40))
        ImageDraw.Draw(image).text((6, 6), text, font=ImageFont.load_default(22), fill="white")
        image.save(folder / f"{number}.png")
        layers.append(f"movie={folder / str(number)}.png[label{number}]")
        shown = f"overlay=x=20:y=20:enable='between(t,{start_s},{start_s + 2})'"
        steps.append(f"[{before}][label{number}]{shown}[out{number}]")
        before = f"out{number}"
    filters = ";".join([*layers, *steps]).removesuffix(f"[{before}]")
    made: Path = make_recording(
        folder / "in.mp4", seconds=SECONDS, size="320x180", fps=5, audio=False, pattern="color=c=gray", filters=filters
    )
    return made


def test_the_next_worker_goes_on_where_a_killed_one_was(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOLIB_LEASE_S", "2")
    monkeypatch.setenv("VIDEOLIB_LOG_LEVEL", "WARNING")
    settings = load_settings()
    open_store(settings.store_url).prepare()
    item = Item(labelled(tmp_path), parse_values({}))
    taken = take_in(sqlite_database, open_store(settings.originals_url), item, by=None, publish=False)

    def screening() -> Screening | None:
        with sqlite_database.reading() as session:
            return session.query(Screening).filter_by(recording_id=taken.recording_id).one_or_none()

    def findings() -> list[Finding]:
        found = screening()
        with sqlite_database.reading() as session:
            return list_findings(session, found.id) if found else []

    with worker():  # killed at the end of the block
        until(lambda: (found := screening()) is not None and found.done_until_s >= 60, PATIENCE_S)
    halfway = screening()
    assert halfway is not None
    assert (halfway.state, halfway.done_until_s < SECONDS) == ("running", True)
    (first,) = findings()

    with worker():
        until(lambda: (found := screening()) is not None and found.state == "done", PATIENCE_S)

    told = sorted(findings(), key=lambda one: one.start_s or 0.0)
    assert [one.rule for one in told] == ["identifier", "date"]
    assert [one.start_s for one in told] == [pytest.approx(start_s, abs=1.0) for start_s in LABELS.values()]
    assert first.id in {one.id for one in findings()}, "not told again"
    with sqlite_database.reading() as session:
        (job,) = session.query(Job).filter_by(recording_id=taken.recording_id, kind="screen")
        assert (job.state, job.attempt) == ("done", 2)
