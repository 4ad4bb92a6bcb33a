"""The page on which recordings are uploaded; the bytes go to `api/uploads`."""

from __future__ import annotations

from flask import Blueprint, render_template

from videolib.catalogue.storage_use import find_use_for
from videolib.catalogue.upload_checks import GIB, limits_of
from videolib.catalogue.uploads import KEPT
from videolib.web.access import require_uploader
from videolib.web.context import database_session, services
from videolib.web.storage_use import make_bar

blueprint = Blueprint("upload", __name__)


@blueprint.get("/studio/upload")
def index() -> str:
    """Files and folders are dropped here, and what was left unfinished is gone on with."""
    person = require_uploader()
    limits = limits_of(services().settings, services().originals)
    return render_template(
        "uploads/index.html",
        largest_gib=f"{limits.largest / GIB:g}",
        kept_days=KEPT.days,
        bar=make_bar(find_use_for(database_session(), person)),
    )
