"""200 people follow recordings in work: does a page still come at once?  `python -m bench.watchers [watchers]`

A library with twenty recordings in work is served by `videolib serve`; watchers poll the API with ETags as the pages
do (every 2 s, then up to 10 s while nothing changes), one connection each, while a page is asked for again and again.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import sys
import tempfile
import time

from config.settings import load_settings, set_environment
from videolib.catalogue import jobs, packages
from videolib.catalogue.people import add_user, make_token
from videolib.catalogue.recordings import add_recording, get_recording
from videolib.children import Child
from videolib.commands.library import prepare_library
from videolib.commands.opening import set_up_logging
from videolib.db import Database

PORT, RECORDINGS, CHUNKS, SECONDS = 8791, 20, 60, 20.0
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 10.0


def main(watchers: int) -> None:
    """Print the time that a page takes with nobody watching and with so many."""
    with tempfile.TemporaryDirectory(prefix="videolib-bench-") as folder:
        set_environment(VIDEOLIB_HOME=folder, VIDEOLIB_LOG_LEVEL="ERROR", VIDEOLIB_ENCODES="1")
        token, recordings = fill()
        # the web process alone: encoders would measure the machine
        code = (
            "from videolib.commands.opening import read_settings; from videolib.web import create_app; "
            "from videolib.web.server import listening\n"
            f"with listening(create_app(read_settings()), '127.0.0.1', {PORT}) as server: server.run()"
        )
        with Child([sys.executable, "-c", code]):
            print(f"{'watchers':>9} {'pages':>6} {'p50 ms':>7} {'p95 ms':>7} {'polls/s':>8} {'304s':>5} {'failed':>7}")
            for count in (0, watchers):
                asyncio.run(measure(count, token, recordings))


def fill() -> tuple[str, list[str]]:
    """A library of recordings in work, one chunk in three done; gives a token and their ids."""
    settings = load_settings()
    set_up_logging(settings.log_level)
    prepare_library(settings)
    database = Database(settings.database_url)
    ids = []
    with database.writing() as session:
        add_user(session, "editor@bench.example", None, ["editor"])
        token = make_token(session, "editor@bench.example")
        for number in range(RECORDINGS):
            sha256, key = f"{number:064d}", secrets.token_hex(16)
            row = add_recording(session, source_name="x", original_key=key, size=9, sha256=sha256, by=None)
            planned = jobs.start_work(session, row, by=None)
            package = packages.begin_package(session, row.id)
            cuts = [(60.0 * at, 60.0 * at + 60.0) for at in range(CHUNKS)]
            packages.plan_package(session, package, plan={}, tracks=[], cuts=cuts)
            jobs.split(session, planned, package, positions=range(CHUNKS), has_sound=True)
            for chunk in packages.list_chunks(session, package.id)[: CHUNKS // 3]:
                chunk.state = "done"
            get_recording(session, row.id).state = "processing"
            ids.append(row.id)
    database.close()
    return token, ids


async def measure(watchers: int, token: str, recordings: list[str]) -> None:
    """Ask for a page again and again while watchers poll."""
    tally = {"polls": 0, "unchanged": 0, "failed": 0}
    await _until_it_answers()
    ends = time.monotonic() + SECONDS
    tasks = [
        asyncio.create_task(watch(recordings[number % len(recordings)], token, ends, number / watchers, tally))
        for number in range(watchers)
    ]
    took = []
    while time.monotonic() < ends:
        started = time.monotonic()
        status, _, _ = await ask(await asyncio.open_connection("127.0.0.1", PORT), "/search?q=stent", token, None)
        took.append(1000 * (time.monotonic() - started))
        tally["failed"] += status != 200
        await asyncio.sleep(0.1)
    await asyncio.gather(*tasks)
    p95 = statistics.quantiles(took, n=20)[-1]
    print(
        f"{watchers:9} {len(took):6} {statistics.median(took):7.0f} {p95:7.0f} {tally['polls'] / SECONDS:8.1f} "
        f"{tally['unchanged']:5} {tally['failed']:7}",
        flush=True,
    )


async def watch(recording: str, token: str, ends: float, offset: float, tally: dict[str, int]) -> None:
    """Poll as `recording-status.js` does."""
    etag, wait_s = None, FIRST_WAIT_S
    await asyncio.sleep(FIRST_WAIT_S * offset)
    while time.monotonic() < ends:
        connection = await asyncio.open_connection("127.0.0.1", PORT)
        status, fresh, next_s = await ask(connection, f"/api/v1/recordings/{recording}", token, etag)
        tally["polls"] += 1
        tally["unchanged"] += status == 304
        tally["failed"] += status not in {200, 304}
        wait_s = FIRST_WAIT_S if status == 200 else min(wait_s * 1.5, LONGEST_WAIT_S)
        etag = fresh or etag
        await asyncio.sleep(max(wait_s, next_s))


async def ask(
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], path: str, token: str, etag: str | None
) -> tuple[int, str | None, float]:
    """One request; gives the status, the ETag, and after how many seconds to look again."""
    reader, writer = connection
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", f"Authorization: Bearer {token}"]
    lines += [f"If-None-Match: {etag}"] if etag else []
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    answer = (await reader.read(-1)).decode("utf-8", "replace")
    writer.close()
    head = answer.partition("\r\n\r\n")[0].split("\r\n")
    named = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    return int(head[0].split()[1]), named.get("etag"), float(named.get("videolib-next-look", 0))


async def _until_it_answers() -> None:
    for _ in range(600):
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
