"""What an editor sees of the work on a recording while workers are at it, when it fails, and when it is done anew."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from ingest.intake import Intake, Item, take_in
from ingest.leases import LeaseKeeper
from ingest.tasks import Hands, do_next
from ingest.workshop import Workshop
from tests.browser.test_growing import QUEUES, log_in, served
from tests.browser.test_story_watch import VIDEO, play, wait_for_time, wait_until
from tests.libraries import release
from tests.samples import make_recording
from tests.visitors import HASHED
from videolib.catalogue import jobs, people
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.packages import find_package_in_the_making, list_chunks
from videolib.catalogue.recordings import Recording, get_recording
from videolib.db import Database
from videolib.storage import open_store

RUNG = "document.querySelector('[data-part=renditions] [data-name] progress')"


@pytest.fixture
def workshop(sqlite_database: Database, settings: Settings) -> Workshop:
    changed = settings.model_copy(update={"chunk_s": 4, "lease_s": 60.0})
    return Workshop(changed, sqlite_database, open_store(changed.store_url), open_store(changed.originals_url))


@contextmanager
def hands_of(workshop: Workshop) -> Iterator[Hands]:
    """A worker whose jobs the test hands out one by one."""
    with LeaseKeeper(workshop.database, 60.0) as keeper:
        yield Hands(workshop, "ward-7:1", keeper, lambda: False)


def take(workshop: Workshop, folder: Path, *, seconds: int = 20, publish: bool = False) -> Intake:
    with workshop.database.writing() as session:
        uploader = people.add_user(session, "editor@hospital.example", HASHED, ["editor"])
    source = make_recording(folder / "in.mp4", seconds=seconds, size="426x240", codec=("-c:v", "mpeg4", "-q:v", "4"))
    values = {"title": {"zh": "髂动脉支架", "en": "Iliac stent"}, "procedures": ["proc.stent_iliac"]}
    item = Item(source, parse_values({**values, "content_type": "ct.simulation"} if publish else values))
    return take_in(workshop.database, workshop.originals, item, by=uploader, publish=publish)


def do_all(hands: Hands) -> None:
    while do_next(hands, QUEUES) is not None:
        pass


def test_each_step_of_the_work_is_seen_as_it_comes(page: Any, workshop: Workshop, tmp_path: Path) -> None:
    """Checklist 42, without a reload: place in the queue, each rendition, what is made, who looks next."""
    take(workshop, tmp_path)
    with served(workshop) as url, hands_of(workshop) as hands:
        log_in(page, url)
        page.goto(f"{url}/studio")
        sentences = page.locator("[data-part=sentences]").first
        assert "排队第 1 位" in sentences.inner_text()

        assert do_next(hands, {"quick"}) is not None
        for _ in range(2):
            assert do_next(hands, {"long"}) is not None
            done = page.evaluate(f"{RUNG} ? {RUNG}.value : 0")
            wait_until(page, f"{RUNG} && {RUNG}.value > {done}")
        assert "已完成" in sentences.inner_text()
        doing = threading.Thread(target=do_all, args=(hands,))
        doing.start()
        page.locator(".badge", has_text="待第二人审核").first.wait_for(timeout=60_000)
        doing.join(60)


def test_a_failure_says_why_and_goes_on_from_what_is_finished(page: Any, workshop: Workshop, tmp_path: Path) -> None:
    """Checklist 43: a store loses the original while its recording is made, and gets it back."""
    taken = take(workshop, tmp_path)
    with workshop.database.reading() as session:
        key = get_recording(session, taken.recording_id).original_key
    kept = workshop.originals.local_path(key)
    assert kept is not None
    aside = tmp_path / "aside"
    with served(workshop) as url, hands_of(workshop) as hands:
        log_in(page, url)
        assert do_next(hands, {"quick"}) is not None
        assert do_next(hands, {"long"}) is not None
        before = finished(workshop, taken)
        kept.rename(aside)
        do_all(hands)
        page.goto(f"{url}/studio")
        row = page.locator(".row", has=page.locator("vl-recording-status")).first
        assert row.locator(".badge").inner_text() == "失败"
        assert "原始" in row.locator(".field__error").inner_text()
        aside.rename(kept)

        row.get_by_role("button", name="重试").click()
        page.locator("vl-recording-status [data-part=sentences]").first.wait_for()
        do_all(hands)

        page.locator(".badge", has_text="待第二人审核").first.wait_for(timeout=60_000)
        after = finished(workshop, taken)
        assert before
        assert {position: after[position] for position in before} == before, "what was finished is not made again"


def finished(workshop: Workshop, taken: Intake) -> dict[int, Any]:
    """The finished chunks, without the first look, each with the digests of what was made."""
    with workshop.database.reading() as session:
        recording = get_recording(session, taken.recording_id)
        package = find_package_in_the_making(session, recording.id)
        package_id = package.id if package else str(recording.package_id)
        chunks = list_chunks(session, package_id)
    return {one.position: one.objects for one in chunks if one.state == "done" and one.position >= 0}


def test_what_is_published_stays_to_be_seen_while_it_is_made_anew(
    page: Any, workshop: Workshop, tmp_path: Path
) -> None:
    """Checklist 44."""
    taken = take(workshop, tmp_path, publish=True)
    with workshop.database.writing() as session:
        people.add_user(session, "trainee@hospital.example", HASHED, ["trainee"])
    with served(workshop) as url, hands_of(workshop) as hands:
        do_all(hands)
        release(workshop.database, taken.recording_id)
        old = shown_package(workshop, taken)
        log_in(page, url, "trainee@hospital.example")
        with workshop.database.writing() as session:
            jobs.start_work(session, session.get_one(Recording, taken.recording_id), by=None)

        assert do_next(hands, {"quick"}) is not None
        look(page, url, taken)
        assert do_next(hands, {"long"}) is not None
        look(page, url, taken)
        assert shown_package(workshop, taken) == old
        do_all(hands)
        look(page, url, taken)
        assert shown_package(workshop, taken) not in {old, None}


def shown_package(workshop: Workshop, taken: Intake) -> str | None:
    with workshop.database.reading() as session:
        entry = session.get_one(Entry, taken.entry_id)
        assert entry.status == "published"
        return entry.package_id


def look(page: Any, url: str, taken: Intake) -> None:
    """Open it and play it."""
    page.goto(f"{url}/entries/{taken.entry_id}?t=0")
    play(page)
    wait_for_time(page, 1)
    assert page.evaluate(f"{VIDEO}.duration") == pytest.approx(20, abs=0.3)
