"""A narrated clip in two languages: the steps of a TACE shown on the liver phantom, captioned, with a made voice.

There is no speech in it: no free voice for Chinese ships as a package. The sound has the rhythm of the Chinese
captions, one soft vowel-like tone for each character with a rise or fall of pitch, made of harmonics that are shaped
by the formants of five vowels. It lets sound, captions and lip-free timing be tried; it says nothing.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.ffmpeg import Limits, run_ffmpeg
from videolib.demo.phantom import FPS, MASK_FRAMES, SIZE, render_run
from videolib.demo.phantom_dicom import WINDOW_CENTER, WINDOW_WIDTH
from videolib.demo.scenes import hepatic_scene

_RATE = 24_000
_RUN_S = 9.0
_SYLLABLE_S = 0.19
# first three formants in Hz of a, e, i, o, u of a low voice (Peterson and Barney 1952, rounded)
_VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))
# pitch from begin to end of a syllable: the level, rising, dipping and falling tones
_TONES = ((1.12, 1.12), (0.92, 1.16), (0.96, 0.82), (1.2, 0.84))


@dataclass(frozen=True)
class Passage:
    """One caption: when, in both languages, and the step of the vocabulary it belongs to."""

    start_s: float
    end_s: float
    zh: str
    en: str
    step: str


PASSAGES = (
    Passage(0.3, 4.3, "经股动脉穿刺置鞘，导管进入肝总动脉。",
            "Through a femoral sheath the catheter is placed in the common hepatic artery.", "step.tace.01"),
    Passage(4.7, 8.7, "先拍蒙片，再注入对比剂行肝动脉造影。",
            "First the mask, then contrast: a hepatic arteriogram.", "step.tace.02"),
    Passage(9.3, 13.3, "减影图像清楚显示肝固有动脉及左右分支。",
            "The subtracted run shows the proper hepatic artery and its branches.", "step.tace.02"),
    Passage(13.7, 17.7, "肝右叶可见肿瘤染色，由肝右动脉分支供血。",
            "A tumour stain in the right lobe is fed by a branch of the right hepatic artery.", "step.tace.03"),
    Passage(18.3, 22.3, "在路图引导下，微导管超选择进入供血动脉。",
            "Under roadmap the microcatheter is advanced superselectively into the feeder.", "step.tace.04"),
    Passage(22.7, 26.7, "锥形束断层确认灌注范围，避开胆囊动脉。",
            "Cone-beam CT confirms the territory and spares the cystic artery.", "step.tace.05"),
    Passage(27.3, 31.3, "缓慢注入化疗药与碘油乳剂，碘油沉积良好。",
            "Chemotherapy in lipiodol emulsion is injected slowly; the oil stays in the tumour.", "step.tace.06"),
    Passage(31.7, 35.7, "再以明胶海绵颗粒栓塞，至血流停滞。",
            "Gelatin sponge particles follow until the flow stands still.", "step.tace.07"),
    Passage(36.3, 40.3, "复查造影：肿瘤染色消失，肝动脉主干通畅。",
            "The completion arteriogram: no tumour stain, the main hepatic artery is open.", "step.tace.08"),
    Passage(40.7, 44.6, "拔鞘止血，术后观察栓塞后综合征。",
            "The sheath is removed; watch for post-embolisation syndrome.", "step.tace.09"),
)  # fmt: skip
DURATION_S = 5 * _RUN_S


def make_narrated(folder: Path, name: str) -> Path:
    """Make the narrated clip, 1280x720 with sound; return it."""
    sound = folder / "narration.wav"
    _write_wav(sound, speak(PASSAGES))
    try:
        run_ffmpeg(
            [
                *("-f", "rawvideo", "-pixel_format", "gray", "-video_size", f"{SIZE}x{SIZE}"),
                *("-framerate", str(FPS), "-i", "pipe:0", "-i", "{out}/narration.wav"),
                *("-map", "0:v", "-map", "1:a", "-vf", _FILTERS),
                *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
                *("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", str(2 * FPS)),
                # zxx is ISO 639-2 for "no linguistic content"
                *("-c:a", "aac", "-b:a", "96k", "-metadata:s:a:0", "language=zxx"),
                *("-map_metadata", "-1", "-fflags", "+bitexact", "-movflags", "+faststart", f"{{out}}/{name}"),
            ],
            source=None,
            out=folder,
            limits=Limits.for_duration(DURATION_S),
            feed=(picture.tobytes() for picture in _pictures()),
        )
    finally:
        sound.unlink(missing_ok=True)
    return folder / name


def captions() -> dict[str, str]:
    """Return the captions as WebVTT by language."""
    return {
        "zh": _webvtt([(p.start_s, p.end_s, p.zh) for p in PASSAGES]),
        "en": _webvtt([(p.start_s, p.end_s, p.en) for p in PASSAGES]),
    }


def speak(passages: tuple[Passage, ...]) -> NDArray[np.float32]:
    """Return the sound of all passages, mono, -1 to 1."""
    sound = np.zeros(int(DURATION_S * _RATE), np.float32)
    for passage in passages:
        syllables = [character for character in passage.zh if character.isalnum()]
        gap = min((passage.end_s - passage.start_s - 0.3) / len(syllables), 0.26)
        for index, character in enumerate(syllables):
            # the voice sinks towards the end of a sentence
            voice = 158 * (1.08 - 0.16 * index / len(syllables))
            tone = _syllable(ord(character), voice)
            first = int((passage.start_s + 0.1 + index * gap) * _RATE)
            sound[first : first + len(tone)] += tone
    for delay, share in ((0.031, 0.22), (0.053, 0.16), (0.089, 0.10)):
        # a small room
        late = int(delay * _RATE)
        sound[late:] += share * sound[:-late]
    return np.asarray(sound / np.abs(sound).max() * 0.5, np.float32)


def _syllable(code: int, voice_hz: float) -> NDArray[np.float32]:
    """Return one tone: harmonics of a gliding pitch, loud near the formants of a vowel, softly begun and ended."""
    time_s = np.arange(int(_SYLLABLE_S * _RATE)) / _RATE
    share = time_s / _SYLLABLE_S
    begin, end = _TONES[code % 4]
    phase = 2 * np.pi * np.cumsum(voice_hz * (begin + (end - begin) * share)) / _RATE
    formants = np.array(_VOWELS[code // 4 % 5])
    tone = np.zeros_like(time_s)
    for harmonic in range(1, 22):
        near = np.exp(-(((harmonic * voice_hz - formants) / (90 + 0.07 * formants)) ** 2))
        tone += (near @ np.array([1.0, 0.5, 0.22]) + 0.02) / harmonic**0.4 * np.sin(harmonic * phase)
    envelope = np.sin(np.pi * np.clip(share, 0, 1)) ** 0.7 * (1 - 0.35 * share)
    return np.asarray(tone * envelope, np.float32)


_FILTERS = (
    "scale=720:720:flags=bicubic:in_range=pc:out_range=tv:out_color_matrix=bt709,format=yuv420p,pad=1280:720:280:0"
)


def _pictures() -> Iterator[NDArray[np.uint8]]:
    """Yield the five passages of the film, each as long as a run."""
    before = list(render_run(hepatic_scene()))
    after = list(render_run(hepatic_scene(is_treated=True)))
    yield from map(_windowed, before)
    yield from _subtracted(before)
    yield from _roadmap(before)
    yield from map(_windowed, after)
    yield from _subtracted(after)


def _windowed(frame: NDArray[np.uint16]) -> NDArray[np.uint8]:
    low = WINDOW_CENTER - WINDOW_WIDTH / 2
    return np.clip((frame - low) / WINDOW_WIDTH * 255, 0, 255).astype(np.uint8)


def _subtracted(frames: list[NDArray[np.uint16]]) -> Iterator[NDArray[np.uint8]]:
    mask = np.mean(frames[MASK_FRAMES - 6 : MASK_FRAMES], axis=0, dtype=np.float32)
    inside = mask > 100
    for frame in frames:
        yield np.where(inside, np.clip(205 + (frame - mask) * 0.13, 0, 255), 0).astype(np.uint8)


def _roadmap(frames: list[NDArray[np.uint16]]) -> Iterator[NDArray[np.uint8]]:
    """Yield live pictures with the vessels of the peak in white: what the operator steers by."""
    mask = np.mean(frames[MASK_FRAMES - 6 : MASK_FRAMES], axis=0, dtype=np.float32)
    vessels = np.clip(mask - np.mean(frames[48:58], axis=0, dtype=np.float32) - 60, 0, 900)
    last = len(frames) - 1
    for index in range(len(frames)):
        # the first pictures have no contrast: to and fro among them
        live = _windowed(frames[MASK_FRAMES - 1 - abs(index % (2 * MASK_FRAMES - 2) - MASK_FRAMES + 1)])
        fade = min(index / 12, (last - index) / 6, 1.0)
        yield np.clip(live * 0.8 + vessels * 0.22 * fade, 0, 255).astype(np.uint8)


def _webvtt(cues: list[tuple[float, float, str]]) -> str:
    lines = ["WEBVTT", ""]
    for start_s, end_s, text in cues:
        lines += [f"{_timestamp(start_s)} --> {_timestamp(end_s)}", text, ""]
    return "\n".join(lines)


def _timestamp(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"00:{int(minutes):02d}:{rest:06.3f}"


def _write_wav(path: Path, sound: NDArray[np.float32]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
