"""Recordings that tests make for themselves with a real ffmpeg, small and telling.

`make_recording` is the everyday one; `make_clapper` flashes and clicks at the same moments; `numbers_in` and
`moments_of` read back what they show.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.ffmpeg import find_tools

SMALL_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
NUMBER_BITS = 12


def run_tool(*arguments: str | Path) -> bytes:
    """Run the ffmpeg of the machine and return its output."""
    command = [str(find_tools().ffmpeg), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return done.stdout


def probe(path: Path | str, *entries: str, stream: str = "") -> dict[str, Any]:
    """Ask ffprobe for some entries (`stream=width,height`) of a file or a playlist."""
    chosen = ["-select_streams", stream] if stream else []
    command = [find_tools().ffprobe, "-v", "error", *chosen, "-show_entries", ":".join(entries), "-of", "json", path]
    done = subprocess.run(list(map(str, command)), capture_output=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def make_recording(
    path: Path,
    *,
    seconds: float = 4,
    size: str = "640x360",
    fps: str | int = 25,
    audio: bool = True,
    pattern: str = "testsrc2",
    burn_frame_numbers: bool = False,
    filters: str = "",
    codec: Sequence[str] = SMALL_H264,
    extra: Sequence[str] = (),
) -> Path:
    """Make a recording of a test picture with a tone; `filters` change the picture, `extra` goes before the file."""
    steps = [step for step in (filters, _frame_number_bars() if burn_frame_numbers else "") if step]
    sound = ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}"] if audio else []
    run_tool(
        *("-f", "lavfi", "-i", f"{pattern}{':' if '=' in pattern else '='}size={size}:rate={fps}:duration={seconds}"),
        *sound,
        *(["-vf", ",".join(steps)] if steps else []),
        *codec,
        *extra,
        path,
    )
    return path


def make_clapper(
    path: Path, *, seconds: int = 5, fps: str | int = 25, sound_starts_s: float = 0.0, codec: Sequence[str] = SMALL_H264
) -> Path:
    """Make a recording that is dark, and at every whole second flashes for a picture and clicks.

    With `sound_starts_s` the sound track begins that much later (or earlier) than the pictures; what is heard
    stays in time. Take whole pictures for an earlier one.
    """
    # a picture is a flash when it is the first at or after a whole second
    flash = f"drawbox=t=fill:c=white:enable='lt(mod(t,1),1/({fps})-0.0001)*gte(t,0.9)'"
    click = "if(lt(mod(t,1),0.02)*gte(t,0.9),0.8*sin(2*PI*1000*t),0)"
    later = f"atrim=start={sound_starts_s}" if sound_starts_s > 0 else "anull"
    lead_s = max(0.0, -sound_starts_s)
    sound = {".mpg": "mp2", ".mov": "pcm_s16le", ".mkv": "pcm_s16le"}.get(path.suffix, "aac")
    run_tool(
        *("-itsoffset", str(lead_s)),
        *("-f", "lavfi", "-i", f"color=0x101010:size=320x240:rate={fps}:duration={seconds},{flash}"),
        *("-f", "lavfi", "-i", f"aevalsrc='{click}':s=48000:d={seconds}"),
        *("-af", f"adelay={round(lead_s * 1000)},{later}", *codec, "-c:a", sound),
        path,
    )
    return path


def moments_of(path: Path) -> tuple[list[float], list[float]]:
    """Return when a clapper flashes and when it clicks, in seconds on its own clock, as a player hears and sees it."""
    lines = run_tool(
        *("-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-copyts"),
        *("-vf", "signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-", "-f", "null", "-"),
    )
    flashes, at_s = [], 0.0
    for line in lines.decode().splitlines():
        if "pts_time:" in line:
            at_s = float(line.rpartition("pts_time:")[2])
        elif float(line.rpartition("=")[2]) > 128:
            flashes.append(at_s)
    raw = run_tool(
        *("-copyts", "-i", path, "-map", "0:a:0", "-af", "aresample=48000:async=1:first_pts=0"),
        *("-ac", "1", "-f", "s16le", "-"),
    )
    loud = np.flatnonzero(np.abs(np.frombuffer(raw, np.int16).astype(np.int32)) > 4000)
    clicks = [float(index) / 48000 for index in loud[np.flatnonzero(np.diff(loud, prepend=-48000) > 4800)]]
    return flashes, clicks


def pictures_of(path: Path, *, width: int, height: int, stream: str = "0:v:0") -> NDArray[np.uint8]:
    """Decode all pictures in grey, scaled to a size: an array of (pictures, height, width)."""
    raw = run_tool(
        *("-i", path, "-map", stream, "-fps_mode", "passthrough"),
        *("-vf", f"scale={width}:{height}:flags=area,format=gray", "-f", "rawvideo", "-"),
    )
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width)


def numbers_in(path: Path) -> list[int]:
    """Read the frame numbers that `burn_frame_numbers` wrote, one a picture."""
    strips = pictures_of(path, width=NUMBER_BITS * 4, height=36)[:, 1, 2::4]
    return [sum(1 << bit for bit in range(NUMBER_BITS) if strip[bit] > 128) for strip in strips]


@cache
def _frame_number_bars() -> str:
    """Return a filter that writes the number of each picture as white and black fields along its top."""
    bits = "+".join(f"bitand(floor(N/{1 << bit}),1)*between(X,{bit}*W/{NUMBER_BITS},{bit + 1}*W/{NUMBER_BITS}-1)"
                    for bit in range(NUMBER_BITS))  # fmt: skip
    lum = f"if(lt(Y,H/9),16+219*({bits}),lum(X,Y))"
    grey = "if(lt(Y,H/18),128,{plane}(X,Y))"
    return f"geq=lum='{lum}':cb='{grey.format(plane='cb')}':cr='{grey.format(plane='cr')}'"
