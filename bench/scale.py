"""Two workers against one, and what the measured chunks say of fifty.  `python -m bench.scale [--minutes 5]`

A worker stands for a host of one core: it is held to a core of its own, so that two of them show what handing out work
costs and not what a core gives. The real 720p clip of the shared data is looped; its pictures are encoded whole. Then
the jobs that one worker did are given to more and more workers on paper, in the order in which the rows hand them out:
first the job that plans, then chunks and sound, at the end the one that joins.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.first_picture import CLIP, CLIP_S, ROOT, call, run_ffmpeg, videolib
from config.settings import load_settings
from videolib.catalogue.jobs import Job
from videolib.catalogue.recordings import SETTLED, get_recording
from videolib.db import Database

FLEETS = (1, 2, 5, 10, 20, 50)
LONG_MINUTES = 60
LEAST_MINUTES = 2
# the first four chunks are shorter than the others
SHORT_CHUNKS = 4


@dataclass(frozen=True)
class Done:
    """One job: what it was, and how long it took."""

    kind: str
    position: int | None
    seconds: float


def main(minutes: int) -> None:
    """Print two tables."""
    with tempfile.TemporaryDirectory(prefix="videolib-bench-") as name:
        folder = Path(name)
        source = make_source(folder, minutes)
        print(f"{minutes} minutes, encoded whole\n\n{'workers':>7} {'seconds':>8} {'to one':>7}")
        first_s, jobs = 0.0, list[Done]()
        for workers in (1, 2):
            took_s, done = run(folder / f"home-{workers}", source, workers)
            first_s, jobs = (took_s, done) if workers == 1 else (first_s, jobs)
            print(f"{workers:7} {took_s:8.1f} {first_s / took_s:7.2f}", flush=True)
    long = as_long(jobs, minutes, LONG_MINUTES)
    print(f"\n{LONG_MINUTES} minutes, on paper\n\n{'workers':>7} {'seconds':>8} {'to one':>7} {'busy':>5}")
    alone_s = makespan(long, 1)
    for workers in FLEETS:
        took_s = makespan(long, workers)
        busy = sum(job.seconds for job in long) / (workers * took_s)
        print(f"{workers:7} {took_s:8.1f} {alone_s / took_s:7.2f} {busy:5.0%}")


def make_source(folder: Path, minutes: int) -> Path:
    """The clip as no browser plays it, so often one after the other."""
    short, source = folder / "short.mp4", folder / "source.mp4"
    run_ffmpeg("-i", str((ROOT / CLIP).resolve()), "-c:v", "mpeg4", "-q:v", "4", "-c:a", "copy", str(short))
    run_ffmpeg("-stream_loop", str(minutes * 60 // CLIP_S - 1), "-i", str(short), "-c", "copy", str(source))
    return source


def run(home: Path, source: Path, workers: int) -> tuple[float, list[Done]]:
    """Make the recording with so many workers in a library of its own; seconds, and the jobs."""
    settings = {"VIDEOLIB_HOME": str(home), "VIDEOLIB_ENCODES": str(workers), "VIDEOLIB_LOG_LEVEL": "ERROR"}
    environment = {**os.environ, **settings}
    call(environment, "init")
    taken = json.loads(call(environment, "ingest", str(source), "--no-wait", "--json"))
    os.environ.update(settings)
    database = Database(load_settings().database_url)
    started = time.monotonic()
    cores = sorted(os.sched_getaffinity(0))
    commands = [["taskset", "-c", str(cores[one % len(cores)]), *videolib("worker")] for one in range(workers)]
    held = [subprocess.Popen(command, env=environment, cwd=ROOT) for command in commands]
    try:
        while not is_over(database, taken["recording_id"]):
            time.sleep(0.2)
        took_s = time.monotonic() - started
    finally:
        for process in held:
            process.terminate()
        for process in held:
            process.wait()
    with database.reading() as session:
        done = [
            Done(job.kind, job.position, (job.finished_at - job.started_at).total_seconds())
            for job in session.query(Job).order_by(Job.priority.desc(), Job.turn, Job.id)
            if job.finished_at is not None and job.started_at is not None
        ]
    database.close()
    return took_s, done


def is_over(database: Database, recording_id: str) -> bool:
    """Whether the work on it has come to an end."""
    with database.reading() as session:
        return get_recording(session, recording_id).state in SETTLED


def as_long(jobs: Sequence[Done], minutes: int, wanted_minutes: int) -> list[Done]:
    """The jobs of a longer recording of the same kind: more chunks like those measured, sound that takes longer."""
    later = [job for job in jobs if job.kind == "chunk" and (job.position or 0) >= SHORT_CHUNKS]
    drawn = random.Random(1)
    more = [drawn.choice(later) for _ in range((wanted_minutes - minutes) * 60 // 60)]
    longer = wanted_minutes / minutes
    scaled = {"sound": longer, "preview_sound": longer}
    found = [Done(job.kind, job.position, job.seconds * scaled.get(job.kind, 1.0)) for job in jobs]
    sound = [job for job in found if job.kind == "sound"]
    chunks = [*(job for job in found if job.kind == "chunk"), *more]
    rest = [job for job in found if job.kind not in {"chunk", "sound"}]
    return [*rest, *chunks[: len(chunks) // 2], *sound, *chunks[len(chunks) // 2 :]]


def makespan(jobs: Sequence[Done], workers: int) -> float:
    """Seconds until all is done when each takes the next job as soon as it is free."""
    before = sum(job.seconds for job in jobs if job.kind == "prepare")
    after = sum(job.seconds for job in jobs if job.kind == "finish")
    free_at = [before] * workers
    for job in jobs:
        if job.kind not in {"prepare", "finish"}:
            heapq.heappush(free_at, heapq.heappop(free_at) + job.seconds)
    return max(free_at) + after


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=5, help="length of the recording, at least 2")
    asked = parser.parse_args()
    if asked.minutes < LEAST_MINUTES:
        parser.error(f"needs {LEAST_MINUTES} minutes or more: a shorter recording has no chunk of full length")
    main(asked.minutes)
