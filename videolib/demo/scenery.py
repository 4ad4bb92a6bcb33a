"""What an angiogram shows beside its vessels: tissue, bones, bowel gas, lung, drawn as X-ray attenuation.

A picture is a float array of attenuation (0 lets all rays through), so that everything drawn simply adds up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from videolib.demo.trees import smooth_curve

Picture = NDArray[np.float32]
Shape = Sequence[tuple[float, float]]


def tissue(size: int, random: np.random.Generator) -> Picture:
    """Return soft tissue: thicker below and to the sides, with the cloudiness of real bodies."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size - 0.5
    body = 0.55 + 0.25 * y + 0.55 * x * x
    return np.asarray(body + 0.10 * clouds(size, random, slope=1.7), np.float32)


def clouds(size: int, random: np.random.Generator, *, slope: float) -> Picture:
    """Return noise whose spectrum falls with frequency, mean 0 and deviation 1: no structure, all scales."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(random.standard_normal((size, size))) / frequency**slope
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=(size, size))
    return np.asarray(field / field.std(), np.float32)


def spine(size: int, x: float, top: float, random: np.random.Generator, *, count: int = 9) -> Picture:
    """Return a column of vertebrae: bodies with dense end plates, pedicles, spinous processes."""
    bone, rims = _canvas(size), _canvas(size)
    height, width = 62.0, 84.0
    # behind the discs lie the arches of the vertebrae
    _fill(bone, [(x - 26, top), (x + 26, top), (x + 26, top + count * 71), (x - 26, top + count * 71)], 60)
    for index in range(count):
        y = top + index * (height + 9)
        waist = [(x - width / 2, y), (x + width / 2, y), (x + width / 2 - 6, y + height / 2)]
        waist += [(x + width / 2, y + height), (x - width / 2, y + height), (x - width / 2 + 6, y + height / 2)]
        _fill(bone, waist, 120)
        _fill(rims, [(x - width / 2, y), (x + width / 2, y), (x + width / 2, y + 4), (x - width / 2, y + 4)], 110)
        _fill(rims, [(x - width / 2, y + height - 4), (x + width / 2, y + height - 4), (x + width / 2, y + height),
                     (x - width / 2, y + height)], 110)  # fmt: skip
        for side in (-1, 1):
            _ellipse(rims, x + side * 27, y + 20, 9, 12, 120)
            _ellipse(bone, x + side * 27, y + 20, 6, 9, 60)
            wing = [(x + side * 36, y + 14), (x + side * 70, y + 6), (x + side * 72, y + 16), (x + side * 38, y + 28)]
            _fill(bone, wing, 70)
        _fill(rims, [(x - 5, y + 26), (x + 5, y + 26), (x + 7, y + 58), (x, y + 66), (x - 7, y + 58)], 90)
    column = 0.55 * _soft(bone, 3.0) + 0.30 * _soft(rims, 2.0)
    return np.asarray(column * (1 + 0.10 * clouds(size, random, slope=0.9)), np.float32)


def ribs(size: int, x: float, top: float) -> Picture:
    """Return pairs of ribs that leave the spine, each with two dense edges."""
    picture = np.zeros((size, size), np.float32)
    for index in range(5):
        y = top + index * 78
        for side in (-1, 1):
            curve = [(x + side * 34, y), (x + side * 110, y - 22), (x + side * 190, y + 22), (x + side * 262, y + 120)]
            inside, edge = _canvas(size), _canvas(size)
            axis = smooth_curve(curve)
            _line(edge, axis, 21, 120)
            _line(inside, axis, 15, 120)
            picture += 0.30 * _soft(edge, 2.0) - 0.15 * _soft(inside, 1.6)
    return picture


def pelvis(size: int, x: float, random: np.random.Generator) -> Picture:
    """Return sacrum, iliac wings, hip sockets and femoral heads."""
    bone, rims = _canvas(size), _canvas(size)
    _fill(bone, [(x - 62, 190), (x + 62, 190), (x + 34, 300), (x + 14, 352), (x - 14, 352), (x - 34, 300)], 90)
    for row in range(4):
        for side in (-1, 1):
            _ellipse(bone, x + side * (25 - row * 4), 222 + row * 32, 6, 5, 30)
    for side in (-1, 1):
        wing = smooth_curve([(x + side * 58, 200), (x + side * 105, 118), (x + side * 190, 88), (x + side * 236, 150),
                             (x + side * 214, 250), (x + side * 168, 318), (x + side * 118, 330),
                             (x + side * 84, 290), (x + side * 58, 200)])  # fmt: skip
        _fill(bone, [(float(px), float(py)) for px, py in wing], 78)
        _line(rims, wing, 6, 100)
        ring = smooth_curve([(x + side * 112, 322), (x + side * 70, 400), (x + side * 30, 440), (x + side * 12, 470)])
        _line(bone, ring, 30, 80)
        _ellipse(bone, x + side * 172, 372, 40, 40, 105)
        _ellipse(rims, x + side * 172, 372, 42, 42, 60)
        _ellipse(rims, x + side * 172, 372, 37, 37, 0)
        shaft = smooth_curve([(x + side * 178, 380), (x + side * 214, 430), (x + side * 226, 520)])
        _line(bone, shaft, 52, 95)
    picture = 0.60 * _soft(bone, 3.0) + 0.45 * _soft(rims, 2.0)
    return np.asarray(picture * (1 + 0.14 * clouds(size, random, slope=1.0)), np.float32)


def bowel_gas(size: int, places: Sequence[tuple[float, float, float]], random: np.random.Generator) -> Picture:
    """Return gas, which lets more rays through: soft bubbles around (x, y, radius)."""
    picture = np.zeros((size, size), np.float32)
    for x, y, radius in places:
        canvas = _canvas(size)
        for _ in range(7):
            angle, away = random.uniform(0, 2 * math.pi), radius * random.uniform(0.2, 0.9)
            across = radius * random.uniform(0.35, 0.7)
            _ellipse(canvas, x + away * math.cos(angle), y + 0.6 * away * math.sin(angle), across, across * 0.8, 110)
        picture -= 0.28 * _soft(canvas, 5.0)
    return picture


def lung(size: int, domes: Sequence[tuple[float, float, float]]) -> Picture:
    """Return the air above the domes of the diaphragm (x, y of the top, half width), dense behind the heart."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) * (512 / size)
    edge = np.min([top + 95 * ((x - middle) / half) ** 2 for middle, top, half in domes], axis=0)
    air = 1 / (1 + np.exp(np.clip((y - edge) / 2.5, -30, 30)))
    return np.asarray(-0.42 * air, np.float32)


