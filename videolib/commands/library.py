"""`init`, `serve`, `worker`, `reindex`: the library as a whole."""

from __future__ import annotations

import signal
import threading
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

import click

from config.settings import Settings
from videolib.commands.opening import opened_database, opened_workshop, read_settings

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8000
PORTS = click.IntRange(1, 65535)


@click.command()
def init() -> None:
    """Create or upgrade database, store and index. May be called again at any time."""
    for line in prepare_library(read_settings()):
        click.echo(line)


def prepare_library(settings: Settings) -> list[str]:
    """Create or upgrade everything; tells what was done, a sentence a line."""
    from videolib.catalogue.indexing import HostIndex
    from videolib.db import Database
    from videolib.storage import open_store
    from videolib.upgrade import upgrade

    database = Database(settings.database_url)
    try:
        done = upgrade(database, settings.home)
        told = [f"Database: schema {done.after}, was {done.before or 'not there'}."]
        if done.copy:
            told.append(f"A copy of the database as it was lies at {done.copy}.")
        open_store(settings.store_url).prepare(settings.public_url)
        open_store(settings.originals_url).prepare()
        told.append("Store: ready.")
        index = HostIndex(settings, database)
        index.follow()
        index.close()
        return [*told, "Search index: ready."]
    finally:
        database.close()


@click.command()
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="Address to listen on.")
@click.option("--port", default=DEFAULT_PORT, type=PORTS, show_default=True, help="Port to listen on.")
def serve(host: str, port: int) -> None:
    """Serve the library; without a broker a worker process runs beside it."""
    from videolib.catalogue.people import has_demo_accounts
    from videolib.errors import Conflict

    settings = read_settings()
    with opened_database(settings) as database, database.reading() as session:
        if has_demo_accounts(session):
            raise Conflict(
                "This library holds demo accounts, whose passwords everybody knows: serve it with `videolib demo`, "
                "or set VIDEOLIB_HOME to a library of your own.",
                code="demo_library",
            )
    let_pages_read(settings, host, port)
    with service_listening(settings, host, port) as server:
        click.echo(f"Serving on http://{host}:{port} (Ctrl-C ends it).", err=True)
        answer_until_stopped(settings, server)


def let_pages_read(settings: Settings, host: str, port: int) -> None:
    """Without VIDEOLIB_PUBLIC_URL, to which `init` sees, a bucket lets pages of the address served read from it."""
    from videolib.errors import Unavailable
    from videolib.storage import open_store

    if settings.public_url or not settings.store_url.startswith("s3:"):
        return
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not listened on
        message = "The store is a bucket: set VIDEOLIB_PUBLIC_URL to the address that people type, and run `init`."
        click.echo(f"{message} Until then the bucket lets no page read from it, and nothing plays.", err=True)
        return
    try:
        open_store(settings.store_url).prepare(f"http://{host}:{port}")
    except Unavailable as error:
        click.echo(error.message, err=True)


def service_listening(settings: Settings, host: str, port: int) -> AbstractContextManager[Any]:
    """The service, whose port is taken already: what is told and started next cannot be in vain."""
    from videolib.web import create_app
    from videolib.web.server import listening

    return listening(create_app(settings), host, port)


def answer_until_stopped(settings: Settings, server: Any) -> None:
    """Run the service in this process and, without a broker, a worker in another; both end together."""
    from videolib.children import start_worker

    worker = None
    try:
        _end_on_sigterm()
        worker = None if settings.broker_url else start_worker(["videolib", "worker"])
        server.run()  # ends by Ctrl-C itself
    except KeyboardInterrupt:
        pass
    finally:
        click.echo("Stopping.", err=True)
        if worker is not None:
            worker.stop()


@click.command()
@click.option("--queues", default="quick,long,io", show_default=True, help="With a broker: take only these queues.")
@click.option("--consume", hidden=True, help="Be the Celery worker of these queues; what `worker` starts.")
def worker(queues: str, consume: str | None) -> None:
    """Take recordings from the queue and make them watchable, until it is stopped."""
    settings = read_settings()
    if consume:
        _consume(settings, _queues(consume))
        return
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with opened_workshop(settings) as workshop:
        if settings.broker_url:
            from ingest.fleet import run_fleet

            run_fleet(workshop, _queues(queues), stop=stopping.is_set)
        else:
            from ingest.worker import run_worker
            from videolib.catalogue.indexing import HostIndex

            run_worker(workshop, index=HostIndex(settings, workshop.database), stop=stopping.is_set)


def _queues(names: str) -> tuple[str, ...]:
    from videolib.catalogue.jobs import QUEUES

    known = tuple(dict.fromkeys(QUEUES.values()))
    chosen = tuple(name.strip() for name in names.split(",") if name.strip())
    if not chosen or set(chosen) - set(known):
        raise click.BadParameter(f"the queues are {', '.join(known)}", param_hint="--queues")
    return chosen


def _consume(settings: Settings, queues: tuple[str, ...]) -> None:
    from ingest.delivery import consume
    from ingest.worker import owner_name
    from ingest.workshop import Workshop
    from videolib.db import Database
    from videolib.storage import open_store

    def open_workshop() -> Workshop:
        database = Database(settings.database_url)
        return Workshop(settings, database, open_store(settings.store_url), open_store(settings.originals_url))

    consume(settings, queues, open_workshop, owner=owner_name)


@click.command()
def reindex() -> None:
    """Build the search index of this host anew beside the live one, then swap."""
    from videolib.catalogue.indexing import HostIndex

    settings = read_settings()
    with opened_database(settings) as database:
        count = HostIndex(settings, database).rebuild()
    click.echo(f"The index holds {count} entries.")


def _end_on_sigterm() -> None:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
