"""CPU seconds and quality of `videolib package` beside what other libraries do with the same recording.

    bench/transcode.py [RECORDING…] [--quick]

Calls the shared `peers_transcode.py` with the ffmpeg in use here; without a recording it takes the shared
laparoscopy. `--quick` leaves VMAF out. Then it packages once more and says where our CPU seconds went.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = (ROOT / os.environ.get("VIDEOLIB_TEST_SHARED", "../shared")).resolve()
EVERYDAY = SHARED / "testdata" / "surgical" / "lap_cholecystectomy_720p25_aac.mp4"
sys.path.insert(0, str(ROOT))

from ingest.ffmpeg import find_tools  # noqa: E402 - the path is set just above
from ingest.pipeline import package_recording  # noqa: E402


def compare(recording: Path, *, with_vmaf: bool) -> list[dict[str, float]]:
    """Run ours and every peer on one recording; return the shared program's rows."""
    tools = find_tools()
    ours = f"{sys.executable} -m videolib.cli package {{source}} {{out}} --json"
    command = [sys.executable, SHARED / "bench" / "peers_transcode.py", recording, "--ours", ours, "--json"]
    command += ["--ffmpeg", tools.ffmpeg, "--ffprobe", tools.ffprobe, *(["--vmaf"] if with_vmaf else [])]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def stages(recording: Path) -> dict[str, float]:
    """Package once and return the CPU seconds of each stage, of this process and its children."""
    marks: list[tuple[str, float]] = []

    def note(stage: str, _fraction: float | None) -> None:
        if not marks or marks[-1][0] != stage:
            marks.append((stage, _cpu_s()))

    with tempfile.TemporaryDirectory() as folder:
        package_recording(recording, Path(folder) / "out", on_progress=note)
    ends = [*(cpu_s for _, cpu_s in marks[1:]), _cpu_s()]
    return {stage: end_s - start_s for (stage, start_s), end_s in zip(marks, ends, strict=True)}


def _cpu_s() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def main() -> None:
    """Print a table for each recording."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", nargs="*", type=Path, default=[EVERYDAY])
    parser.add_argument("--quick", action="store_true", help="no VMAF")
    options = parser.parse_args()
    tools = find_tools()
    print(
        f"{time.strftime('%Y-%m-%d')} · {platform.processor() or platform.machine()} · {os.cpu_count()} cores", end=""
    )
    print(f" · Python {platform.python_version()} · ffmpeg {tools.ffmpeg_version} · sandbox {tools.sandbox}")
    for recording in options.recording:
        print(f"\n{recording.name}\n{'who':10} {'CPU s':>7} {'a content s':>12} {'MiB':>6} {'VMAF':>6} {'to ours':>8}")
        for row in compare(recording, with_vmaf=not options.quick):
            vmaf = f"{row['vmaf']:6.1f}" if row["vmaf"] else "     -"
            print(
                f"{row['who']:10} {row['cpu_s']:7.1f} {row['cpu_per_content_s']:12.2f} "
                f"{row['bytes'] / 2**20:6.1f} {vmaf} {row['ratio']:8.2f}"
            )
        spent = stages(recording)
        print("ours by stage: " + ", ".join(f"{stage} {cpu_s:.2f} s" for stage, cpu_s in spent.items()))


if __name__ == "__main__":
    main()
