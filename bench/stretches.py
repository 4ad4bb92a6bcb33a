"""What a worker fetches of an hour in a bucket to encode a minute of it.  `python -m bench.stretches [MINUTES]`

The real 720p clip of the shared data is looped to the length (60 minutes) and kept in a real S3 server on this host.
For chunks along it, the stretch that `ingest.stretches` fetches is timed and counted beside a fetch of the whole file,
from the same server in the same run; the last line says how much all chunks together would fetch.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.first_picture import CLIP, CLIP_S, KINDS, ROOT, run_ffmpeg
from config.settings import load_settings
from ingest.encode import ways_in
from ingest.inspect import inspect
from ingest.making import Bench
from ingest.pipeline import Method, make_plans
from ingest.sources import SourceCache
from ingest.stretches import fetch_stretch
from videolib.children import start_s3_server
from videolib.storage import open_store

SHARES = (0.1, 0.5, 0.9)
KEY = "original"
FETCHED: list[int] = []


def main(minutes: int = 60) -> None:
    """Print a line for each chunk that was fetched, and one for the whole."""
    with tempfile.TemporaryDirectory(prefix="videolib-bench-") as name:
        folder = Path(name)
        access, secret = secrets.token_hex(8), secrets.token_hex(20)
        server = start_s3_server(folder / "s3", access_key=access, secret_key=secret)
        try:
            store_url = f"s3://bench/library?endpoint={server.endpoint}&style=path"
            originals = open_store(store_url, keys=(access, secret))
            originals.prepare()
            cache = Counted(load_settings({"VIDEOLIB_HOME": str(folder / "home")}), originals)
            measure(cache, folder, minutes)
        finally:
            server.stop()


def measure(cache: SourceCache, folder: Path, minutes: int) -> None:
    """Fetch stretches, then the whole."""
    source, turns = folder / "in.mp4", str(minutes * 60 // CLIP_S - 1)
    run_ffmpeg("-stream_loop", turns, "-i", str(ROOT / CLIP), *KINDS["copied"], str(source))
    cache.originals.put_file(KEY, source)
    inspection = inspect(source)
    plan = next(one for one in make_plans(inspection, Method(cache.settings.chunk_s)) if one.is_chunked)
    print(f"{minutes} minutes, {source.stat().st_size / 1e6:.0f} MB, {len(plan.spans)} chunks")
    shares = []
    for share in SHARES:
        span = plan.spans[int(share * len(plan.spans))]
        work = folder / f"chunk-{span.position}"
        work.mkdir()
        bench = Bench(work / "stretch", inspection, work, lambda _: None, lambda: False)
        earlier_s = ways_in(plan, span, inspection.container)[0] or 0.0
        started, before = time.monotonic(), sum(FETCHED)
        if not fetch_stretch(cache, KEY, bench, plan, span, earlier_s=earlier_s):
            sys.exit("The recording is too short: its whole is fetched as quickly.")
        shares.append(sum(FETCHED) - before)
        on_disk = bench.source.stat().st_blocks * 512
        print(
            f"  chunk {span.position}: {shares[-1] / 1e6:.1f} MB in {time.monotonic() - started:.2f} s, "
            f"{on_disk / 1e6:.1f} MB on the disk"
        )
    started = time.monotonic()
    with cache.opened(KEY, on_progress=lambda _: None, cancelled=lambda: False) as whole:
        print(f"  whole: {whole.stat().st_size / 1e6:.1f} MB in {time.monotonic() - started:.2f} s")
    total = sum(shares) / len(shares) * len(plan.spans)
    print(f"  all chunks by stretches: {total / source.stat().st_size:.2f} x the file")


class Counted(SourceCache):
    """A cache that counts what is fetched in parts."""

    def fetch_parts(self, key: str, path: Path, parts: Any, *, cancelled: Any) -> None:
        """Count, then fetch."""
        FETCHED.append(sum(end - start for start, end in parts))
        super().fetch_parts(key, path, parts, cancelled=cancelled)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
