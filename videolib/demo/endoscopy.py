"""An endoscopy-like picture: a moving camera in a wet, folded tunnel of tissue, and forceps that open and close.

The wall is one texture wrapped round a tunnel. Where each pixel looks at it is worked out once; a frame moves the
look-up along the tunnel and bends it as the camera turns, which costs some milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from ingest.ffmpeg import Limits, run_ffmpeg
from videolib.demo.scenery import clouds

WIDTH, HEIGHT, FPS = 640, 360, 25  # endoscopes are no sharper; the encoder doubles it
_TEXTURE = 1024
_MARGIN = 88  # how far the middle of the tunnel may wander from the middle of the picture
_TUNNEL = 100.0  # pixels from the middle at which the wall is one tunnel radius away
_FOLDS = 5
_FINER = 2  # forceps are drawn twice as fine and made smaller, so that their edges are smooth
_UNIT = _FINER * 2 / 3
_BLADE = ((0, 13), (30, 17), (62, 13), (88, 5), (96, -2))
Colour = NDArray[np.uint8]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """What tells one clip from another: its random numbers, how red the wall is, how fast the camera goes, its crf."""

    seed: int
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    speed: float = 46.0
    has_forceps: bool = True
    crf: int = 19


def make_endoscopy(folder: Path, name: str, look: Look, seconds: float) -> Path:
    """Render a clip and encode it as 1280x720 H.264 in MP4; return it."""
    encode = ["-vf", "scale=1280:720:flags=lanczos:out_color_matrix=bt709:out_range=tv,format=yuv420p"]
    encode += ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    run_ffmpeg(
        [
            *("-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{WIDTH}x{HEIGHT}"),
            *("-framerate", str(FPS), "-i", "pipe:0", *encode),
            *("-c:v", "libx264", "-preset", "veryfast", "-crf", str(look.crf), "-g", str(2 * FPS)),
            *("-map_metadata", "-1", "-fflags", "+bitexact", "-movflags", "+faststart", f"{{out}}/{name}"),
        ],
        source=None,
        out=folder,
        limits=Limits.for_duration(seconds),
        feed=(frame.tobytes() for frame in render_clip(look, seconds)),
    )
    return folder / name


def make_long(folder: Path, name: str, clip: Path, *, times: int) -> Path:
    """Repeat a clip that ends where it begins, copying its pictures: minutes for the price of seconds."""
    run_ffmpeg(
        [
            *("-stream_loop", str(times - 1), "-i", "{source}", "-map", "0:v:0", "-c", "copy"),
            *("-map_metadata", "-1", "-fflags", "+bitexact", "-movflags", "+faststart", f"{{out}}/{name}"),
        ],
        source=clip,
        out=folder,
        limits=Limits.for_duration(600),
    )
    return folder / name


def render_clip(look: Look, seconds: float) -> Iterator[Colour]:
    """Yield the frames of a clip, (360, 640, 3) RGB; it ends where it began, so that it can be looped."""
    texture = _wall(look).reshape(-1, 3)
    around, along, light = _tunnel_maps()
    frames = round(seconds * FPS)
    turns = max(round(seconds * look.speed / _TEXTURE), 1)
    mask = _round_mask()
    for frame in range(frames):
        share = frame / frames
        angle = 2 * math.pi * share
        x = round(_MARGIN * 0.9 * math.sin(angle) * math.cos(angle * 2 + 0.5))
        y = round(_MARGIN * 0.6 * math.sin(angle * 2 + 1.1))
        window = (slice(_MARGIN + y, _MARGIN + y + HEIGHT), slice(_MARGIN + x, _MARGIN + x + WIDTH))
        bend = round(24 * math.sin(angle))
        rows = (along[window] + round(turns * _TEXTURE * share)) % _TEXTURE
        columns = (around[window] + bend) % _TEXTURE
        # the light flickers a little as the wall moves with the pulse
        glow = light[window] * (1 + 0.03 * math.sin(angle * 9))
        picture = texture.take(rows * _TEXTURE + columns, axis=0) * glow[..., None]
        if look.has_forceps:
            picture = _with_forceps(picture, share)
        yield (np.minimum(picture, 255) * mask[..., None]).astype(np.uint8)


def _wall(look: Look) -> NDArray[np.float32]:
    """Return the tissue as it looks in full light: pink, folded, veined, with wet highlights; it tiles."""
    random = np.random.default_rng(look.seed)
    y, x = np.mgrid[0:_TEXTURE, 0:_TEXTURE].astype(np.float32) / _TEXTURE * 2 * np.pi
    soft, fine = clouds(_TEXTURE, random, slope=2.0), clouds(_TEXTURE, random, slope=1.1)
    waver = 0.5 * soft + 0.35 * np.sin(x * 3 + 0.6)
    height = np.sin(y * _FOLDS / 2 + waver) ** 2 * 1.6 + 0.28 * soft
    slope_y = np.gradient(height, axis=0) * _TEXTURE / 32
    slope_x = np.gradient(height, axis=1) * _TEXTURE / 32
    shade = np.clip(0.84 + 0.18 * (height - 0.8) - 0.22 * slope_y + 0.018 * fine, 0.2, 1.2)
    veins = _veins(random)
    red = 232 - 26 * veins + 8 * soft
    green = 128 - 58 * veins + 12 * soft + 5 * fine
    blue = 112 - 44 * veins + 10 * soft + 4 * fine
    wall = np.stack([red, green, blue], axis=-1) * shade[..., None] * np.array(look.tint, np.float32)
    gloss = np.exp(-(((-slope_y - 0.55) / 0.22) ** 2)) * np.exp(-((slope_x / 0.35) ** 2))
    shine = gloss * np.clip(0.6 * clouds(_TEXTURE, random, slope=1.5) - 0.35, 0, 1)
    return np.asarray(np.clip(wall, 0, 255) + 150 * shine[..., None], np.float32)


def _veins(random: np.random.Generator) -> NDArray[np.float32]:
    """Return the fine red net under the surface: where two clouds are alike."""
    net = np.zeros((_TEXTURE, _TEXTURE), np.float32)
    for width, strength in ((0.05, 0.9), (0.035, 0.6)):
        field = clouds(_TEXTURE, random, slope=1.75)
        net += strength * np.exp(-((field / width) ** 2))
    return np.asarray(np.clip(net, 0, 1), np.float32)


def _tunnel_maps() -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Return for a picture with margins which texture column and row each pixel sees, and how bright it is lit."""
    rows, columns = HEIGHT + 2 * _MARGIN, WIDTH + 2 * _MARGIN
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    x, y = x - columns / 2, y - rows / 2
    angle = np.arctan2(y, x)
    # the lumen is not round
    distance = np.hypot(x, y * 1.08) * (1 + 0.07 * np.cos(angle * 3 + 0.4) + 0.04 * np.cos(angle * 2))
    depth = _TUNNEL / np.maximum(distance, 5)
    around = ((angle / (2 * np.pi) + 0.5) * _TEXTURE).astype(np.int32)
    along = (np.minimum(depth, 12) * 260).astype(np.int32)
    light = 1.02 / (0.80 + 0.52 * depth**1.6)
    return around, along, np.asarray(light, np.float32)


