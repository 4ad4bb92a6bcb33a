"""The poster and the storyboard of a package, made from its key frames alone.

A key frame decodes without its neighbours, which costs a tenth of decoding everything. The poster is the
sharpest picture near a tenth of the recording that is not black; the storyboard is one sheet of tiles with a
WebVTT file that says which tile (`#xywh=`) belongs to which time.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import ffmpeg
from PIL import Image, ImageFilter, ImageStat

from ingest.errors import ToolFailed
from ingest.ffmpeg import Limits, Watch, run_ffmpeg
from ingest.package import HlsPackage
from ingest.plan import EncodePlan, StoryboardPlan
from videolib.hls import Segment, Track

POSTER, SHEET, TILES = "poster.jpg", "storyboard.jpg", "storyboard.vtt"
# a folder of further pictures, of which an editor may choose the poster
OFFERS, MOST_OFFERS = "posters", 8
POSTER_LONG_SIDE_PX = 1280
# A picture is lit when this share of it is brighter than that grey: ultrasound is mostly black, but not all.
LIT_SHARE, LIT_GREY = 0.02, 40
# the poster is the sharpest of at most so many pictures, no further from its time than this share of the recording
MOST_CANDIDATES, POSTER_WITHIN = 6, 0.05
SHARPNESS_PX = 640
_LAPLACIAN = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)
_LIMITS = Limits(cpu_s=600, wall_s=600)


@dataclass(frozen=True)
class _Group:
    """A group of pictures in a segment file; it begins with a key frame."""

    time_s: float
    path: Path
    offset: int
    bytes: int


def make_images(
    package: HlsPackage,
    plan: EncodePlan,
    work: Path,
    *,
    offers: bool = False,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Write poster and storyboard into the package's folder; `work` is an empty folder for what lies between.

    With `offers` further pictures are kept, of which an editor may choose another poster.
    Raises `ToolFailed`, `Cancelled`.
    """
    watch = Watch(cancelled=cancelled)
    smallest, largest = package.video[-1], package.video[0]
    shown = _one_each(list(_groups(package, smallest)), plan.storyboard.interval_s)
    _write_clip(package, smallest, shown, work / "tiles.mp4")
    run_ffmpeg(_sheet_arguments(plan.storyboard, len(shown)), source=None, out=work, limits=_LIMITS, watch=watch)
    times_s = [group.time_s for group in shown]
    chosen, is_lit = find_candidates(work / SHEET, plan.storyboard, times_s, (plan.poster_s, package.duration_s))
    offered = find_offers(work / SHEET, plan.storyboard, times_s) if is_lit and offers else []
    wanted = sorted({*chosen, *offered})
    large = list(_groups(package, largest))
    groups = [min(large, key=lambda group: abs(group.time_s - times_s[index])) for index in wanted]
    _write_clip(package, largest, groups, work / "poster.mp4")
    run_ffmpeg(_poster_arguments(largest, is_lit=is_lit), source=None, out=work, limits=_LIMITS, watch=watch)
    stills = dict(zip(wanted, sorted(work.glob("candidate-*.jpg")), strict=False))
    shutil.copyfile(sharpest([stills[index] for index in chosen if index in stills]), work / POSTER)
    _keep_offers({times_s[index]: stills[index] for index in offered if index in stills}, package.folder / OFFERS)
    for name in (POSTER, SHEET):
        if not (work / name).is_file():
            raise ToolFailed(stderr_tail=f"{name} was not written")
        (work / name).rename(package.folder / name)
    text = storyboard_text(plan.storyboard, [group.time_s for group in shown], package.duration_s)
    (package.folder / TILES).write_text(text, encoding="utf-8", newline="\n")


def find_candidates(
    sheet: Path, grid: StoryboardPlan, times_s: Sequence[float], wanted: tuple[float, float]
) -> tuple[list[int], bool]:
    """Return which tiles may become the poster, and whether they are lit; `wanted` is its time and the whole length.

    They are the lit ones nearest to that time, few, and no further from it than a twentieth of the recording; but the
    nearest of all in any case, and where none is lit the brightest.
    """
    shares = _lit_shares(sheet, grid, len(times_s))
    lit = [index for index, share in enumerate(shares) if share >= LIT_SHARE]
    if not lit:
        return [max(range(len(shares)), key=shares.__getitem__)], False
    wanted_s, duration_s = wanted
    nearest = sorted(lit, key=lambda index: abs(times_s[index] - wanted_s))[:MOST_CANDIDATES]
    near = [index for index in nearest if abs(times_s[index] - wanted_s) <= POSTER_WITHIN * duration_s]
    return sorted(near or nearest[:1]), True


def find_offers(sheet: Path, grid: StoryboardPlan, times_s: Sequence[float]) -> list[int]:
    """Return the lit tiles that an editor may choose as poster: some, as evenly over the recording as can be."""
    lit = [index for index, share in enumerate(_lit_shares(sheet, grid, len(times_s))) if share >= LIT_SHARE]
    step = max(1.0, len(lit) / MOST_OFFERS)
    return sorted({lit[int((number + 0.5) * step)] for number in range(min(len(lit), MOST_OFFERS))})


def list_offers(folder: Path) -> list[dict[str, object]]:
    """Return the pictures in a package's folder that an editor may choose as poster, and when they are shown."""
    pictures = sorted((folder / OFFERS).glob("*.jpg"))
    return [{"path": f"{OFFERS}/{path.name}", "time_s": int(path.stem) / 1000} for path in pictures]


