"""`demo`: a library of recordings that the project makes itself, taken in by the real pipeline, and served."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.settings import Settings, set_environment
from videolib.commands.library import (
    DEFAULT_PORT,
    PORTS,
    answer_until_stopped,
    prepare_library,
    service_listening,
)
from videolib.commands.opening import opened_workshop, progress_bar, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.workshop import Workshop
    from videolib.children import S3Server
    from videolib.demo.moments import DemoMoment

HOST = "127.0.0.1"
DEMO_HOME = Path("var") / "demo"
BUCKET = "videolib"
# known to everybody: `serve` refuses a library that holds these
LOGINS = {
    "trainee": ("trainee@demo.example", "trainee-demo-2026"),
    "editor": ("editor@demo.example", "editor-demo-2026"),
    "instructor": ("instructor@demo.example", "instructor-demo-2026"),
    "admin": ("admin@demo.example", "admin-demo-2026"),
}


@click.command()
@click.option("--port", default=DEFAULT_PORT, type=PORTS, show_default=True, help="Port to listen on.")
@click.option("--fill-only", is_flag=True, help="Make the library and end.")
@click.option("--s3", is_flag=True, help="Keep it in a real S3 server that is started for it.")
@click.option("--leave-work", is_flag=True, hidden=True, help="With --fill-only: queue the work for another process.")
def demo(*, port: int, fill_only: bool, s3: bool, leave_work: bool) -> None:
    """Make a demo library and serve it; the pages answer while recordings are still being made."""
    settings = _settings_of_demo()
    server = _start_s3(settings.home) if s3 and not leave_work else None
    try:
        if server is not None:
            settings = read_settings()
        if not leave_work:
            _refuse_real_library(settings)
            prepare_library(settings.model_copy(update={"public_url": settings.public_url or f"http://{HOST}:{port}"}))
            _add_logins(settings)
        if fill_only:
            _fill(settings, leave_work=leave_work)
        else:
            _serve(settings, port)
    finally:
        if server is not None:
            server.stop()


def _settings_of_demo() -> Settings:
    """The demo's own home: never the library that the settings may name for real work."""
    from videolib.errors import Conflict

    settings = read_settings(default_home=DEMO_HOME)
    marker = settings.home / "demo"
    if not marker.exists():
        if (settings.home / "videolib.db").exists():
            raise Conflict("VIDEOLIB_HOME names a library that is not a demo; name another folder.", code="not_a_demo")
        settings.home.mkdir(parents=True, exist_ok=True)
        marker.touch()
    # for the worker and the filler beside this process
    set_environment(VIDEOLIB_HOME=str(settings.home))
    if "log_level" not in settings.model_fields_set:
        set_environment(VIDEOLIB_LOG_LEVEL="WARNING")  # a line a request would push the logins off the screen
        settings = read_settings()
    return settings


def _refuse_real_library(settings: Settings) -> None:
    """Raise `Conflict` where VIDEOLIB_DATABASE_URL names a library in use: everybody knows the logins of a demo."""
    from videolib.catalogue.people import has_demo_accounts, list_users
    from videolib.catalogue.recordings import list_recordings
    from videolib.db import Database
    from videolib.errors import Conflict
    from videolib.upgrade import current_revision

    database = Database(settings.database_url)
    try:
        if current_revision(database) is None:
            return
        with database.reading() as session:
            is_in_use = bool(list_users(session) or list_recordings(session, limit=1))
            if is_in_use and not has_demo_accounts(session):
                raise Conflict(
                    "VIDEOLIB_DATABASE_URL names a library that is not a demo; take the setting away.",
                    code="not_a_demo",
                )
    finally:
        database.close()


