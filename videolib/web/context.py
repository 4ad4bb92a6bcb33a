"""What every request can reach: the services of this process and the one database session of the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Flask, current_app, g, request
from sqlalchemy.orm import Session

from config.settings import Settings
from videolib.db import Database, close_unit
from videolib.storage import GrowingStore, Store

if TYPE_CHECKING:
    from videolib.catalogue.cases import CaseNumbers
    from videolib.catalogue.indexing import HostIndex
    from videolib.web.media_gate import MediaGate
    from videolib.web.media_links import MediaLinks
    from videolib.web.watching import Watching

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Services:
    """What `create_app` was given or has opened."""

    settings: Settings
    database: Database
    store: Store
    originals: GrowingStore
    index: HostIndex
    links: MediaLinks
    gate: MediaGate
    watching: Watching
    numbers: CaseNumbers


def services() -> Services:
    """The services of the application that answers this request."""
    found: Services = current_app.extensions["videolib"]
    return found


def database_session() -> Session:
    """The session of this request: it only looks for safe methods, and holds the write lock for all others."""
    if "database_session" not in g:
        database = services().database
        engine = database.engine if request.method in SAFE_METHODS else database.write_engine()
        g.database_session = Session(engine, expire_on_commit=False)
    session: Session = g.database_session
    return session


def commit() -> None:
    """End the request's unit of work; what was allowed before it is asked for anew."""
    close_unit(database_session())
    database_session().commit()
    services().gate.forget()
    services().watching.forget()


def init_context(app: Flask, found: Services) -> None:
    """Give the application its services."""
    app.extensions["videolib"] = found
    app.teardown_appcontext(_close_session)


def _close_session(_error: BaseException | None) -> None:
    session: Session | None = g.pop("database_session", None)
    if session is not None:
        # what was not committed is rolled back
        session.close()
