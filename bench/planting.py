"""Recordings with patient information burned in, for `bench/screening.py`: real clips, and what is written on them.

Identifiers in Chinese and Latin, 14 to 36 px at 1080p, in four fonts and four ways of writing, over moving and still
clips of the shared test data: labels that stand, labels of a second, and windows of a tenth of the picture that pop up
for a second.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ingest.dicom import convert_cine
from ingest.ffmpeg import Limits, run_ffmpeg

ROOT = Path(__file__).resolve().parent.parent
SHARED = (ROOT / os.environ.get("VIDEOLIB_TEST_SHARED", "../shared")).resolve()
WIDTH, HEIGHT, FPS, LENGTH_S = 1920, 1080, 25, 8.0
BACKGROUNDS = (
    "surgical/lap_cholecystectomy_720p25_aac.mp4",
    "surgical/us_clarius_ocular_960p.mp4",
    "surgical/robotic_cutting_tissue_640x512.mp4",
    "dicom/xa_coronary_12f_rle.dcm",
    "surgical/us_sonosite_eye_720p.mp4",
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
# a window that pops up: its sides' shares of the picture's make a tenth of it
WINDOW_SHARE = 0.1**0.5
HAN_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀兰霞平刚桂英建华文玉红志国海燕晓春"
HAN_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
LATIN_NAMES = ("ZHANG WEI", "LI NA", "WANG FANG", "CHEN MING", "Smith John", "GARCIA MARIA", "Liu Yang", "HUANG LEI")
HEADER_NAMES = (("钱慧茹", "QIAN HUIRU"), ("濮存昕", "PU CUNXIN"), ("MUELLER HANNELORE", "MUELLER HANNELORE"))
HEADER_NUMBER = "QX7730912"
# what is planted in a clip: where, and whether it stands for all of it
WISHES = [("window", False), ("header", True), ("header", False)]
WISHES += [("edge", True)] * 8 + [("elsewhere", True)] * 5 + [("edge", False)] * 4 + [("elsewhere", False)] * 4

Pictures = list[NDArray[np.uint8]]
Place = tuple[int, int, int, int]


@dataclass(frozen=True)
class Planted:
    """An identifier in a clip: its text, kind, size, how it is written, where, and when."""

    text: str
    kind: str
    size_px: int
    font: str
    style: str
    place: str
    box: Place
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


def pictures_of(name: str, folder: Path) -> Pictures:
    """Return a clip's pictures at 1080p, at most eight seconds of them."""
    path = SHARED / "testdata" / name
    if path.suffix == ".dcm":
        (folder / "dicom").mkdir(exist_ok=True)
        path = convert_cine(path, folder / "dicom")
    out = folder / "pictures.raw"
    fit = f"scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=decrease,pad={WIDTH}:{HEIGHT}:-1:-1"
    steps = f"fps={FPS},{fit},format=bgr24"
    arguments = ["-i", "{source}", "-t", str(LENGTH_S), "-vf", steps, "-an", "-f", "rawvideo", f"{{out}}/{out.name}"]
    run_ffmpeg(arguments, source=path, out=folder, limits=Limits.for_duration(60))
    stack = np.fromfile(out, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)
    out.unlink()
    return list(stack)


