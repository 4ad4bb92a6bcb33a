"""How much planted patient information screening finds, how often it cries wolf, and what it costs.

    bench/screening.py recall [--clips 6] [--seed 1] [--misses] [--log FILE]
    bench/screening.py output [--clips 2] [--seed 1] [--log FILE]
    bench/screening.py clean [--minutes 1] [--clip 0] [--log FILE]
    bench/screening.py hour --folder FOLDER [--minutes 60] [--from 0] [--until 12] [--log FILE]

`recall` burns identifiers into clips (`bench/planting.py`), encodes them as a recorder does and screens them as the
worker does in the middle of an hour. `output` then masks what was found, packages the clip, decodes every rendition and
counts what can still be found there, in the poster and in the storyboard. `clean` screens clips with nothing burned in.
`hour` makes a recording of an hour once (in FOLDER; six scenes of half a minute, labels that stand in half of them, one
of a second in each, speech) and screens minutes of it with all that the worker does. Slices add up in the log, a JSON
line each; `totals` prints what a log holds.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pydicom.dataset import Dataset

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import planting  # noqa: E402 - the path is set just above
from bench.planting import HEIGHT, LENGTH_S, SHARED, WIDTH, Planted  # noqa: E402
from ingest.ffmpeg import find_tools  # noqa: E402
from ingest.inspect import inspect  # noqa: E402
from ingest.pipeline import Method, package_recording  # noqa: E402
from ingest.redaction import Key, Redaction  # noqa: E402
from ingest.screening.frames import Shown, Stretch, look_through  # noqa: E402
from ingest.screening.output import Regions, files_of  # noqa: E402
from ingest.screening.patient import PatientValues, values_of  # noqa: E402
from ingest.screening.reading import Reader  # noqa: E402
from ingest.screening.sightings import PictureScreen, Sighting, judge  # noqa: E402
from ingest.screening.stretches import STRETCH_S, Crops, Looker  # noqa: E402
from ingest.screening.work import zero_s_of  # noqa: E402
from videolib.catalogue.redactions import MARGIN  # noqa: E402
from videolib.storage import open_store  # noqa: E402

# a clip is looked at as if it lay here in a recording of an hour: not in the half minutes that are looked at most
AT_S, HOUR_S = 1200.0, 3600.0
SCENE_S = 30.0
SPEECH = SHARED / "testdata" / planting.BACKGROUNDS[0]

Row = dict[str, Any]


def main() -> None:
    """Measure one thing, print it, and add it to the log."""
    cv2.setNumThreads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("recall", "output", "clean", "hour", "totals"))
    parser.add_argument("--clips", type=int, default=6)
    parser.add_argument("--clip", type=int, default=0, help="which background is screened clean")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--from", dest="first", type=float, default=0.0)
    parser.add_argument("--until", type=float, default=12.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misses", action="store_true", help="print what was missed and what was cried")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    rows = []
    if options.what != "totals":
        with tempfile.TemporaryDirectory() as name:
            for row in MEASURES[options.what](options, Path(name)):
                rows.append({"what": options.what, **row})
                if options.log:
                    with options.log.open("a") as log:
                        log.write(json.dumps(rows[-1]) + "\n")
    elif options.log:
        rows = [json.loads(line) for line in options.log.read_text("utf-8").splitlines()]
    print_totals(rows)


def recall(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """What is found of what is planted, by class."""
    reader = Reader()
    for path, planted, values in planted_clips(options, folder):
        sightings, cpu_s, content_s = screen(path, reader, values)
        wanted, got = Counter[str](), Counter[str]()
        for one in planted:
            wanted[one.group] += 1
            got[one.group] += is_found(one, sightings)
            if options.misses and not is_found(one, sightings):
                what = (one.group, one.text, one.size_px, one.font, one.style, one.box, round(one.start_s, 2))
                print("missed", path.stem, *what, flush=True)
        yield {"wanted": wanted, "found": got, "cpu_s": cpu_s, "content_s": content_s}


def output(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """What can be found in a package after all that was found has been masked."""
    reader = Reader()
    for path, planted, values in planted_clips(options, folder):
        sightings, _cpu_s, _content_s = screen(path, reader, values)
        known = [one for one in planted if is_found(one, sightings)]
        redactions = tuple(mask_over(replace(one, start_s=one.start_s - AT_S, end_s=one.end_s - AT_S))
                           for one in sightings)  # fmt: skip
        out = folder / f"{path.stem}-out"
        package_recording(path, out, method=Method(redactions=redactions))
        left = shown = renditions = 0
        for playlist in sorted((out / "video").glob("*/index.m3u8")):
            whole = folder / "rendition.mp4"
            names = files_of(playlist.read_text("utf-8"))
            whole.write_bytes(b"".join((playlist.parent / name).read_bytes() for name in names))
            regions = Regions(redactions)
            seen, _cpu_s, _content_s = screen(whole, reader, values, regions)
            renditions += 1
            left += sum(is_found(one, seen) for one in known)
            shown += len(regions.failures)
        pictures = list(out.glob("*.jpg"))
        for picture in pictures:
            grey = np.asarray(cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE), np.uint8)
            left += sum(
                any(match.rule != "text" for match in found) for _line, found in judge(reader.read(grey), values)
            )
        yield {
            "masked": len(known),
            "left": left,
            "regions_shown": shown,
            "renditions": renditions,
            "pictures": len(pictures),
        }


def clean(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """How many minutes of one clip with nothing burned in are flagged."""
    minutes = options.minutes or 1.0
    name = planting.BACKGROUNDS[options.clip]
    pictures = planting.pictures_of(name, folder)
    path = folder / "clean.mp4"
    planting.write_clip(planting.burn(planting.there_and_back(pictures, 60 * minutes), []), path)
    sightings, cpu_s, _content_s = screen(path, Reader(), PatientValues())
    cried = [one for one in sightings if one.rule != "text"]
    flagged = {
        minute
        for one in cried
        for minute in range(int((one.start_s - AT_S) // 60), int((one.end_s - AT_S - 0.4) // 60) + 1)
    }
    if options.misses:
        print("cried", name, [(one.rule, one.box, round(one.start_s - AT_S, 1)) for one in cried])
    yield {"minutes": minutes, "flagged": len(flagged), "other": len(sightings) - len(cried), "cpu_s": cpu_s}


def hour(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """What some minutes of a long recording cost, with everything that the worker looks and listens for."""
    path = long_recording(options.folder or folder, 60 * (options.minutes or 60.0), folder)
    inspection = inspect(path)
    store = open_store(f"file:{folder / 'crops'}")
    store.prepare()
    crops = Crops(store, "bench")
    before = _cpu_s()
    looker = Looker(path, inspection, PatientValues(), zero_s_of(inspection), crops, lambda: False, Reader())
    at_s, end_s, found = 60 * options.first, min(60 * options.until, inspection.duration_s), 0
    while at_s < end_s:
        stretch = Stretch(at_s, min(end_s, at_s + STRETCH_S))
        found += len(looker.look(stretch))
        at_s = stretch.end_s
    content_s = end_s - 60 * options.first
    yield {"cpu_s": _cpu_s() - before, "content_s": content_s, "told": found, "length_s": inspection.duration_s}


MEASURES = {"recall": recall, "output": output, "clean": clean, "hour": hour}


def planted_clips(options: argparse.Namespace, folder: Path) -> Iterator[tuple[Path, list[Planted], PatientValues]]:
    """Make clips one after another, each from the next background, with what is planted in it."""
    dice = random.Random(options.seed)
    for number in range(options.clips):
        background = planting.BACKGROUNDS[number % len(planting.BACKGROUNDS)]
        header = planting.HEADER_NAMES[number % len(planting.HEADER_NAMES)]
        pictures = planting.pictures_of(background, folder)
        planted = planting.plant(dice, header)
        path = folder / f"{number}-{Path(background).stem}.mp4"
        planting.write_clip(planting.burn(planting.there_and_back(pictures, LENGTH_S), planted), path)
        del pictures
        yield path, planted, values_of(header_of(header))
        path.unlink()


def header_of(names: tuple[str, str]) -> Dataset:
    """Return the header that a DICOM recording of this patient has."""
    han, latin = names
    dataset = Dataset()
    dataset.PatientName = latin.replace(" ", "^") + ("" if han.isascii() else f"={han}")
    dataset.PatientID = planting.HEADER_NUMBER
    return dataset


def screen(
    path: Path, reader: Reader, values: PatientValues, regions: Regions | None = None
) -> tuple[list[Sighting], float, float]:
    """Screen a clip as the worker does in the middle of an hour; return sightings, CPU seconds, seconds of content."""
    before = _cpu_s()
    inspection = inspect(path)
    found = PictureScreen(reader, HOUR_S, values)

    def see(time_s: float, shown: Shown) -> None:
        found.look(AT_S + time_s, shown.grey)
        if regions is not None:
            regions.look(time_s, shown.grey)

    look_through(path, inspection, Stretch(0.0, inspection.duration_s), see)
    return found.finish(), _cpu_s() - before, inspection.duration_s


def is_found(one: Planted, sightings: list[Sighting]) -> bool:
    """Whether a rule held at that place and time; for a value of the header that rule."""
    x, y, right, bottom = one.box
    for sighting in sightings:
        if sighting.rule == "text" or (one.kind == "header" and sighting.rule != "header"):
            continue
        left, top, width, height = (
            share * side for share, side in zip(sighting.box, (WIDTH, HEIGHT, WIDTH, HEIGHT), strict=True)
        )
        across = max(0.0, min(right, left + width) - max(x, left))
        down = max(0.0, min(bottom, top + height) - max(y, top))
        start_s, end_s = sighting.start_s - AT_S, sighting.end_s - AT_S
        in_time = start_s <= one.end_s + 0.4 and end_s >= one.start_s - 0.4
        if in_time and across * down > 0.3 * min((right - x) * (bottom - y), width * height):
            return True
    return False


def mask_over(sighting: Sighting) -> Redaction:
    """Return the mask that accepting a finding draws."""
    x, y, width, height = sighting.box
    left, top = max(0.0, x - MARGIN), max(0.0, y - MARGIN)
    wide, high = min(1 - left, x - left + width + MARGIN), min(1 - top, y - top + height + MARGIN)
    start_s = max(0.0, sighting.start_s)
    end_s = max(sighting.end_s, start_s + 0.5)
    return Redaction("mask", start_s, end_s, (Key(start_s, left, top, wide, high),))


def long_recording(folder: Path, length_s: float, scratch: Path) -> Path:
    """Return a recording of that length with labels and speech, made where it is not there yet."""
    path = folder / f"long-{length_s:.0f}.mp4"
    if path.exists():
        return path
    dice, base = random.Random(7), folder / "scenes.mp4"

    def scenes() -> Iterator[bytes]:
        for number, name in enumerate(planting.BACKGROUNDS):
            pictures = planting.pictures_of(name, scratch)
            labels = [one for one in planting.plant(dice, planting.HEADER_NAMES[0]) if one.place != "window"]
            stands = [replace(one, end_s=SCENE_S) for one in labels if one.end_s == LENGTH_S][: 2 * (number % 2)]
            comes = [one for one in labels if one.end_s < LENGTH_S][:1]
            yield from planting.burn(planting.there_and_back(pictures, SCENE_S), [*stands, *comes])

    planting.write_clip(scenes(), base)
    command = [find_tools().ffmpeg, "-v", "error", "-nostdin", "-stream_loop", "-1", "-i", base]
    command += ["-stream_loop", "-1", "-i", SPEECH, "-map", "0:v", "-map", "1:a", "-t", length_s, "-c", "copy", path]
    subprocess.run(list(map(str, command)), check=True)
    base.unlink()
    return path


def print_totals(rows: list[Row]) -> None:
    """Print what rows add up to, a table for each thing that was measured."""
    wanted, found = Counter[str](), Counter[str]()
    for row in rows:
        wanted.update(row.get("wanted", {}))
        found.update(row.get("found", {}))
    for group in sorted(wanted):
        print(f"{group:<28}{found[group]:>6}{wanted[group]:>6}{found[group] / wanted[group]:>9.1%}")
    for what, names in {
        "recall": ("cpu_s", "content_s"),
        "output": ("masked", "left", "regions_shown", "renditions", "pictures"),
        "clean": ("minutes", "flagged", "other", "cpu_s"),
        "hour": ("cpu_s", "content_s", "told"),
    }.items():
        mine = [row for row in rows if row["what"] == what]
        sums = {name: round(sum(row[name] for row in mine), 1) for name in names}
        if mine:
            print(what, *(f"{name} {number}" for name, number in sums.items()))
        if mine and sums.get("content_s"):
            print(f"{what}: CPU s per content second {sums['cpu_s'] / sums['content_s']:.3f}")


def _cpu_s() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main()