def _round_mask() -> NDArray[np.float32]:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    x, y = (x - WIDTH / 2) / (WIDTH * 0.47), (y - HEIGHT / 2) / (HEIGHT * 0.62)
    away = (x**4 + y**4) ** 0.25
    vignette = 1 - 0.35 * np.clip(away, 0, 1) ** 4
    return np.asarray(np.clip((1 - away) * 60, 0, 1) * vignette, np.float32)


def _with_forceps(picture: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Draw forceps that come in from below right, grasp twice and go."""
    reach = min(1.0, 3.2 * math.sin(math.pi * share)) * 0.92
    if reach < 0.05:
        return picture
    opening = 7 + 17 * (0.5 + 0.5 * math.cos(2 * math.pi * share * 4))
    layer = Image.new("RGBA", (WIDTH * _FINER, HEIGHT * _FINER), (0, 0, 0, 0))
    x, y = WIDTH * (0.98 - 0.40 * reach), HEIGHT * (1.02 - 0.42 * reach) + 4 * math.sin(share * 40)
    tip, ahead = np.array([x, y]) * _FINER, np.array([-0.80, -0.60])
    _draw_shaft(ImageDraw.Draw(layer), tip, ahead)
    for side in (-1, 1):
        _draw_jaw(ImageDraw.Draw(layer), tip, ahead, side * math.radians(opening))
    forceps = np.asarray(layer.reduce(_FINER), np.float32)
    cover = forceps[..., 3:] / 255
    return np.asarray(picture * (1 - _shadow(layer)) * (1 - cover) + forceps[..., :3] * cover, np.float32)


def _shadow(layer: Image.Image) -> NDArray[np.float32]:
    """Return the soft shadow that forceps throw on the wall, a little below and to the left."""
    small = layer.getchannel("A").reduce(_FINER * 4).filter(ImageFilter.GaussianBlur(2))
    moved = Image.new("L", small.size)
    moved.paste(small, (-2, 3))
    shadow = np.asarray(moved.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR), np.float32)
    return shadow[..., None] * np.float32(0.45 / 255)


def _draw_shaft(draw: ImageDraw.ImageDraw, tip: Vector, ahead: Vector) -> None:
    """Draw the tube behind the jaws in strips, brightest where the light meets it."""
    across = np.array([-ahead[1], ahead[0]])
    back = tip - ahead * 620 * _UNIT
    for strip in range(-12, 13):
        level = int(150 * max(0.0, 1 - ((strip + 4) / 11) ** 2) + 42)
        offset = across * strip * 1.5 * _UNIT
        # the far end is nearer to the camera and looks wider
        draw.line(_points(tip + offset, back + offset * 2.6), fill=(level, level, level + 6, 255), width=7)
    hinge = 15 * _UNIT
    draw.ellipse((*(tip - hinge), *(tip + hinge)), fill=(120, 122, 128, 255))
    draw.ellipse((*(tip - hinge / 3), *(tip + hinge / 3)), fill=(60, 62, 66, 255))


def _draw_jaw(draw: ImageDraw.ImageDraw, tip: Vector, ahead: Vector, turn: float) -> None:
    """Draw one jaw: a curved blade with teeth on its inner side."""
    cos, sin = math.cos(turn), math.sin(turn)
    along = np.array([ahead[0] * cos - ahead[1] * sin, ahead[0] * sin + ahead[1] * cos]) * _UNIT
    across = np.array([-along[1], along[0]]) * math.copysign(1.0, turn)
    blade = [tip + along * length + across * width for length, width in _BLADE]
    teeth = [tip + along * place + across * (-3 + (step % 2) * 3.4) for step, place in enumerate(range(88, 6, -6))]
    draw.polygon(_points(*blade, *teeth), fill=(158, 160, 166, 255), outline=(70, 72, 78, 255))
    shine = [tip + along * length + across * width for length, width in ((8, 9), (34, 12), (70, 8))]
    draw.line(_points(*shine), fill=(226, 228, 232, 255), width=3)


def _points(*places: Vector) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in places]
