"""What is taken out is filled in every rendition that is made, at its time and nowhere else; nothing moves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ingest.ffmpeg import Limits, run_ffmpeg
from ingest.inspect import inspect
from ingest.pipeline import Method, package_recording
from ingest.plan import plan
from ingest.redaction import (
    Key,
    Redaction,
    chapters_left,
    patches_of,
    read_redactions,
    texts_left,
    with_redactions,
)
from ingest.screening.detail import Picture
from ingest.screening.frames import Shown, Stretch, look_through
from ingest.screening.output import Regions, files_of, is_filled
from ingest.subtitles import FoundChapter, TextTrack
from tests.samples import make_recording
from videolib.cues import Cue

MASK = Redaction("mask", 0.0, 6.0, (Key(0.0, 0.1, 0.1, 0.3, 0.2),))
# one that goes from left to right in its time, grey
MOVING = Redaction("mask", 1.0, 5.0, (Key(1.0, 0.1, 0.6, 0.2, 0.2), Key(5.0, 0.6, 0.6, 0.2, 0.2)), fill="grey")
LATER = Redaction("mask", 4.0, 6.0, (Key(4.0, 0.7, 0.1, 0.2, 0.2),), fill="white")


def whole(folder: Path, rendition: str, out: Path) -> Path:
    """A rendition as one file."""
    names = files_of((folder / "video" / rendition / "index.m3u8").read_text("utf-8"))
    out.write_bytes(b"".join((folder / "video" / rendition / name).read_bytes() for name in names))
    return out


def pictures(path: Path) -> list[tuple[float, Picture]]:
    inspection = inspect(path)
    found: list[tuple[float, Picture]] = []

    def keep(time_s: float, shown: Shown) -> None:
        found.append((time_s, shown.grey))

    look_through(path, inspection, Stretch(0.0, inspection.duration_s), keep)
    return found


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("redact") / "in.mp4", seconds=6, size="640x360")


def test_every_rendition_is_filled_where_and_when_it_was_decided(source: Path, tmp_path: Path) -> None:
    redactions = (MASK, MOVING, LATER)

    report = package_recording(source, tmp_path / "out", method=Method(redactions=redactions))

    renditions = report.package["renditions"]
    assert isinstance(renditions, list)
    assert len(renditions) >= 2
    assert not any(one["copied"] for one in renditions)
    for one in renditions:
        video = whole(tmp_path / "out", one["name"], tmp_path / f"{one['name']}.mp4")
        regions = Regions(redactions)
        shown = pictures(video)
        for time_s, picture in shown:
            regions.look(time_s, picture)
        assert regions.failures == [], one["name"]
        before = [picture for time_s, picture in shown if time_s < 3.0]
        assert before
        assert not any(is_filled(picture, patches_of(LATER)[0]) for picture in before), "filled before its time"


def test_a_region_that_was_to_be_filled_and_is_not_is_told(source: Path) -> None:
    regions = Regions((MASK,))

    for time_s, picture in pictures(source):
        regions.look(time_s, picture)

    assert [failure.rule for failure in regions.failures] == ["masked_region"]


def test_a_cut_is_a_card_of_equal_length_and_silence(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=6, size="320x240", audio=True)
    cut = Redaction("cut", 2.0, 4.0)

    report = package_recording(source, tmp_path / "out", method=Method(redactions=(cut,)))

    assert report.package["duration_s"] == pytest.approx(6.0, abs=0.1)
    top = report.package["renditions"][0]["name"]  # type: ignore[index]
    shown = pictures(whole(tmp_path / "out", str(top), tmp_path / "top.mp4"))
    (card,) = patches_of(cut)
    assert [time_s for time_s, picture in shown if 2.0 < time_s < 4.0 and not is_filled(picture, card)] == []
    assert [time_s for time_s, picture in shown if time_s < 1.3 and is_filled(picture, card)] == []
    audio = next((tmp_path / "out" / "audio").iterdir())
    joined = tmp_path / "sound.mp4"
    names = files_of((audio / "index.m3u8").read_text("utf-8"))
    joined.write_bytes(b"".join((audio / name).read_bytes() for name in names))
    assert loudest_db(joined, 2.2, 1.6) < -80
    assert loudest_db(joined, 0.2, 1.5) > -60


def loudest_db(sound: Path, start_s: float, length_s: float) -> float:
    arguments = [
        "-v",
        "info",
        "-ss",
        str(start_s),
        "-i",
        "{source}",
        "-t",
        str(length_s),
        "-af",
        "volumedetect",
        "-f",
        "null",
        "-",
    ]
    told = run_ffmpeg(arguments, source=sound, out=None, limits=Limits.for_duration(30)).stderr_tail
    return float(told.partition("max_volume: ")[2].partition(" dB")[0])


def test_a_crop_fills_what_lies_outside() -> None:
    crop = Redaction("crop", 0.0, 9.0, (Key(0.0, 0.2, 0.1, 0.5, 0.6),))

    sides = patches_of(crop)

    assert len(sides) == 4
    assert sum(side.width * side.height for side in sides) == pytest.approx(1 - 0.5 * 0.6)


def test_a_moving_mask_covers_all_of_its_way() -> None:
    steps = patches_of(MOVING)

    for number in range(41):
        time_s = 1.0 + number / 10
        x = 0.1 + 0.5 * number / 40
        over = [step for step in steps if step.start_s <= time_s <= step.end_s]
        assert any(step.x <= x + 1e-9 and step.x + step.width >= x + 0.2 - 1e-9 for step in over), time_s


def test_edges_lie_on_even_pixels_outwards_and_times_have_a_margin(source: Path) -> None:
    encode_plan = plan(inspect(source))

    drawn = dict(with_redactions(encode_plan, (replace(MASK, start_s=2.0),)).filters[-1].options)

    assert {key: int(drawn[key]) % 2 for key in ("x", "y", "w", "h")} == {"x": 0, "y": 0, "w": 0, "h": 0}
    assert int(drawn["x"]) <= 64
    assert int(drawn["x"]) + int(drawn["w"]) >= 64 + 192
    assert "between(t,1.600" in drawn["enable"]
    assert with_redactions(encode_plan, ()) is encode_plan


def test_text_of_a_time_is_left_out_and_the_rest_stays() -> None:
    track = TextTrack("en", "en", "embedded", (Cue(0.0, 1.0, "hello"), Cue(2.0, 3.0, "Zhang San")))
    drop = Redaction("drop_text", 1.5, 3.5)

    (left,) = texts_left((track,), (drop,))

    assert [cue.text for cue in left.cues] == ["hello"]
    assert texts_left((track,), (replace(drop, start_s=0.0),)) == ()
    assert chapters_left((FoundChapter(2.0, 3.0, "Zhang San"),), (drop,)) == ()


def test_rows_become_redactions() -> None:
    stored = [{"kind": "mask", "start_s": 1, "end_s": 2, "keys": [[1, 0.1, 0.2, 0.3, 0.4]], "fill": "white"}]

    (one,) = read_redactions(stored)

    assert one == Redaction("mask", 1.0, 2.0, (Key(1.0, 0.1, 0.2, 0.3, 0.4),), "white")
    (patch,) = patches_of(one)
    assert (patch.start_s, patch.end_s, patch.colour) == (1.0, 2.0, "white")
