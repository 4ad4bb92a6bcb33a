"""The review desk in the system's Chromium: a second person works through findings, masks what moves, and signs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import select

from tests.browser.conftest import HOSPITAL, PASSWORD, Served, call, log_in, sticking_out
from tests.browser.test_for_everybody import SMALL_TARGETS
from tests.browser.test_story_watch import PLAY_WAIT_MS, problems, wait_until
from tests.samples import make_recording
from tests.servers import until
from videolib.catalogue import quarantine, redactions, screenings
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.db import Database

SIZE, SECONDS, PATIENCE_S = (960, 540), 6, 240.0
PLAYER = "document.querySelector('vl-player')"


@dataclass(frozen=True)
class Held:
    """A recording that waits for its review, uploaded by the editor, and where its rows are."""

    recording_id: str
    database: Database
    url: str

    def redactions(self) -> list[dict[str, Any]]:
        with self.database.reading() as session:
            return redactions.stored_redactions(session, self.recording_id)

    def state(self) -> str:
        with self.database.reading() as session:
            return session.get_one(Recording, self.recording_id).state

    def is_screened(self) -> bool:
        with self.database.reading() as session:
            found = screenings.find_screening(session, self.recording_id)
            return found is not None and found.state == "done"


@pytest.fixture(scope="module")
def held(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Held:
    """A number that stands and a name that goes from left to right, screened by the worker beside the service."""
    folder = tmp_path_factory.mktemp("desk")
    for name, text in (("stands", "MRN 12345678"), ("goes", "Name: ZHANG WEI")):
        image = Image.new("RGBA", (300, 44))
        pen = ImageDraw.Draw(image)
        pen.text((4, 4), text, font=ImageFont.load_default(30), fill="white", stroke_width=1, stroke_fill="black")
        image.save(folder / f"{name}.png")
    layers = [f"movie={folder / name}.png[{name}]" for name in ("stands", "goes")]
    drawn = "[in][stands]overlay=x=30:y=20[first];[first][goes]overlay=x=60+80*t:y=300"
    source = make_recording(
        folder / "in.mp4",
        seconds=SECONDS,
        size=f"{SIZE[0]}x{SIZE[1]}",
        pattern="gradients=seed=3:speed=0.03",
        filters=";".join([*layers, drawn]),
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIDEOLIB_")}
    environment["VIDEOLIB_HOME"] = str(served.home)
    call(environment, "user", "add", "signer@hospital.example", "--role", "editor", stdin=PASSWORD)
    call(environment, "group", "grant", HOSPITAL, "signer@hospital.example", "reviewer")
    recording_id = str(json.loads(call(environment, "ingest", str(source), "--json"))["recording_id"])
    database = Database(f"sqlite:///{served.home / 'videolib.db'}")
    with database.writing() as session:
        editor = session.scalars(select(User).where(User.email == "editor@hospital.example")).one()
        recording = session.get_one(Recording, recording_id)
        recording.uploader_id = editor.id
        quarantine.set_hospital(session, recording, HOSPITAL, by=None)
    found = Held(recording_id, database, f"{served.url}/studio/recordings/{recording_id}/review")
    until(found.is_screened, PATIENCE_S)
    return found


def open_desk(page: Any, held: Held) -> None:
    page.goto(held.url)
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    page.locator("vl-mask-field[data-ready]").wait_for(timeout=PLAY_WAIT_MS)


@pytest.mark.parametrize(("language", "theme"), [("zh", "light"), ("en", "dark")])
def test_the_desk_is_for_everybody(page: Any, served: Served, held: Held, language: str, theme: str) -> None:
    """Checklist 53, 55, 59."""
    log_in(page, served, "signer")
    page.goto(f"{served.url}/preferences?lang={language}&theme={theme}&next=/browse")
    open_desk(page, held)

    assert page.locator("[data-finding]").count() >= 2
    assert problems(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert sticking_out(page) == []
    assert page.evaluate(SMALL_TARGETS) == []


def test_the_uploader_signs_nothing(page: Any, served: Served, held: Held) -> None:
    log_in(page, served, "editor")
    page.goto(held.url)

    assert page.locator("#desk-sign").is_visible()
    assert page.locator("input[name=checked]").count() == 0


def test_a_second_person_masks_what_moves_decides_by_keys_watches_and_signs(
    page: Any, served: Served, held: Held, no_outside_requests: set[str]
) -> None:
    log_in(page, served, "signer")
    page.goto(held.url)
    page.locator("form[action$='/begin'] button").click()
    open_desk(page, held)

    mask_what_moves(page, held)
    decide_by_keys(page, held)

    # the windows drawn by lot, played to their end
    open_desk(page, held)
    page.locator("#desk-windows ~ vl-played a[data-start]").first.click()
    page.evaluate(f"{PLAYER}.player.muted = true")
    page.evaluate(f"{PLAYER}.player.play()")
    page.locator("vl-played .badge--good").first.wait_for(timeout=PLAY_WAIT_MS)
    assert page.reload().status == 200, page.locator("main").inner_text()
    assert page.locator("#desk-sign").count() == 1, page.locator("main").inner_text()
    assert page.locator("#desk-sign ~ ul li").count() == 0, "nothing is missing"
    page.locator("input[name=checked]").check()
    page.locator("form[action$='/sign-off'] button").click()

    # rendered from the original, decoded and screened again; the dismissed finding keeps nobody
    until(lambda: held.state() == "ready", PATIENCE_S)
    with held.database.reading() as session:
        recording = session.get_one(Recording, held.recording_id)
        output = screenings.find_screening(session, recording.id, package_id=recording.package_id)
        assert output is not None
        assert (output.state, screenings.list_findings(session, output.id)) == ("done", [])
        assert output.notes["renditions"] >= 2


def mask_what_moves(page: Any, held: Held) -> None:
    """Draw over the name where it begins, move the mask by a key, let the worker follow it, make it last longer."""
    page.locator(".desk__tools button").first.click()
    frame = page.locator(".desk__layer").bounding_box()
    corner = (frame["x"] + frame["width"] * 55 / SIZE[0], frame["y"] + frame["height"] * 290 / SIZE[1])
    page.mouse.move(*corner)
    page.mouse.down()
    page.mouse.move(corner[0] + frame["width"] * 300 / SIZE[0], corner[1] + frame["height"] * 60 / SIZE[1], steps=4)
    page.mouse.up()
    drawn = float(page.locator("input[name=x]").input_value())
    page.keyboard.press("ArrowLeft")
    assert float(page.locator("input[name=x]").input_value()) == pytest.approx(drawn - 0.5, abs=0.01)
    page.locator(".desk__form > button").click()
    page.locator("[data-redaction] form[action$='/follow'] button").click()
    until(lambda: len(held.redactions()[0]["keys"]) > 1, PATIENCE_S)
    way = held.redactions()[0]["keys"]
    assert way[-1][1] - way[0][1] > 0.3, "it went with the name"

    # changed: until its own end
    open_desk(page, held)
    page.locator("[data-change]").click()
    wait_until(page, "document.querySelector('[name=redaction]').value !== ''")
    page.locator("input[name=end]").fill("0:07")
    page.locator(".desk__form > button").click()
    until(lambda: held.redactions()[0]["end_s"] == 7.0, PATIENCE_S)
    assert len(held.redactions()[0]["keys"]) == len(way)


def decide_by_keys(page: Any, held: Held) -> None:
    """One finding is dismissed with a reason, the others are taken out."""
    open_desk(page, held)
    page.keyboard.press("n")
    wait_until(page, "document.activeElement.closest('[data-finding]') !== null")
    page.keyboard.press("d")
    page.keyboard.type("Not of a patient")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    while page.locator("[data-finding][data-decision=open]").count():
        open_desk(page, held)
        page.keyboard.press("n")
        with page.expect_navigation():
            page.keyboard.press("a")
    assert page.locator("[data-decision=dismissed]").count() == 1
    assert len(held.redactions()) >= 2
