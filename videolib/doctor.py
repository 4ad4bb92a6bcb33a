"""Everything the library stands on, tried for real: what answers, what does not, and how to mend it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from config.settings import Settings
from videolib.errors import VideolibError

if TYPE_CHECKING:
    from videolib.db import Database

LOW_DISK_GIB = 20
CLOCK_TOLERANCE_S = 2.0
NEEDED_ENCODERS = ("libx264", "aac", "mjpeg")


@dataclass(frozen=True)
class Finding:
    """One thing that was tried; `fix` says how to mend it where it is not well."""

    check: str
    ok: bool
    message: str
    fix: str = ""

    def as_json(self) -> dict[str, object]:
        """The contract's line."""
        return asdict(self)


def examine(settings: Settings) -> Iterator[Finding]:
    """Try everything, one finding after the other; none of them raises."""
    for name, check in (
        ("ffmpeg", _tools),
        ("store", lambda given: _store("store", given.store_url, given.public_url)),
        ("originals", lambda given: _store("originals", given.originals_url, None)),
        ("database", _database),
        ("index", _index),
        ("broker", _broker),
        ("mail", _mail),
        ("disk", _disk),
    ):
        yield from _guarded(name, check, settings)


def _guarded(name: str, check: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    try:
        yield from check(settings)
    except VideolibError as error:
        yield Finding(name, ok=False, message=error.message, fix=_FIXES.get(error.code, _FIXES.get(name, "")))


_FIXES = {
    "ffmpeg": "Run ./run setup again; it brings an ffmpeg of its own.",
    "store": "Check VIDEOLIB_STORE_URL, the endpoint and the credentials.",
    "originals": "Check VIDEOLIB_ORIGINALS_URL, the endpoint and the credentials.",
    "database": "Check VIDEOLIB_DATABASE_URL and that the server runs.",
    "database_unavailable": "Check VIDEOLIB_DATABASE_URL and that the server runs.",
    "mail_unavailable": "Check VIDEOLIB_SMTP_URL: host, port, user and password, and that the server speaks TLS.",
    "broker_unavailable": "Check VIDEOLIB_BROKER_URL and that the broker runs.",
    "schema_older": "Run videolib init.",
    "schema_newer": "Install the newer version of videolib here.",
    "version_differs": "Run videolib init, or install the version that the library belongs to.",
    "search_rebuilding": "Run videolib reindex, or start a worker: it builds the index by itself.",
}


def _tools(_settings: Settings) -> Iterator[Finding]:
    from ingest.ffmpeg import Limits, find_tools, run_ffmpeg

    tools = find_tools()
    yield Finding("ffmpeg", ok=True, message=f"ffmpeg {tools.ffmpeg_version} at {tools.ffmpeg}")
    yield Finding("ffprobe", ok=True, message=f"ffprobe {tools.ffprobe_version} at {tools.ffprobe}")
    listed = run_ffmpeg(["-encoders"], source=None, out=None, limits=Limits.for_probe()).stdout.decode()
    missing = [name for name in NEEDED_ENCODERS if f" {name} " not in listed]
    yield Finding(
        "encoders",
        ok=not missing,
        message=f"missing: {', '.join(missing)}" if missing else f"{', '.join(NEEDED_ENCODERS)} are there",
        fix="Install an ffmpeg with these encoders, or remove it and run ./run setup." if missing else "",
    )
    walls = {
        "bwrap": "bubblewrap: no network, no files but the recording",
        "unshare": "namespaces of the kernel: no network; install bubblewrap to hide other files as well",
        "limits": "limits of CPU, memory and size only; install bubblewrap",
    }
    yield Finding(
        "sandbox",
        ok=True,
        message=walls[tools.sandbox],
        fix="" if tools.sandbox == "bwrap" else "Install bubblewrap.",
    )


def _store(name: str, url: str, origin: str | None) -> Iterator[Finding]:
    from videolib.storage import open_store

    for check, ok, message, fix in open_store(url).check(origin):
        yield Finding(f"{name} {check}", ok=ok, message=message, fix=fix or "")


def _database(settings: Settings) -> Iterator[Finding]:
    from videolib.catalogue.library import require_same_version
    from videolib.db import Database
    from videolib.upgrade import current_revision, require_current

    database = Database(settings.database_url)
    try:
        require_current(database)
        with database.reading() as session:
            require_same_version(session)
        yield Finding(
            "database",
            ok=True,
            message=f"{database.url.get_backend_name()}, schema {current_revision(database)}",
        )
        yield _clock(database)
    finally:
        database.close()


def _clock(database: Database) -> Finding:
    """Leases are judged by the database's clock, signatures by this host's: they must agree."""
    from videolib.db import database_now

    with database.reading() as session:
        skew_s = abs(database_now(session).timestamp() - time.time())
    ok = skew_s <= CLOCK_TOLERANCE_S
    return Finding(
        "clock",
        ok=ok,
        message=f"{skew_s:.1f} s off the database's",
        fix="" if ok else "Turn on time synchronisation (chrony).",
    )


def _index(settings: Settings) -> Iterator[Finding]:
    from search.pages import SearchRequest
    from videolib.catalogue.indexing import HostIndex
    from videolib.catalogue.library import current_sequence
    from videolib.db import Database

    database = Database(settings.database_url)
    try:
        index = HostIndex(settings, database)
        page = index.search(SearchRequest(text="", audiences=frozenset({"public", "signed_in"}), limit=1))
        with database.reading() as session:
            behind = current_sequence(session) - index.sequence()
        yield Finding("index", ok=True, message=f"{page.total} entries, {behind} changes behind")
    finally:
        database.close()


def _broker(settings: Settings) -> Iterator[Finding]:
    if settings.broker_url is None:
        yield Finding("broker", ok=True, message="none: a worker runs beside serve")
        return
    from ingest.delivery import Sender, make_app
    from videolib.db import Database

    Sender(make_app(settings.broker_url), Database(settings.database_url)).check()
    yield Finding("broker", ok=True, message="answers")


def _mail(settings: Settings) -> Iterator[Finding]:
    if settings.smtp_url is None:
        yield Finding("mail", ok=True, message="none is sent")
        return
    from videolib.mail import try_server

    try_server(settings)
    yield Finding("mail", ok=True, message="the mail server answers")


def _disk(settings: Settings) -> Iterator[Finding]:
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free_gib = shutil.disk_usage(place).free / 2**30
    ok = free_gib >= LOW_DISK_GIB
    fix = "" if ok else f"Make room: at least {LOW_DISK_GIB} GiB, and 2.5 times the largest recording."
    yield Finding("disk", ok=ok, message=f"{free_gib:.0f} GiB free under VIDEOLIB_HOME", fix=fix)
