"""For a production server: `gunicorn "videolib.wsgi:create()"`."""

from __future__ import annotations

from wsgiref.types import WSGIApplication

from config.settings import load_settings
from videolib.commands.opening import set_up_logging
from videolib.db import Database
from videolib.upgrade import require_current
from videolib.web import create_app


def create() -> WSGIApplication:
    """The application by this process's environment. Raises `Conflict` for a library of another version."""
    settings = load_settings()
    set_up_logging(settings.log_level)
    database = Database(settings.database_url)
    require_current(database)
    return create_app(settings, database=database)
