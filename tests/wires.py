"""An angiography phantom with a guide wire: soft anatomy, quantum noise, one thin dark moving line, place known.

`make_wire` writes it as a grey recording without loss; `contrast_of` measures in any version of it how much darker
than its surroundings the wire is.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.ffmpeg import find_tools
from tests.samples import run_tool

SIZE, FPS = 512, 15
# of 255 grey levels: noise of 900 photons a pixel, a steel wire that takes 16 % of the rays
_NOISE, _WIRE = 2.6, 12.5
Picture = NDArray[np.float32]


def make_wire(path: Path, *, width_px: float = 2.0, seconds: float = 2.0) -> Path:
    """Write the phantom to a Matroska file."""
    random = np.random.default_rng(11)
    anatomy = _anatomy(random)
    frames = [
        np.clip(anatomy - _WIRE * _wire(frame, width_px) + _NOISE * _noise(random), 0, 255).astype(np.uint8)
        for frame in range(round(seconds * FPS))
    ]
    command = [str(find_tools().ffmpeg), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray"]
    command += ["-s", f"{SIZE}x{SIZE}", "-r", str(FPS), "-i", "pipe:0", "-c:v", "ffv1", str(path)]
    subprocess.run(command, input=b"".join(frame.tobytes() for frame in frames), check=True)
    return path


def contrast_of(path: Path) -> float:
    """Return how many grey levels the wire is darker than what lies beside it, over all pictures."""
    raw = run_tool(
        *("-i", path, "-map", "0:v:0", "-fps_mode", "passthrough"),
        *("-vf", f"scale={SIZE}:{SIZE}:flags=bicubic:out_range=full,format=gray", "-f", "rawvideo", "-"),
    )
    frames = np.frombuffer(raw, np.uint8).reshape(-1, SIZE, SIZE).astype(np.float32)
    rows = np.arange(90, 420)
    levels = []
    for number, picture in enumerate(frames):
        middle = _middle(number)[rows]
        beside = np.mean([_along(picture, rows, middle + away) for away in (-12, -10, -8, 8, 10, 12)])
        levels.append(beside - _along(picture, rows, middle).mean())
    return float(np.mean(levels))


def _middle(frame: int) -> NDArray[np.float64]:
    """Return the column of the wire in every row; it sways and breathes."""
    down, time_s = np.linspace(0, 1, SIZE), frame / FPS
    sway = 18 * np.sin(2 * np.pi * time_s / 1.3 + 4 * down) + 8 * np.sin(2 * np.pi * time_s / 4.3)
    return np.asarray(256 + 70 * np.sin(2.2 * np.pi * down + 0.3) + sway)


def _wire(frame: int, width_px: float) -> Picture:
    middle = _middle(frame)
    slant = 1 / np.sqrt(1 + np.gradient(middle) ** 2)
    away = np.abs(np.arange(SIZE)[None, :] - middle[:, None]) * slant[:, None]
    return np.asarray(np.clip(width_px / 2 + 0.5 - away, 0, 1), np.float32)


def _anatomy(random: np.random.Generator) -> Picture:
    spectrum = np.fft.rfft2(random.standard_normal((SIZE, SIZE)))
    distance = np.hypot(np.fft.rfftfreq(SIZE)[None, :], np.fft.fftfreq(SIZE)[:, None])
    distance[0, 0] = 1
    clouds = np.fft.irfft2(spectrum / distance**1.8, s=(SIZE, SIZE))
    return np.asarray(215 - 8 * clouds / clouds.std(), np.float32)


def _noise(random: np.random.Generator) -> Picture:
    field = random.standard_normal((SIZE, SIZE), dtype=np.float32)
    soft = 0.62 * field + 0.19 * (np.roll(field, 1, axis=0) + np.roll(field, 1, axis=1))
    return np.asarray(soft / soft.std(), np.float32)


def _along(picture: Picture, rows: NDArray[np.int64], columns: NDArray[np.float64]) -> Picture:
    left = np.floor(columns).astype(int)
    share = columns - left
    return np.asarray(picture[rows, left] * (1 - share) + picture[rows, left + 1] * share, np.float32)
