"""CPU seconds and quality of `videolib package` beside what other libraries do with the same recording.

    bench/transcode.py [RECORDING…] [--seconds 300] [--quick] [--peer NAME]…

Calls the shared `peers_transcode.py` with the ffmpeg in use here; without a recording it takes the shared
laparoscopy. With `--seconds` the recording is looped (by stream copy) to that length. Ours is measured twice: all
encoded, and with the recording's own pictures as the top rendition where they can be copied. `--quick` leaves VMAF
out. All that runs is counted, from the start of Python to the verified package; then it packages once more and says
where the CPU seconds went.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARED = (ROOT / os.environ.get("VIDEOLIB_TEST_SHARED", "../shared")).resolve()
EVERYDAY = SHARED / "testdata" / "surgical" / "lap_cholecystectomy_720p25_aac.mp4"
sys.path.insert(0, str(ROOT))

from ingest.ffmpeg import find_tools  # noqa: E402 - the path is set just above
from ingest.pipeline import Method, package_recording, refused_report  # noqa: E402

# what issue 3 wants: (peer, all encoded, top copied) CPU seconds of the peer over ours
WANTED = (("peertube", 1.3, 2.2), ("mediacms", 2.3, 4.0))


def looped(recording: Path, seconds: float, folder: Path) -> Path:
    """Return the recording repeated to so many seconds, without encoding it."""
    path = folder / f"{recording.stem}-{seconds:.0f}s{recording.suffix}"
    command = [find_tools().ffmpeg, "-v", "error", "-nostdin", "-stream_loop", "-1", "-i", recording]
    subprocess.run([*map(str, command), "-t", str(seconds), "-c", "copy", str(path)], check=True)
    return path


def compare(recording: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run ours (encoded) and the peers on one recording; return the shared program's rows."""
    tools = find_tools()
    ours = shlex.join([sys.executable, __file__, "--package", "encode", "{source}", "{out}"])
    command = [sys.executable, SHARED / "bench" / "peers_transcode.py", recording, "--ours", ours, "--json"]
    command += ["--ffmpeg", tools.ffmpeg, "--ffprobe", tools.ffprobe, *([] if options.quick else ["--vmaf"])]
    command += [part for peer in options.peer or () for part in ("--peer", peer)]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def copied(recording: Path, row: dict[str, Any]) -> dict[str, Any] | None:
    """Package with the top rendition copied, counted as the shared program counts; None where it cannot be copied."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, __file__, "--package", "copy", str(recording), str(out)]
        answer = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if not answer["package"]["renditions"][0]["copied"]:
            return None
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    content_s = row["cpu_s"] / row["cpu_per_content_s"]
    return {"who": "ours, top copied", "cpu_s": cpu_s, "cpu_per_content_s": cpu_s / content_s, "bytes": size}


def stages(recording: Path, *, copy: bool) -> dict[str, float]:
    """Package once and return the CPU seconds of each stage, of this process and its children."""
    marks: list[tuple[str, float]] = []

    def note(stage: str, _fraction: float | None) -> None:
        if not marks or marks[-1][0] != stage:
            marks.append((stage, _cpu_s()))

    with tempfile.TemporaryDirectory() as folder:
        package_recording(recording, Path(folder) / "out", on_progress=note, method=Method(copy=copy))
    ends = [*(cpu_s for _, cpu_s in marks[1:]), _cpu_s()]
    return {stage: end_s - start_s for (stage, start_s), end_s in zip(marks, ends, strict=True)}


def print_rows(rows: list[dict[str, Any]]) -> None:
    """Print the table; a ratio is the row's CPU seconds over those of ours, encoded."""
    ours = rows[0]["cpu_s"]
    print(f"{'who':18} {'CPU s':>7} {'a content s':>12} {'MiB':>6} {'VMAF':>6} {'to ours':>8}")
    for row in rows:
        vmaf = f"{row['vmaf']:6.1f}" if row.get("vmaf") else "     -"
        print(
            f"{row['who']:18} {row['cpu_s']:7.1f} {row['cpu_per_content_s']:12.2f} "
            f"{row['bytes'] / 2**20:6.1f} {vmaf} {row['cpu_s'] / ours:8.2f}"
        )


def print_verdict(rows: list[dict[str, Any]]) -> None:
    """Print how many times cheaper than each peer both ways are, and what is wanted."""
    by_name = {row["who"]: row["cpu_s"] for row in rows}
    for peer, *wanted in WANTED:
        for way, least in zip(("ours", "ours, top copied"), wanted, strict=True):
            if peer in by_name and way in by_name:
                print(f"{peer} over {way}: {by_name[peer] / by_name[way]:.2f} (wanted {least})")


def _cpu_s() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def main() -> None:
    """Print a table for each recording."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", nargs="*", type=Path, default=[EVERYDAY])
    parser.add_argument("--seconds", type=float, help="loop to this length")
    parser.add_argument("--quick", action="store_true", help="no VMAF")
    parser.add_argument("--peer", action="append", help="only these")
    parser.add_argument("--stages", action="store_true", help="say where the CPU seconds of ours went")
    parser.add_argument("--package", choices=["encode", "copy"], help="only make RECORDING's package in the folder OUT")
    options = parser.parse_args()
    if options.package:
        source, out = options.recording
        method = Method(copy=options.package == "copy")
        print(json.dumps(refused_report(source, lambda: package_recording(source, out, method=method))))
        return
    tools = find_tools()
    print(
        f"{time.strftime('%Y-%m-%d')} · {platform.processor() or platform.machine()} · {os.cpu_count()} cores"
        f" · Python {platform.python_version()} · ffmpeg {tools.ffmpeg_version} · sandbox {tools.sandbox}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for given in options.recording:
            recording = looped(given, options.seconds, Path(folder)) if options.seconds else given
            rows = compare(recording, options)
            rows[1:1] = [row for row in [copied(recording, rows[0])] if row is not None]
            print(f"\n{recording.name}")
            print_rows(rows)
            print_verdict(rows)
            for copy in (False, True) if options.stages else ():
                spent = stages(recording, copy=copy)
                print(f"ours, copy={copy}: " + ", ".join(f"{stage} {cpu_s:.2f} s" for stage, cpu_s in spent.items()))


if __name__ == "__main__":
    main()