def _start_s3(home: Path) -> S3Server:
    from videolib.children import start_s3_server

    keys = home / "s3_keys"
    if not keys.exists():
        keys.touch(mode=0o600)
        keys.write_text(f"demo{secrets.token_hex(8)} {secrets.token_urlsafe(32)}", encoding="ascii")
    access_key, secret_key = keys.read_text(encoding="ascii").split()
    server = start_s3_server(home / "s3", access_key=access_key, secret_key=secret_key)
    set_environment(
        AWS_ACCESS_KEY_ID=access_key,
        AWS_SECRET_ACCESS_KEY=secret_key,
        AWS_SESSION_TOKEN="",  # of whoever calls: it would be sent with these keys
        VIDEOLIB_STORE_URL=f"s3://{BUCKET}?endpoint={server.endpoint}&region=us-east-1&style=path",
        VIDEOLIB_DATABASE_URL=f"sqlite:///{home / 's3.db'}",
        VIDEOLIB_SEARCH_URL=f"whoosh:{home / 'index-s3'}",
    )
    return server


def _add_logins(settings: Settings) -> None:
    from videolib.catalogue.people import add_user, find_user
    from videolib.commands.opening import opened_database
    from videolib.passwords import hash_password

    with opened_database(settings) as database, database.writing() as session:
        for role, (email, password) in LOGINS.items():
            if find_user(session, email) is None:
                add_user(session, email, hash_password(password), [role], display_name=f"Demo {role}", is_demo=True)


def _serve(settings: Settings, port: int) -> None:
    from videolib.children import Child, start_worker

    with service_listening(settings, HOST, port) as server:
        filler: Child = start_worker(["videolib", "demo", "--fill-only", "--leave-work"])
        click.echo(
            f"\nThe demo library is at http://{HOST}:{port} (Ctrl-C ends it). Recordings appear as they are made.\n"
        )
        for role, (email, password) in LOGINS.items():
            click.echo(f"  {role:11} {email:26} password {password}")
        click.echo("")
        try:
            answer_until_stopped(settings, server)
        finally:
            filler.stop()


def _fill(settings: Settings, *, leave_work: bool) -> None:
    """Make the recordings and queue each as soon as it is there; then work them off, unless another process does."""
    from ingest.intake import Item, read_meta, take_in
    from videolib.commands.intake import work_off
    from videolib.demo.recordings import make_demo_recordings

    with opened_workshop(settings) as workshop:
        if _is_filled(workshop):
            return
        made, entries = [], []
        with progress_bar("demo") as bar:
            for recording in make_demo_recordings(settings.home / "recordings", bar):
                values, captions = read_meta({**recording.meta, "captions": recording.captions})
                item = Item(recording.path, values, captions, generated=True)
                taken = take_in(workshop.database, workshop.originals, item, by=None, publish=True)
                made.append(taken.recording_id)
                entries += [taken.entry_id] if taken.entry_id else []
                _mark(workshop, taken.entry_id, recording.moments)
        _teach(workshop, entries)
        _mark_filled(workshop)
        if not leave_work:
            work_off(workshop, made)


def _mark(workshop: Workshop, entry_id: str | None, moments: Sequence[DemoMoment]) -> None:
    """What happens when in it; left alone where it was marked by a demo before."""
    from videolib.catalogue.annotations import list_annotations
    from videolib.catalogue.entries import Entry
    from videolib.demo.moments import add_moments

    with workshop.database.writing() as session:
        entry = session.get(Entry, entry_id) if entry_id else None
        if entry is not None and not list_annotations(session, entry.id):
            add_moments(session, entry, moments)


def _teach(workshop: Workshop, entry_ids: Sequence[str]) -> None:
    """A lesson of the first angiogram and the study of two runs."""
    from videolib.demo.lesson import add_demo_lesson

    with workshop.database.writing() as session:
        chosen = [entry_ids[at] for at in (0, 2) if at < len(entry_ids)]
        add_demo_lesson(session, chosen, LOGINS["instructor"][0], LOGINS["trainee"][0])


def _is_filled(workshop: Workshop) -> bool:
    from videolib import __version__
    from videolib.catalogue.library import LibraryFact

    with workshop.database.reading() as session:
        fact = session.get(LibraryFact, "demo_filled_by")
        return fact is not None and fact.text == __version__


def _mark_filled(workshop: Workshop) -> None:
    from videolib import __version__
    from videolib.catalogue.library import LibraryFact

    with workshop.database.writing() as session:
        session.merge(LibraryFact(name="demo_filled_by", text=__version__))
