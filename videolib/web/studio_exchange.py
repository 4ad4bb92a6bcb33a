"""What happens when, carried to ELAN and back: a file to take along, and a form that takes one."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import ngettext
from werkzeug.wrappers import Response as WerkzeugResponse

from videolib.catalogue.annotation_import import import_spoken
from videolib.catalogue.annotations import list_annotations
from videolib.catalogue.elan import MEDIA_TYPE, read_eaf, write_eaf
from videolib.errors import InvalidInput
from videolib.web.access import entry_to_edit, require_editor
from videolib.web.context import commit, database_session
from videolib.web.error_texts import translated
from videolib.web.moment_form import chosen_layer

blueprint = Blueprint("studio_exchange", __name__)

MOST_REASONS = 5


@blueprint.get("/studio/entries/<entry_id>/moments.eaf")
def download(entry_id: str) -> Response:
    """One layer as an ELAN file."""
    require_editor()
    entry = entry_to_edit(entry_id)
    rows = list_annotations(database_session(), entry.id, layer=chosen_layer(request.args.get("layer")))
    response = Response(write_eaf(database_session(), entry.id, rows), mimetype=MEDIA_TYPE)
    # the code of an entry, never its title: file names travel further than files
    response.headers["Content-Disposition"] = f'attachment; filename="{entry.code}.eaf"'
    return response


@blueprint.post("/studio/entries/<entry_id>/moments.eaf")
def upload(entry_id: str) -> WerkzeugResponse:
    """Take what an ELAN file says, and tell what of it could not be taken and why."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    layer = chosen_layer(request.form.get("layer"))
    file = request.files.get("file")
    back = redirect(url_for("studio_moments.index", entry_id=entry.id, layer=layer if layer != "main" else None), 303)
    try:
        found = read_eaf(database_session(), file.read() if file else b"", layer=layer)
        lines = import_spoken(database_session(), entry, found, by=person)
    except InvalidInput as error:
        database_session().rollback()
        flash(translated(error.message, error.code), "error")
        return back
    commit()
    taken = sum(line.annotation_id is not None for line in lines)
    flash(ngettext("%(num)s mark was taken.", "%(num)s marks were taken.", taken), "success" if taken else "warning")
    reasons = dict.fromkeys(translated(line.reason) for line in lines if line.reason)
    if reasons:
        left = len(lines) - taken
        told = ngettext("%(num)s was not taken:", "%(num)s were not taken:", left)
        flash(" ".join([told, *list(reasons)[:MOST_REASONS]]), "warning")
    return back