def there_and_back(pictures: Pictures, length_s: float, first: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Answer pictures forwards and backwards, without a cut, until it is long enough."""
    order = itertools.cycle([*range(len(pictures)), *range(len(pictures) - 2, 0, -1)])
    for number in itertools.islice(order, first, first + round(length_s * FPS)):
        yield pictures[number]


def plant(dice: random.Random, header: tuple[str, str]) -> list[Planted]:
    """Return what is burned into one clip: labels that stand, labels of a second, a window, values of the header."""
    taken: list[Place] = []
    found: list[Planted] = []
    for where, stands in WISHES:
        text, kind = identifier(dice) if where != "header" else (dice.choice((*header, HEADER_NUMBER)), "header")
        place = dice.choice(("edge", "elsewhere")) if where == "header" else where
        font = dice.choice(("sans", "serif", "latin", "mono") if text.isascii() else ("sans", "serif"))
        size_px = dice.choice(SIZES_PX[2:] if where == "header" else SIZES_PX)
        style = dice.choice(STYLES)
        patch = _patch_of(text, font, size_px, style) if where != "window" else _window_of(dice, text, font, size_px)
        box = _free_place(dice, patch, place, taken)
        if box is None:
            continue
        taken.append(box)
        start_s = 0.0 if stands else dice.uniform(1.0, LENGTH_S - 2.0)
        end_s = LENGTH_S if stands else start_s + 1.0
        found.append(Planted(text, kind, size_px, font, style, place, box, start_s, end_s, patch))
    return found


def burn(pictures: Iterator[NDArray[np.uint8]], planted: list[Planted]) -> Iterator[bytes]:
    """Answer raw pictures with what is planted in them at its time."""
    layers = [(one, np.asarray(one.patch.convert("RGB"))[:, :, ::-1].astype(np.float32)) for one in planted]
    alphas = [np.asarray(one.patch.getchannel("A"), np.float32)[:, :, None] / 255.0 for one in planted]
    for number, clean in enumerate(pictures):
        shown = [layer for layer in zip(layers, alphas, strict=True) if _is_shown(layer[0][0], number / FPS)]
        picture = clean.copy() if shown else clean
        for (one, colour), alpha in shown:
            left, top, right, bottom = one.box
            under = picture[top:bottom, left:right].astype(np.float32)
            picture[top:bottom, left:right] = (under * (1 - alpha) + colour * alpha).astype(np.uint8)
        yield picture.tobytes()


def write_clip(pictures: Iterator[bytes], path: Path) -> None:
    """Encode raw pictures as a recorder does."""
    arguments = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "pipe:0"]
    arguments += ["-c:v", "libx264", "-preset", "superfast", "-crf", "23", "-g", "50", "-pix_fmt", "yuv420p"]
    run_ffmpeg(
        [*arguments, f"{{out}}/{path.name}"],
        source=None,
        out=path.parent,
        limits=Limits.for_duration(3600),
        feed=pictures,
    )


def identifier(dice: random.Random) -> tuple[str, str]:
    """Return an identifier and its kind."""
    name = dice.choice(HAN_SURNAMES) + "".join(dice.choices(HAN_GIVEN, k=dice.choice((1, 2))))
    number = str(dice.randint(10_000_000, 99_999_999))
    day = f"{dice.randint(1930, 2010)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    return dice.choice(
        [
            (f"{dice.choice(('姓名', '患者', '病人'))}：{name}", "name"),
            (f"{name} {dice.choice('男女')} {dice.randint(18, 90)}岁", "name"),
            (f"{dice.choice(('住院号', '门诊号', '病案号'))}：{number}", "hospital number"),
            (_national_id(dice), "national id"),
            (f"1{dice.choice('3578')}{dice.randint(10**8, 10**9 - 1)}", "mobile"),
            (f"出生日期 {day}", "date"),
            (f"DOB: {day}", "date"),
            (f"Name: {dice.choice(LATIN_NAMES)}", "latin name"),
            (f"Patient ID: {dice.choice('ABC')}{number}", "latin number"),
            (f"MRN {number}", "latin number"),
            (f"床号：{dice.randint(1, 99)} {name}", "name"),
        ]
    )


def _national_id(dice: random.Random) -> str:
    """Answer an identity number with a right check sign."""
    place = dice.choice(("110105", "310104", "440106", "510107"))
    digits = f"{place}{dice.randint(1940, 2010)}{dice.randint(1, 12):02}"
    digits += f"{dice.randint(1, 28):02}{dice.randint(0, 999):03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11]


def _patch_of(text: str, font: str, size_px: int, style: str) -> Image.Image:
    """Answer a text as a picture with transparency."""
    face = ImageFont.truetype(FONTS[font], size_px)
    left, top, right, bottom = face.getbbox(text)
    image = Image.new("RGBA", (int(right - left) + 6, int(bottom - top) + 6))
    colour = (255, 240, 60, 255) if style == "yellow" else (255, 255, 255, 190 if style == "translucent" else 255)
    outline = 1 if style == "outline" else 0
    ImageDraw.Draw(image).text(
        (3 - left, 3 - top), text, font=face, fill=colour, stroke_width=outline, stroke_fill=(0, 0, 0, 255)
    )
    return image


def _window_of(dice: random.Random, text: str, font: str, size_px: int) -> Image.Image:
    """Answer a dialogue of a tenth of the picture, light or dark, with a text in it."""
    ground, ink = dice.choice((((238, 238, 238), (20, 20, 20)), ((36, 44, 60), (240, 240, 240))))
    image = Image.new("RGBA", (int(WIDTH * WINDOW_SHARE), int(HEIGHT * WINDOW_SHARE)), (*ground, 255))
    face = ImageFont.truetype(FONTS[font], size_px)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, image.width, 34), fill=(70, 100, 150, 255))
    width, height = pen.textbbox((0, 0), text, font=face)[2:]
    at = dice.randint(20, int(image.width - width - 20)), dice.randint(50, int(image.height - height - 20))
    pen.text(at, text, font=face, fill=(*ink, 255))
    return image


def _free_place(dice: random.Random, patch: Image.Image, place: str, taken: list[Place]) -> Place | None:
    quarter = HEIGHT // 4
    at_edges = [(8, quarter - patch.height), (HEIGHT - quarter, HEIGHT - patch.height - 8)]
    tops = {"edge": at_edges, "window": [(8, HEIGHT - patch.height - 8)]}
    for _ in range(300):
        low, high = dice.choice(tops.get(place, [(quarter, HEIGHT - quarter - patch.height)]))
        x, y = dice.randint(8, WIDTH - patch.width - 8), dice.randint(low, max(low, high))
        box = (x, y, x + patch.width, y + patch.height)
        if not any(_is_near(box, other) for other in taken):
            return box
    return None


def _is_near(box: Place, other: Place) -> bool:
    across = box[0] < other[2] + 40 and other[0] < box[2] + 40
    return across and box[1] < other[3] + 20 and other[1] < box[3] + 20


def _is_shown(one: Planted, time_s: float) -> bool:
    return one.start_s <= time_s < one.end_s
