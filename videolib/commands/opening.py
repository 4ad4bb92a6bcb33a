"""What commands share: opening the library, printing JSON lines, a progress bar on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from config.settings import Settings, load_settings

if TYPE_CHECKING:
    from ingest.workshop import Workshop
    from videolib.db import Database


class Bar(Protocol):
    """Shows how far one piece of work is."""

    def __call__(self, stage: str, fraction: float | None) -> None:
        """`fraction` from 0 to 1 of that stage; None where it is not known."""


def read_settings(default_home: Path | None = None) -> Settings:
    """This process's settings, with logging set up by them."""
    settings = load_settings(default_home=default_home)
    set_up_logging(settings.log_level)
    return settings


def set_up_logging(level: str) -> None:
    """Log lines go to stderr: readable on a terminal, JSON elsewhere."""
    import structlog

    renderer: Any = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelNamesMapping()[level]), stream=sys.stderr)


@contextmanager
def opened_database(settings: Settings) -> Iterator[Database]:
    """The library's database, of exactly this program's schema."""
    from videolib.db import Database
    from videolib.upgrade import require_current

    database = Database(settings.database_url)
    try:
        require_current(database)
        yield database
    finally:
        database.close()


@contextmanager
def opened_workshop(settings: Settings) -> Iterator[Workshop]:
    """Database and stores, as a worker needs them."""
    from ingest.workshop import Workshop
    from videolib.storage import open_store

    with opened_database(settings) as database:
        yield Workshop(settings, database, open_store(settings.store_url), open_store(settings.originals_url))


def print_json(value: object) -> None:
    """One JSON object on one line of stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


@contextmanager
def progress_bar(title: str) -> Iterator[Bar]:
    """A bar on stderr where that is a terminal; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda stage, fraction: None  # noqa: ARG005
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(escape(title), total=1.0)

        def show(stage: str, fraction: float | None) -> None:
            progress.update(task, description=f"{escape(title)} · {stage}", completed=fraction or 0.0)

        yield show
