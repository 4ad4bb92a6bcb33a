"""How much planted patient information screening finds, how often it cries wolf, and what it costs.

    python -m bench.screening [--clips 24] [--clean-minutes 1] [--seed 1] [--misses]

Burns identifiers (Chinese and Latin, 14 to 36 px at 1080p, four fonts, four ways of writing) into real clips of the
shared test data, moving and still ones, encodes them as a recorder does (H.264), and screens them as the worker does:
labels that stand in the edge bands and elsewhere, labels of one second, and values that only a header gives away.
Then it screens clips with nothing burned in. Counts, CPU seconds and seconds of content on standard output.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
SHARED = (ROOT / os.environ.get("VIDEOLIB_TEST_SHARED", "../shared")).resolve()
sys.path.insert(0, str(ROOT))

from ingest.dicom import convert_cine  # noqa: E402 - the path is set just above
from ingest.ffmpeg import Limits, run_ffmpeg  # noqa: E402
from ingest.inspect import inspect  # noqa: E402
from ingest.screening.frames import Stretch, look_through  # noqa: E402
from ingest.screening.patient import PatientValues  # noqa: E402
from ingest.screening.reading import Reader  # noqa: E402
from ingest.screening.sightings import PictureScreen, Sighting  # noqa: E402

WIDTH, HEIGHT, FPS, LENGTH_S = 1920, 1080, 25, 10.0
MOVING = ("surgical/lap_cholecystectomy_720p25_aac.mp4", "surgical/robotic_cutting_tissue_640x512.mp4")
STILL = (
    "surgical/us_clarius_ocular_960p.mp4",
    "surgical/us_sonosite_eye_720p.mp4",
    "dicom/xa_coronary_12f_rle.dcm",
    "dicom/xa_coronary_96f_jpegbaseline_masksub.dcm",
)
FONTS = {
    "sans": "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "serif": "/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc",
    "latin": "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "mono": "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
}
SIZES_PX = (14, 16, 18, 22, 28, 36)
STYLES = ("white", "yellow", "outline", "translucent")
HAN_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀兰霞平刚桂英建华文玉红志国海燕晓春"
HAN_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
LATIN_NAMES = ("ZHANG WEI", "LI NA", "WANG FANG", "CHEN MING", "Smith John", "GARCIA MARIA", "Liu Yang", "HUANG LEI")
HEADER_NAMES = (("钱慧茹", "QIAN HUIRU"), ("濮存昕", "PU CUNXIN"), ("MUELLER HANNELORE", "MUELLER HANNELORE"))
HEADER_NUMBER = "QX7730912"


@dataclass(frozen=True)
class Planted:
    """An identifier in a clip: its text, kind, size, how it is written, where, and when."""

    text: str
    kind: str
    size_px: int
    font: str
    style: str
    place: str
    box: tuple[int, int, int, int]
    start_s: float
    end_s: float
    patch: Image.Image

    @property
    def group(self) -> str:
        """The class that a target is set for."""
        if self.kind == "header":
            return "header"
        size = ">=18px" if self.size_px >= 18 else "<18px"
        length = "1 s" if self.end_s - self.start_s < LENGTH_S - 1 else "whole"
        return f"{self.place} {size} {length}"


def backgrounds() -> dict[str, Path]:
    """Return the clips to write on, by name."""
    return {name: SHARED / "testdata" / name for name in (*MOVING, *STILL)}


def pictures_of(path: Path, folder: Path) -> list[NDArray[np.uint8]]:
    """Return a clip's pictures at 1080p, at most ten seconds of them."""
    if path.suffix == ".dcm":
        folder.mkdir(exist_ok=True)
        path = convert_cine(path, folder)
    out = folder.parent / f"{path.stem}.raw"
    steps = (
        f"fps={FPS},scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=decrease,pad={WIDTH}:{HEIGHT}:-1:-1,format=bgr24"
    )
    arguments = ["-i", "{source}", "-t", str(LENGTH_S), "-vf", steps, "-an", "-f", "rawvideo", f"{{out}}/{out.name}"]
    run_ffmpeg(arguments, source=path, out=out.parent, limits=Limits.for_duration(60))
    stack = np.fromfile(out, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)
    out.unlink()
    return list(stack)