def organ_shadow(size: int, outline: Shape, strength: float, blur: float) -> Picture:
    """Return a filled smooth outline, 1 inside."""
    canvas = _canvas(size)
    _fill(canvas, [(float(x), float(y)) for x, y in smooth_curve([*outline, outline[0]])], 255)
    return np.asarray(strength * _soft(canvas, blur), np.float32)


def stent(size: int, axis: NDArray[np.float64], radius: float) -> Picture:
    """Return the mesh of a stent around an axis: two sets of wires that cross, and its end markers."""
    picture = np.zeros((size, size), np.float32)
    along = np.linspace(0, 1, 400)
    places = np.column_stack([np.interp(along * (len(axis) - 1), np.arange(len(axis)), axis[:, i]) for i in (0, 1)])
    ahead = np.gradient(places, axis=0)
    normal = np.column_stack([-ahead[:, 1], ahead[:, 0]]) / np.hypot(*ahead.T)[:, None]
    length = float(np.hypot(*np.diff(places, axis=0).T).sum())
    for wire in range(8):
        for turn in (-1, 1):
            phase = turn * along * length / radius * 1.1 + wire * math.pi / 4
            canvas = _canvas(size)
            _line(canvas, places + normal * (radius * np.sin(phase))[:, None], 1.0, 150)
            picture += 0.16 * _soft(canvas, 0.7)
    return picture


def _canvas(size: int) -> Image.Image:
    return Image.new("L", (size, size), 0)


def _scaled(canvas: Image.Image, points: Shape | NDArray[np.float64]) -> Shape:
    scale = canvas.width / 512
    return [(float(x) * scale, float(y) * scale) for x, y in points]


def _fill(canvas: Image.Image, outline: Shape, level: int) -> None:
    ImageDraw.Draw(canvas).polygon(_scaled(canvas, outline), fill=level)


def _line(canvas: Image.Image, points: NDArray[np.float64], width: float, level: int) -> None:
    thickness = max(round(width * canvas.width / 512), 1)
    ImageDraw.Draw(canvas).line(_scaled(canvas, points), fill=level, width=thickness, joint="curve")


def _ellipse(canvas: Image.Image, x: float, y: float, across: float, down: float, level: int) -> None:
    (left, top), (right, bottom) = _scaled(canvas, [(x - across, y - down), (x + across, y + down)])
    ImageDraw.Draw(canvas).ellipse((left, top, right, bottom), fill=level)


def _soft(canvas: Image.Image, blur: float) -> Picture:
    softened = canvas.filter(ImageFilter.GaussianBlur(blur * canvas.width / 512))
    return np.asarray(softened, np.float32) * np.float32(1 / 255)