def sharpest(pictures: Sequence[Path]) -> Path:
    """Return the picture with the strongest edges: the variance of its Laplacian, at one size against noise.

    Raises `ToolFailed` where there is none.
    """
    if not pictures:
        raise ToolFailed(stderr_tail=f"{POSTER} was not written")
    return max(pictures, key=_sharpness)


def _keep_offers(stills: Mapping[float, Path], folder: Path) -> None:
    """Put pictures into the package, named by their milliseconds."""
    for time_s, still in stills.items():
        folder.mkdir(exist_ok=True)
        still.rename(folder / f"{round(time_s * 1000):09}.jpg")


def _lit_shares(sheet: Path, grid: StoryboardPlan, count: int) -> list[float]:
    with Image.open(sheet) as image:
        grey = image.convert("L")
    return [_lit_share(grey.crop(_box(grid, index))) for index in range(count)]


def _sharpness(path: Path) -> float:
    with Image.open(path) as image:
        grey = image.convert("L")
    grey.thumbnail((SHARPNESS_PX, SHARPNESS_PX))
    return float(ImageStat.Stat(grey.filter(_LAPLACIAN)).var[0])


def storyboard_text(grid: StoryboardPlan, times_s: Sequence[float], duration_s: float) -> str:
    """Return the WebVTT of a storyboard: one cue a tile, without gaps from zero to the end."""
    edges = [0.0, *times_s[1:], duration_s]
    cues = []
    for index, (start_s, end_s) in enumerate(pairwise(edges)):
        x, y, right, bottom = _box(grid, index)
        place = f"{SHEET}#xywh={x},{y},{right - x},{bottom - y}"
        cues.append(f"{_clock(start_s)} --> {_clock(end_s)}\n{place}\n")
    return "WEBVTT\n\n" + "\n".join(cues)


def _groups(package: HlsPackage, track: Track) -> Iterator[_Group]:
    """Answer every group of pictures of a rendition."""
    for segment in track.segments:
        path = package.folder / track.folder / segment.uri
        for (offset, end), key in zip(pairwise(_offsets(segment)), segment.keys, strict=True):
            yield _Group(key.time_s, path, offset, end - offset)


def _offsets(segment: Segment) -> list[int]:
    base = segment.offset or 0
    return [*(base + key.offset for key in segment.keys), base + segment.bytes]


def _one_each(groups: Sequence[_Group], interval_s: int) -> list[_Group]:
    """Return the first group of every interval that has one."""
    chosen: dict[int, _Group] = {}
    for group in groups:
        chosen.setdefault(int((group.time_s + 0.001) // interval_s), group)
    return list(chosen.values())


def _write_clip(package: HlsPackage, track: Track, groups: Sequence[_Group], path: Path) -> None:
    """Write some groups of pictures as one MP4 file."""
    init = package.folder / track.folder / "init.mp4"
    package.fetch(init)
    with path.open("wb") as clip:
        clip.write(init.read_bytes())
        for group in groups:
            package.fetch(group.path)
            with group.path.open("rb") as file:
                file.seek(group.offset)
                clip.write(file.read(group.bytes))


def _sheet_arguments(grid: StoryboardPlan, tiles: int) -> list[str]:
    rows = -(-tiles // grid.columns)
    picture = (
        ffmpeg.input("{out}/tiles.mp4", skip_frame="nokey")
        .video.filter("scale", w=grid.tile_width, h=grid.tile_height, flags="area", out_range="full")
        .filter("format", pix_fmts="yuvj420p")
        .filter("tile", layout=f"{grid.columns}x{rows}")
    )
    return _still(picture, SHEET, quality=5)


def _poster_arguments(track: Track, *, is_lit: bool) -> list[str]:
    share = min(1.0, POSTER_LONG_SIDE_PX / max(track.width, track.height))
    width, height = (2 * round(side * share / 2) for side in (track.width, track.height))
    # of the candidates their key frames alone
    entry = {"skip_frame": "nokey"} if is_lit else {}
    picture = ffmpeg.input("{out}/poster.mp4", **entry).video
    if not is_lit:
        # a recording that fades in from black within its first group: its most typical picture instead
        picture = picture.filter("thumbnail", n=150)
    picture = picture.filter("scale", w=width, h=height, out_range="full").filter("format", pix_fmts="yuvj420p")
    options: dict[str, str | int] = {"fps_mode": "passthrough", **({} if is_lit else {"frames:v": 1})}
    return _stills(picture, "candidate-%02d.jpg", quality=3, **options)


def _still(picture: ffmpeg.nodes.FilterableStream, name: str, *, quality: int) -> list[str]:
    """Return the command that writes the first picture as a JPEG without any tag."""
    return _stills(picture, name, quality=quality, **{"frames:v": 1, "update": 1})


def _stills(pictures: ffmpeg.nodes.FilterableStream, name: str, *, quality: int, **options: str | int) -> list[str]:
    untagged = {"q:v": quality, "f": "image2", "flags:v": "+bitexact", **options}
    arguments: list[str] = ffmpeg.output(pictures, f"{{out}}/{name}", **untagged).compile()[1:]
    return arguments


def _lit_share(tile: Image.Image) -> float:
    counts = tile.histogram()
    return sum(counts[LIT_GREY:]) / sum(counts)


def _box(grid: StoryboardPlan, index: int) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a tile on its sheet."""
    row, column = divmod(index, grid.columns)
    x, y = column * grid.tile_width, row * grid.tile_height
    return x, y, x + grid.tile_width, y + grid.tile_height


def _clock(time_s: float) -> str:
    milliseconds = round(time_s * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"