def identifiers(dice: random.Random) -> tuple[str, str]:
    """Return an identifier and its kind."""
    name = dice.choice(HAN_SURNAMES) + "".join(dice.choices(HAN_GIVEN, k=dice.choice((1, 2))))
    number = str(dice.randint(10_000_000, 99_999_999))
    day = f"{dice.randint(1930, 2010)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    return dice.choice(
        [
            (f"{dice.choice(('姓名', '患者', '病人'))}：{name}", "name"),
            (f"{name} {dice.choice('男女')} {dice.randint(18, 90)}岁", "name"),
            (f"{dice.choice(('住院号', '门诊号', '病案号'))}：{number}", "hospital number"),
            (national_id(dice), "national id"),
            (f"1{dice.choice('3578')}{dice.randint(10**8, 10**9 - 1)}", "mobile"),
            (f"出生日期 {day}", "date"),
            (f"DOB: {day}", "date"),
            (f"Name: {dice.choice(LATIN_NAMES)}", "latin name"),
            (f"Patient ID: {dice.choice('ABC')}{number}", "latin number"),
            (f"MRN {number}", "latin number"),
            (f"床号：{dice.randint(1, 99)} {name}", "name"),
        ]
    )


def national_id(dice: random.Random) -> str:
    """Return an identity number with a right check sign."""
    digits = (
        f"{dice.choice(('110105', '310104', '440106', '510107'))}{dice.randint(1940, 2010)}{dice.randint(1, 12):02}"
    )
    digits += f"{dice.randint(1, 28):02}{dice.randint(0, 999):03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11]


def patch_of(text: str, font: str, size_px: int, style: str) -> Image.Image:
    """Return a text as a picture with transparency."""
    face = ImageFont.truetype(FONTS[font], size_px)
    left, top, right, bottom = face.getbbox(text)
    image = Image.new("RGBA", (int(right - left) + 6, int(bottom - top) + 6))
    colour = (255, 240, 60, 255) if style == "yellow" else (255, 255, 255, 190 if style == "translucent" else 255)
    outline = 1 if style == "outline" else 0
    ImageDraw.Draw(image).text(
        (3 - left, 3 - top), text, font=face, fill=colour, stroke_width=outline, stroke_fill=(0, 0, 0, 255)
    )
    return image


def plant(dice: random.Random, header: tuple[str, str]) -> list[Planted]:
    """Return what is burned into one clip: labels that stand, labels of a second, and one of the header's values."""
    taken: list[tuple[int, int, int, int]] = []
    found: list[Planted] = []
    wishes = [("edge", True)] * 5 + [("elsewhere", True)] * 3 + [("edge", False)] * 2 + [("elsewhere", False)] * 2
    wishes += [("header", True)]
    for where, stands in wishes:
        text, kind = identifiers(dice) if where != "header" else (dice.choice((*header, HEADER_NUMBER)), "header")
        place = dice.choice(("edge", "elsewhere")) if where == "header" else where
        is_latin = text.isascii()
        font = dice.choice(("sans", "serif", "latin", "mono") if is_latin else ("sans", "serif"))
        size_px = dice.choice(SIZES_PX[2:] if where == "header" else SIZES_PX)
        style = dice.choice(STYLES)
        patch = patch_of(text, font, size_px, style)
        box = _free_place(dice, patch, place, taken)
        if box is None:
            continue
        taken.append(box)
        start_s = 0.0 if stands else dice.uniform(1.0, LENGTH_S - 2.0)
        end_s = LENGTH_S if stands else start_s + 1.0
        found.append(Planted(text, kind, size_px, font, style, place, box, start_s, end_s, patch))
    return found


def _free_place(
    dice: random.Random, patch: Image.Image, place: str, taken: list[tuple[int, int, int, int]]
) -> tuple[int, int, int, int] | None:
    quarter = HEIGHT // 4
    for _ in range(200):
        tops = (
            [(8, quarter - patch.height), (HEIGHT - quarter, HEIGHT - patch.height - 8)]
            if place == "edge"
            else [(quarter, HEIGHT - quarter - patch.height)]
        )
        low, high = dice.choice(tops)
        x, y = dice.randint(8, WIDTH - patch.width - 8), dice.randint(low, max(low, high))
        box = (x, y, x + patch.width, y + patch.height)
        if not any(
            box[0] < b[2] + 40 and b[0] < box[2] + 40 and box[1] < b[3] + 20 and b[1] < box[3] + 20 for b in taken
        ):
            return box
    return None


def write_clip(
    pictures: list[NDArray[np.uint8]], planted: list[Planted], path: Path, *, length_s: float = LENGTH_S
) -> None:
    """Encode pictures, there and back until the clip is long enough, with what is planted burned in."""
    layers = [
        (one, np.asarray(one.patch.convert("RGB"))[:, :, ::-1].astype(np.float32), _alpha(one.patch)) for one in planted
    ]

    def feed() -> Iterator[bytes]:
        order = itertools.cycle([*range(len(pictures)), *range(len(pictures) - 2, 0, -1)])
        for number in range(round(length_s * FPS)):
            picture = pictures[next(order)]
            shown = [layer for layer in layers if layer[0].start_s <= number / FPS < layer[0].end_s]
            if shown:
                picture = picture.copy()
            for one, colour, alpha in shown:
                left, top, right, bottom = one.box
                under = picture[top:bottom, left:right].astype(np.float32)
                picture[top:bottom, left:right] = (under * (1 - alpha) + colour * alpha).astype(np.uint8)
            yield picture.tobytes()

    arguments = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "pipe:0"]
    arguments += [
        "-c:v",
        "libx264",
        "-preset",
        "superfast",
        "-crf",
        "23",
        "-g",
        "50",
        "-pix_fmt",
        "yuv420p",
        f"{{out}}/{path.name}",
    ]
    run_ffmpeg(arguments, source=None, out=path.parent, limits=Limits.for_duration(3600), feed=feed())


