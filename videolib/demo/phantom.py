"""An angiography phantom: contrast runs through a grown vessel tree over a drawn body, seen by a noisy detector.

The picture is the logarithm of the rays that come through, as angiography units store it, so everything that lies
in the beam adds up: tissue and bones, the breathing organ, the catheter, and in each vessel its thickness times the
contrast that has reached it. The same seed gives the same run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from videolib.demo.scenery import Picture, clouds
from videolib.demo.trees import Branch, Points

FPS = 15
SIZE = 512
MASK_FRAMES = 12  # pictures before the contrast; the first half of a second may still move
_TIME_BINS = 28
_OPACITY = 0.075  # attenuation of one pixel's thickness of pure contrast, about 300 mg iodine a ml at 75 kV
_PHOTONS = 900.0  # in an unattenuated pixel of one frame: fluoroscopic acquisition, so one sees the noise
_LOG_LEVELS = 1250.0  # stored levels an e-fold of intensity
_BRIGHTEST = 3900.0
_INJECTION_S, _RISE_S, _WASHOUT_S = 2.3, 0.35, 0.75


@dataclass(frozen=True)
class Blush:
    """Contrast in tissue rather than in vessels: where, how dense, when it comes and how slowly it goes."""

    shape: Picture
    strength: float
    start_s: float
    rise_s: float = 1.2
    washout_s: float = 5.0


@dataclass(frozen=True)
class Scene:
    """All that stands before the detector; `breathing_px` is how far organ and vessels move up and down."""

    still: Picture
    moving: Picture
    branches: tuple[Branch, ...]
    blushes: tuple[Blush, ...]
    catheter: Points
    seed: int
    seconds: float = 9.0
    breathing_px: float = 3.0
    angles_deg: tuple[float, float] = (0.0, 0.0)
    devices: Picture = field(default_factory=lambda: np.zeros((SIZE, SIZE), np.float32))

    @property
    def frames(self) -> int:
        """Pictures of the run, mask included."""
        return round(self.seconds * FPS)


def render_run(scene: Scene) -> Iterator[NDArray[np.uint16]]:
    """Yield the frames of a run as 12-bit stored values, logarithmic, vessels dark."""
    random = np.random.default_rng(scene.seed)
    noise = _noise_pool(random)
    layers = _vessel_layers(scene)
    strength = contrast_at(scene)
    aperture = _aperture()
    static = scene.still + _catheter(scene.catheter)
    moving = scene.moving + scene.devices
    for frame in range(scene.frames):
        time_s = frame / FPS
        contrast = np.tensordot(strength[frame], layers, axes=1)
        shift = scene.breathing_px * np.sin(2 * np.pi * time_s / 4.3 + 0.6)
        attenuation = static + _shifted(moving + contrast, shift)
        yield _detect(attenuation, aperture, noise, random)


def vessel_mask(scene: Scene) -> NDArray[np.bool_]:
    """Return where contrast will run in vessels thick enough to be measured."""
    return np.asarray(_vessel_layers(scene)[:_TIME_BINS].sum(axis=0) > 4 * _OPACITY)


def contrast_at(scene: Scene) -> NDArray[np.float32]:
    """Return the contrast of every vessel layer and blush (columns) at every frame (rows)."""
    after_s = np.arange(scene.frames)[:, None] / FPS - MASK_FRAMES / FPS
    arrivals = _bin_times(scene)[None, :]
    # the bolus gets longer and softer on its way
    rise, washout = _RISE_S + 0.10 * arrivals, _WASHOUT_S + 0.22 * arrivals
    in_vessels = _bolus(after_s - arrivals, rise, washout, _INJECTION_S)
    columns = [in_vessels]
    for blush in scene.blushes:
        late = np.array([[blush.start_s]])
        columns.append(blush.strength * _bolus(after_s - late, blush.rise_s, blush.washout_s, _INJECTION_S))
    return np.concatenate(columns, axis=1).astype(np.float32)


def _bolus(
    since_s: NDArray[np.float64], rise: float | NDArray[np.float64], washout: float | NDArray[np.float64], length: float
) -> NDArray[np.float64]:
    """Return a smooth rise, a plateau with a trace of the pulse, and an exponential end."""
    begun = 1 - np.exp(-np.maximum(since_s, 0) / rise * 2)
    pulse = 1 + 0.05 * np.sin(2 * np.pi * since_s * 1.15)
    return np.asarray(begun * pulse * np.exp(-np.maximum(since_s - length, 0) / washout))


def _bin_times(scene: Scene) -> NDArray[np.float64]:
    latest = max(float(branch.arrival_s[-1]) for branch in scene.branches)
    return np.linspace(0, latest + 1e-6, _TIME_BINS)


def _vessel_layers(scene: Scene) -> NDArray[np.float32]:
    """Return contrast-filled thickness by time of arrival, then the blushes: (layers, rows, columns) attenuation."""
    layers = np.zeros((_TIME_BINS, SIZE, SIZE), np.float32)
    times = _bin_times(scene)
    for branch in scene.branches:
        _stamp_branch(layers, branch, times)
    # where vessels meet their lumens join, where they cross they lie behind each other: between the two the cube
    # root of the sum of cubes is darker at a crossing by a quarter and makes no knot of a fork
    together = layers.sum(axis=0)
    layers *= np.divide(np.cbrt(together), together, out=np.zeros_like(together), where=together > 0)
    for layer in layers:
        # the focal spot is no point, and flowing blood is not sharp
        layer[:] = _blurred(layer, 0.75)
    blushes = [blush.shape for blush in scene.blushes]
    return np.concatenate([layers * _OPACITY, np.array(blushes, np.float32).reshape(-1, SIZE, SIZE)])


def _stamp_branch(layers: NDArray[np.float32], branch: Branch, times: NDArray[np.float64]) -> None:
    """Add one vessel: discs along its axis, the thickest wins, each pixel between its two nearest time layers."""
    margin = int(branch.radius.max()) + 3
    low = np.maximum(np.floor(branch.axis.min(axis=0)).astype(int) - margin, 0)
    high = np.minimum(np.ceil(branch.axis.max(axis=0)).astype(int) + margin, SIZE)
    if (high <= low).any():
        return
    thickness = np.zeros((high[1] - low[1], high[0] - low[0]), np.float32)
    arrival = np.zeros_like(thickness)
    for (x, y), radius, time_s in zip(branch.axis, branch.radius, branch.arrival_s, strict=True):
        reach = int(radius) + 2
        left, top = max(int(x) - reach - low[0], 0), max(int(y) - reach - low[1], 0)
        patch = (slice(top, int(y) + reach + 1 - low[1]), slice(left, int(x) + reach + 1 - low[0]))
        rows, columns = thickness[patch].shape
        if rows <= 0 or columns <= 0:
            continue
        dy = np.arange(top, top + rows)[:, None] + low[1] - y
        dx = np.arange(left, left + columns)[None, :] + low[0] - x
        wide = max(radius, 0.9)
        disc = 2 * radius * np.sqrt(np.maximum(1 - (dx * dx + dy * dy) / (wide * wide), 0))
        is_thicker = disc > thickness[patch]
        thickness[patch] = np.where(is_thicker, disc, thickness[patch])
        arrival[patch] = np.where(is_thicker, time_s, arrival[patch])
    rows, columns = np.nonzero(thickness)
    place = np.interp(arrival[rows, columns], times, np.arange(len(times)))
    first = np.minimum(place.astype(int), len(times) - 2)
    share = (place - first).astype(np.float32)
    amount = thickness[rows, columns] ** 3
    layers[first, rows + low[1], columns + low[0]] += amount * (1 - share)
    layers[first + 1, rows + low[1], columns + low[0]] += amount * share


def _catheter(path: Points) -> Picture:
    """Return a catheter: two dense walls, and a denser tip."""
    canvas = np.zeros((1, SIZE, SIZE), np.float32)
    for radius, share in ((2.6, 1.0), (1.5, -0.62)):
        wall = np.zeros_like(canvas)
        _stamp_single(wall, path, radius)
        canvas += share * wall
    tip = np.zeros_like(canvas)
    _stamp_single(tip, path[-5:], 2.4)
    return np.asarray(_blurred(canvas[0] * 0.085 + tip[0] * 0.09, 0.6), np.float32)


def _stamp_single(layer: NDArray[np.float32], path: Points, radius: float) -> None:
    pair = np.zeros((2, SIZE, SIZE), np.float32)
    flat = Branch(path, np.full(len(path), radius), np.zeros(len(path)))
    _stamp_branch(pair, flat, np.array([0.0, 1.0]))
    layer += np.cbrt(pair[:1])


def _shifted(picture: Picture, down_px: float) -> Picture:
    whole = int(np.floor(down_px))
    part = down_px - whole
    return np.asarray(
        np.roll(picture, whole, axis=0) * (1 - part) + np.roll(picture, whole + 1, axis=0) * part, np.float32
    )


def _noise_pool(random: np.random.Generator) -> NDArray[np.float32]:
    """Return some fields of quantum noise, a little soft as a detector's scintillator makes it."""
    fields = random.standard_normal((12, SIZE, SIZE), dtype=np.float32)
    soft = 0.62 * fields + 0.19 * (np.roll(fields, 1, axis=1) + np.roll(fields, 1, axis=2))
    return np.asarray(soft / soft.std(), np.float32)


