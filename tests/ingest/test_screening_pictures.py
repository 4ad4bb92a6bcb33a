"""Writing that appears in pictures is read once, followed while it stands, and told with its time and place."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ingest.screening.detail import Box, DetailWatch, Picture
from ingest.screening.patient import PatientValues
from ingest.screening.reading import ENLARGED, FINDS_AT, Line, Reader
from ingest.screening.room import RoomWatch, is_room
from ingest.screening.sightings import PictureScreen, Sighting, join, judge
from ingest.screening.speech import stretches

SIZE = (640, 360)
FONT = ImageFont.load_default(22)


def tissue(number: int) -> Picture:
    """A picture of soft spots that move on: nothing in it stands still."""
    dice = np.random.default_rng(4)
    spots = dice.integers(40, 150, (24, 40)).astype(np.uint8)
    wide = Image.fromarray(spots).resize((SIZE[0] * 2, SIZE[1] * 2), Image.Resampling.BICUBIC)
    offset = 23 * number % SIZE[0]
    return np.asarray(wide.crop((offset, offset // 2, offset + SIZE[0], offset // 2 + SIZE[1])), np.uint8)


def written(picture: Picture, text: str, at: tuple[int, int]) -> Picture:
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).text(at, text, font=FONT, fill=255, stroke_width=1, stroke_fill=0)
    return np.asarray(image, np.uint8)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def test_writing_that_appears_is_seen_and_what_was_seen_is_known() -> None:
    watch = DetailWatch()
    found: list[list[Box]] = []

    for number in range(8):
        picture = tissue(number)
        found.append(watch.look(written(picture, "Patient ID: A1234567", (40, 30)) if number >= 4 else picture))

    assert [len(boxes) for boxes in found[:5]] == [0] * 5
    (box,) = found[5]
    assert box.left <= 45
    assert box.top <= 35
    assert box.right >= 200
    assert found[6] == found[7] == []


def test_a_label_of_a_second_is_one_finding_with_its_time_and_place(reader: Reader) -> None:
    screen = PictureScreen(reader, 3600.0)

    for number in range(15):
        shown = 6 <= number < 9  # one second at three pictures a second
        picture = tissue(number)
        screen.look(100 + number / 3, written(picture, "MRN 00772319", (300, 180)) if shown else picture)
    (found,) = [one for one in screen.finish() if one.rule == "identifier"]

    assert 101.3 <= found.start_s <= 102.1
    assert 102.6 <= found.end_s <= 103.7
    x, y, width, height = found.box
    assert x * SIZE[0] <= 305
    assert (x + width) * SIZE[0] >= 400
    assert 170 <= y * SIZE[1] <= 190
    assert height * SIZE[1] <= 40
    assert found.picture.size > 0


def test_a_label_that_stands_is_read_once_and_told_as_one(reader: Reader) -> None:
    screen = PictureScreen(reader, 3600.0)
    told = []

    for number in range(36):
        screen.look(100 + number / 3, written(tissue(number), "DOB: 1980-01-02", (30, 300)))
        if number == 20:
            told.append([one for one in screen.so_far() if one.rule == "date"])
    told.append([one for one in screen.finish() if one.rule == "date"])

    assert [len(one) for one in told] == [1, 1], "told again at the end, longer"
    assert told[1][0].end_s > told[0][0].end_s
    assert told[1][0].end_s == pytest.approx(112.0, abs=0.7)


def test_a_value_of_the_header_is_told_as_such(reader: Reader) -> None:
    screen = PictureScreen(reader, 3600.0, PatientValues(latin=frozenset({"muellerhannelore"})))

    for number in range(6):
        screen.look(100 + number / 3, written(tissue(number), "Mueller Hannelore", (200, 40)))

    assert "header" in {one.rule for one in screen.finish()}


def test_what_says_nothing_by_itself_is_read_with_the_line_that_it_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [Box(40, 100, 100, 130), Box(104, 100, 160, 130), Box(400, 100, 460, 130)]
    scale = ENLARGED * FINDS_AT
    corners = [[(x * scale, y * scale) for x in (box.left, box.right) for y in (box.top, box.bottom)] for box in seen]
    monkeypatch.setattr(Reader, "_finder", lambda *_, **__: SimpleNamespace(boxes=corners))
    monkeypatch.setattr(Reader, "_says_anything", lambda _self, _picture, box: box.left < 60)

    [line] = Reader()._likely(tissue(0), [Box(0, 0, *SIZE)], ENLARGED)

    assert line.left <= 40
    assert 160 <= line.right < 400


@pytest.mark.parametrize(
    ("texts", "rules"),
    [
        (["患者"], ["identifier"]),
        (["姓名：", "张伟"], ["identifier", "name"]),
        (["姓名：张伟"], ["name"]),
        (["这位患者"], ["text"]),
    ],
)
def test_a_prefix_whose_value_was_not_read_is_told_of(texts: list[str], rules: list[str]) -> None:
    lines = [Line(text, Box(10, 40 * number, 90, 40 * number + 30), 0.95) for number, text in enumerate(texts)]

    found = judge(lines, PatientValues())

    assert [line.text for line, _ in found] == texts
    for rule, (_, matches) in zip(rules, found, strict=True):
        assert rule in {match.rule for match in matches}


def test_moving_tissue_alone_is_no_finding(reader: Reader) -> None:
    screen = PictureScreen(reader, 3600.0)

    for number in range(24):
        screen.look(100 + number / 3, tissue(number))

    assert screen.finish() == []


def test_sightings_of_one_place_join_and_others_do_not() -> None:
    def sighting(start_s: float, end_s: float, x: float = 0.1) -> Sighting:
        return Sighting("name", (x, 0.1, 0.2, 0.05), start_s, end_s, 0.9, np.zeros((4, 4), np.uint8))

    joined = join([sighting(0, 4), sighting(9, 12), sighting(40, 41), sighting(10, 11, x=0.7)])

    assert sorted((one.start_s, one.end_s) for one in joined) == [(0, 12), (10, 11), (40, 41)]


def test_speech_is_told_in_stretches_with_its_pauses() -> None:
    step_s = 512 / 16000
    chances = [0.0] * 100 + [0.9] * 50 + [0.1] * 10 + [0.8] * 50 + [0.0] * 200 + [0.9] * 2 + [0.0] * 50

    (one,) = stretches(chances, 60.0)

    assert one.start_s == pytest.approx(60 + 100 * step_s - 0.3, abs=0.01)
    assert one.end_s == pytest.approx(60 + 210 * step_s + 0.3, abs=0.01)
    assert one.confidence == 0.9


def test_drapes_are_a_room_and_tissue_and_grey_are_not() -> None:
    drapes, flesh = np.full((54, 96, 3), (140, 120, 40), np.uint8), np.full((54, 96, 3), (50, 60, 190), np.uint8)
    grey = np.full((54, 96, 3), 120, np.uint8)
    watch = RoomWatch(2.0)

    for number, picture in enumerate([flesh, drapes, drapes, flesh, grey, drapes, flesh]):
        watch.look(2.0 * number, picture)

    assert (is_room(drapes), is_room(flesh), is_room(grey)) == (True, False, False)
    assert watch.stretches == [(0.0, 6.0)], "one glance alone may be an instrument"