def _alpha(patch: Image.Image) -> NDArray[np.float32]:
    return np.asarray(patch.getchannel("A"), np.float32)[:, :, None] / 255.0


def screen(path: Path, reader: Reader, values: PatientValues) -> tuple[list[Sighting], float, float]:
    """Screen a clip as the worker does; return the sightings, CPU seconds and seconds of content."""
    before = _cpu_s()
    inspection = inspect(path)
    found = PictureScreen(reader, inspection.duration_s, values)
    look_through(
        path, inspection, Stretch(0.0, inspection.duration_s), lambda at_s, shown: found.look(at_s, shown.grey)
    )
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
        in_time = sighting.start_s <= one.end_s + 0.4 and sighting.end_s >= one.start_s - 0.4
        if in_time and across * down > 0.3 * min((right - x) * (bottom - y), width * height):
            return True
    return False


def _cpu_s() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--clean-minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misses", action="store_true", help="print what was missed and what was cried")
    options = parser.parse_args()
    reader, dice = Reader(), random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = {path: pictures_of(source, folder / "dicom") for path, source in backgrounds().items()}
        if options.clips:
            _planted(clips, reader, dice, options, folder)
        if options.clean_minutes:
            _clean(clips, reader, options, folder)


def _planted(
    clips: dict[str, list[NDArray[np.uint8]]],
    reader: Reader,
    dice: random.Random,
    options: argparse.Namespace,
    folder: Path,
) -> None:
    wanted, got, cpu_s, content_s = Counter[str](), Counter[str](), 0.0, 0.0
    names = list(clips)
    for number in range(options.clips):
        background, header = names[number % len(names)], HEADER_NAMES[number % len(HEADER_NAMES)]
        planted = plant(dice, header)
        path = folder / f"clip-{number}.mp4"
        write_clip(clips[background], planted, path)
        latin = frozenset(part.replace(" ", "").casefold() for part in header if part.isascii())
        values = PatientValues(
            han=frozenset(part for part in header if not part.isascii()),
            latin=latin,
            numbers=frozenset({HEADER_NUMBER.casefold()}),
        )
        sightings, took_s, length_s = screen(path, reader, values)
        path.unlink()
        cpu_s, content_s = cpu_s + took_s, content_s + length_s
        for one in planted:
            wanted[one.group] += 1
            if is_found(one, sightings):
                got[one.group] += 1
            elif options.misses:
                print(
                    "missed",
                    background,
                    one.group,
                    repr(one.text),
                    one.size_px,
                    one.font,
                    one.style,
                    one.box,
                    round(one.start_s, 2),
                    flush=True,
                )
    print(f"{'planted':<28}{'found':>7}{'of':>7}{'recall':>9}")
    for group in sorted(wanted):
        print(f"{group:<28}{got[group]:>7}{wanted[group]:>7}{got[group] / wanted[group]:>9.1%}")
    print(f"CPU s per content second, with labels: {cpu_s / content_s:.3f} ({content_s:.0f} s)", flush=True)


def _clean(
    clips: dict[str, list[NDArray[np.uint8]]], reader: Reader, options: argparse.Namespace, folder: Path
) -> None:
    minutes = flagged = 0
    for background, pictures in clips.items():
        path = folder / "clean.mp4"
        length_s = 60.0 * options.clean_minutes
        write_clip(pictures, [], path, length_s=length_s)
        sightings, took_s, content_s = screen(path, reader, PatientValues())
        path.unlink()
        cried = [one for one in sightings if one.rule != "text"]
        here = {
            minute
            for one in cried
            for minute in range(int(one.start_s // 60), int(max(one.start_s, one.end_s - 0.1) // 60) + 1)
        }
        minutes, flagged = minutes + round(length_s / 60 + 0.499), flagged + len(here)
        rules = ", ".join(sorted({one.rule for one in cried})) or "none"
        other = sum(one.rule == "text" for one in sightings)
        cost = took_s / content_s
        print(
            f"clean {background}: {len(here)} minutes flagged ({rules}), {other} other writing, {cost:.3f} CPU s/s",
            flush=True,
        )
    print(f"clean minutes flagged: {flagged} of {minutes}")


if __name__ == "__main__":
    main()