def _detect(
    attenuation: Picture, aperture: Picture, noise: NDArray[np.float32], random: np.random.Generator
) -> NDArray[np.uint16]:
    """Return stored values: the log of a count of photons, which is Poisson, dark outside the collimator."""
    field_of = noise[random.integers(len(noise))]
    field_of = np.roll(field_of, random.integers(SIZE, size=2), axis=(0, 1))
    # of N photons the logarithm deviates by 1 / sqrt(N): dark places are noisier
    deviation = np.exp(attenuation * 0.5) / np.float32(np.sqrt(_PHOTONS))
    stored = _BRIGHTEST - _LOG_LEVELS * (attenuation + deviation * field_of)
    return np.asarray(np.clip(stored * aperture + 40 * (1 - aperture), 0, 4095), np.uint16)


def _aperture() -> Picture:
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) - (SIZE - 1) / 2
    return np.asarray(np.clip((249 - np.hypot(x, y)) / 3.0, 0, 1), np.float32)


def _blurred(picture: Picture, radius: float) -> Picture:
    """Return a picture softened by a Gaussian, in floating point."""
    reach = max(int(radius * 3), 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2).astype(np.float32)
    kernel /= kernel.sum()
    for axis in (0, 1):
        picture = sum(weight * np.roll(picture, step - reach, axis=axis) for step, weight in enumerate(kernel))
    return np.asarray(picture, np.float32)


def textured(shape: Picture, seed: int, *, grain: float = 0.35) -> Picture:
    """Return a blush shape with the mottle of real tissue."""
    random = np.random.default_rng(seed)
    soft = Image.fromarray(np.uint8(np.clip(shape, 0, 1) * 255)).filter(ImageFilter.GaussianBlur(2))
    mottle = 1 + grain * clouds(SIZE, random, slope=1.0)
    return np.asarray(np.asarray(soft, np.float32) / 255 * np.clip(mottle, 0.1, 2.5), np.float32)
