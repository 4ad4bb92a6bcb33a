"""What helps whoever mends a library from afar, in one ZIP: states, counts, versions, checks; nothing people wrote.

Only columns that are named here go in, and of settings only what is neither a secret nor an address: so a new table or
field tells nothing by itself. Ids are random and stay: by them the hospital finds the recording that is talked about.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config.settings import Settings
from videolib import __version__
from videolib.catalogue.entries import Entry
from videolib.catalogue.jobs import Job
from videolib.catalogue.library import COUNTERS, current_sequence
from videolib.catalogue.packages import Package
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import Screening
from videolib.catalogue.uploads import Upload
from videolib.db import Database, utc_now
from videolib.doctor import examine
from videolib.errors import VideolibError
from videolib.tables import metadata
from videolib.upgrade import current_revision

MOST_JOBS = 500
# settings whose text says nothing of anybody
_TOLD = frozenset({"log_level", "accel_prefix"})
# not `error`, which has the words of a tool, nor `owner` and `arguments`
_OF_JOBS = (
    *("id", "kind", "state", "queue", "recording_id", "package_id", "position", "attempt", "given_back", "waits_for"),
    *("not_before", "lease_until", "progress", "cancel", "error_code", "started_at", "finished_at", "sent_at"),
)
ABOUT = """Made by `videolib doctor --bundle` for whoever helps with this library.

In it: what `doctor` found, versions, settings (no secrets, of addresses only their kind), how many rows of what state,
the state of jobs that are not done, sizes of folders. Not in it: names, titles, texts, files, pictures, logs.
Logs hold no patient data either; send them with it if asked for (docs/operating.md, "When something is wrong").
"""


def write_bundle(settings: Settings, path: Path) -> None:
    """Write the ZIP, whole or not at all. What cannot be found out is said in it and keeps nothing else away."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", ABOUT)
            for name, tell in _PARTS.items():
                archive.writestr(f"{name}.json", _as_text(settings, tell))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _as_text(settings: Settings, tell: Callable[[Settings], Any]) -> str:
    try:
        said = tell(settings)
    except (VideolibError, OSError) as error:
        said = {"not_known": type(error).__name__, "code": getattr(error, "code", "")}
    text = json.dumps(said, indent=1, ensure_ascii=False, default=str)
    # a folder's name may be a person's
    return text.replace(str(settings.home), "HOME").replace(str(Path.home()), "~")


def _checks(settings: Settings) -> list[dict[str, object]]:
    return [finding.as_json() for finding in examine(settings)]


def _versions(settings: Settings) -> dict[str, Any]:
    database = Database(settings.database_url)
    try:
        revision = current_revision(database)
        server = ".".join(map(str, _server_version(database)))
    finally:
        database.close()
    return {
        "videolib": __version__,
        "schema": revision,
        "database": f"{database.url.get_backend_name()} {server}",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "packages": dict(sorted((one.name, one.version) for one in distributions())),
        "at": utc_now().isoformat(timespec="seconds"),
    }


def _server_version(database: Database) -> tuple[Any, ...]:
    with database.engine.connect() as connection:
        return tuple(connection.dialect.server_version_info or ())


def _settings(settings: Settings) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name in sorted(type(settings).model_fields):
        value = getattr(settings, name)
        if name.endswith("_url"):
            said[name] = urlsplit(value).scheme if value else None
        elif value is None or isinstance(value, bool | int | float) or name in _TOLD:
            said[name] = value
        else:
            said[name] = (
                "set" if str(value.get_secret_value() if isinstance(value, SecretStr) else value) else "not set"
            )
    return said


def _rows(settings: Settings) -> dict[str, Any]:
    """How many of what; states and codes come from lists of ours."""
    with _reading(settings) as session:
        by = {
            "recordings": _counted(session, Recording.state, Recording.stage, Recording.reason_code),
            "entries": _counted(session, Entry.status),
            "packages": _counted(session, Package.state),
            "jobs": _counted(session, Job.kind, Job.state),
            "screenings": _counted(session, Screening.state),
            "uploads": _counted(session, Upload.state),
        }
        counts = {
            table.name: session.scalar(select(func.count()).select_from(table)) for table in metadata.sorted_tables
        }
        numbers = {name: current_sequence(session, name) for name in COUNTERS}
    return {"counts": counts, "by_state": by, "counters": numbers}


def _counted(session: Session, *columns: Any) -> list[list[Any]]:
    rows = session.execute(select(*columns, func.count()).group_by(*columns).order_by(*columns))
    return [list(row) for row in rows]


def _jobs(settings: Settings) -> list[dict[str, Any]]:
    """What is not done; what a tool said about a file is left out."""
    columns = [Job.__table__.columns[name] for name in _OF_JOBS]
    with _reading(settings) as session:
        asked = select(*columns).where(Job.state != "done").order_by(Job.id.desc()).limit(MOST_JOBS)
        return [dict(row) for row in session.execute(asked).mappings()]


def _folders(settings: Settings) -> dict[str, Any]:
    """Sizes below home, and how full the disk is."""
    found: dict[str, Any] = {}
    if settings.home.is_dir():
        usage = shutil.disk_usage(settings.home)
        found["disk"] = {"total": usage.total, "free": usage.free}
        for name in ("store", "scratch", "sources", "index", "backups"):
            files = [path for path in (settings.home / name).rglob("*") if path.is_file()]
            found[name] = {"files": len(files), "bytes": sum(_size(path) for path in files)}
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # gone meanwhile
        return 0


@contextmanager
def _reading(settings: Settings) -> Iterator[Session]:
    """A session on the library's database, closed with it."""
    database = Database(settings.database_url)
    try:
        with database.reading() as session:
            yield session
    finally:
        database.close()


_PARTS: dict[str, Callable[[Settings], Any]] = {
    "checks": _checks,
    "versions": _versions,
    "settings": _settings,
    "rows": _rows,
    "jobs": _jobs,
    "folders": _folders,
}
