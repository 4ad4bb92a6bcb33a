"""A recording that is watched while it is made: the player comes by itself, and follows to the end without a reload."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from ingest.intake import Item, take_in
from ingest.leases import LeaseKeeper
from ingest.tasks import Hands, do_next
from ingest.workshop import Workshop
from tests.browser.test_story_watch import VIDEO, play, wait_for_time, wait_until
from tests.samples import make_recording
from tests.visitors import HASHED, PASSWORD, answering
from videolib.catalogue import people
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.indexing import HostIndex
from videolib.catalogue.recordings import get_recording
from videolib.db import Database
from videolib.storage import open_store
from videolib.web import create_app

SECONDS, CHUNK_S = 44, 4
QUEUES = {"quick", "long", "io"}
IS_LIVE = "document.querySelector('vl-player').hls().levels.some(one => one.details?.live)"


@pytest.fixture
def workshop(sqlite_database: Database, settings: Settings) -> Workshop:
    changed = settings.model_copy(update={"chunk_s": CHUNK_S, "lease_s": 60.0})
    return Workshop(changed, sqlite_database, open_store(changed.store_url), open_store(changed.originals_url))


@contextmanager
def served(workshop: Workshop) -> Iterator[str]:
    """The service without a worker beside it: the test does the work itself, step by step."""
    index = HostIndex(workshop.settings, workshop.database)
    with answering(create_app(workshop.settings, database=workshop.database, index=index)) as address:
        yield address
    index.close()


@pytest.mark.parametrize("is_copied", [False, True], ids=["encoded", "copied"])
def test_who_waits_for_a_recording_sees_it_grow_and_end_without_a_reload(
    page: Any, workshop: Workshop, tmp_path: Path, is_copied: bool
) -> None:
    """Checklist 46."""
    with workshop.database.writing() as session:
        uploader = people.add_user(session, "editor@hospital.example", HASHED, ["editor"])
    codec = ("-c:v", "libx264", "-g", "50") if is_copied else ("-c:v", "mpeg4", "-q:v", "4")
    source = make_recording(tmp_path / "in.mp4", seconds=SECONDS, size="426x240", codec=codec)
    taken = take_in(workshop.database, workshop.originals, Item(source, parse_values({})), by=uploader, publish=False)
    with served(workshop) as url, LeaseKeeper(workshop.database, 60.0) as keeper:
        hands = Hands(workshop, "test:1", keeper, lambda: False)
        log_in(page, url)
        page.goto(f"{url}/entries/{taken.entry_id}")
        assert page.locator("vl-player").count() == 0
        page.evaluate("window.sameDocument = true")

        do_next(hands, {"quick"})
        play(page)
        wait_for_time(page, 2)
        assert page.evaluate(IS_LIVE)
        first_edge_s = page.evaluate(f"{VIDEO}.duration")
        for _ in range(3):
            assert do_next(hands, {"long"}) is not None
        wait_until(page, f"{VIDEO}.duration >= {4 * CHUNK_S - 0.1}")
        wait_for_time(page, CHUNK_S + 1)
        while do_next(hands, QUEUES) is not None:
            pass

        with workshop.database.reading() as session:
            assert get_recording(session, taken.recording_id).state in {"ready", "awaiting_review"}
        wait_until(page, f"!{IS_LIVE}")
        page.evaluate(f"{VIDEO}.playbackRate = 4")
        wait_for_time(page, SECONDS - 0.5)
        assert page.evaluate("window.sameDocument")
        assert page.evaluate(f"{VIDEO}.error") is None
        assert first_edge_s >= CHUNK_S - 0.1


def test_of_what_is_made_in_one_piece_the_beginning_is_seen_at_once_and_then_all_of_it(
    page: Any, workshop: Workshop, tmp_path: Path
) -> None:
    """An AVI with reordered pictures cannot be entered in the middle."""
    with workshop.database.writing() as session:
        uploader = people.add_user(session, "editor@hospital.example", HASHED, ["editor"])
    codec = ("-c:v", "mpeg4", "-q:v", "4", "-bf", "2")
    source = make_recording(tmp_path / "in.avi", seconds=SECONDS, size="426x240", codec=codec)
    taken = take_in(workshop.database, workshop.originals, Item(source, parse_values({})), by=uploader, publish=False)
    with served(workshop) as url, LeaseKeeper(workshop.database, 60.0) as keeper:
        hands = Hands(workshop, "test:1", keeper, lambda: False)
        log_in(page, url)
        page.goto(f"{url}/entries/{taken.entry_id}")
        page.evaluate("window.sameDocument = true")
        do_next(hands, {"quick"})
        play(page)
        wait_for_time(page, 2)
        assert page.evaluate(IS_LIVE)
        assert do_next(hands, {"quick", "io"}) is None, "what is long does not wait among what is quick"
        assert do_next(hands, {"long"}) is not None

        wait_until(page, f"{VIDEO}.duration > {SECONDS - 1}")
        page.evaluate(f"{VIDEO}.playbackRate = 4")
        wait_for_time(page, SECONDS - 0.5)
        assert page.evaluate("window.sameDocument")
        assert page.evaluate(f"{VIDEO}.error") is None


def log_in(page: Any, url: str, email: str = "editor@hospital.example") -> None:
    """Through the page, as a person does."""
    page.goto(f"{url}/login")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[name=submit]")
    page.wait_for_url(lambda where: "/login" not in where)
