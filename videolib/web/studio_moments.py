"""The plain page on which editors say what happens when: without a script too; the player helps where it runs."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import annotations as catalogue
from videolib.catalogue.annotations import STUDIO, Annotation, StaleAnnotation
from videolib.catalogue.entries import Entry
from videolib.catalogue.step_phases import add_step
from videolib.catalogue.vocabulary import Term, step_template
from videolib.errors import InvalidInput
from videolib.web.access import entry_to_edit, require_editor
from videolib.web.agreements import make_agreements
from videolib.web.context import commit, database_session
from videolib.web.entries import make_page
from videolib.web.error_texts import translated
from videolib.web.errors import status_of
from videolib.web.languages import language
from videolib.web.moment_form import MomentForm, chosen_layer, form_of, options, read_form, segment_options, typed_form
from videolib.web.moments import MomentLine, make_lines
from videolib.web.studio_captions import make_tracks

blueprint = Blueprint("studio_moments", __name__)

NEW_FORMS = ("segment", "event", "mark", "deed", "instrument")


@blueprint.get("/studio/entries/<entry_id>/moments")
def index(entry_id: str) -> Response:
    """The list and the forms; `?edit=` opens one annotation."""
    require_editor()
    entry = entry_to_edit(entry_id)
    wanted = request.args.get("edit")
    row = catalogue.get_annotation(database_session(), entry, wanted, with_layers=True) if wanted else None
    layer = row.layer if row else chosen_layer(request.args.get("layer"))
    return _render(entry, form_of(row) if row else None, layer=layer)


@blueprint.post("/studio/entries/<entry_id>/moments")
def add(entry_id: str) -> Response:
    """Add one."""
    require_editor()
    entry = entry_to_edit(entry_id)
    refusal = _add(entry, typed_form(request.form.get("family", "")))
    return refusal or _back(entry, _("Added."))


@blueprint.post("/studio/entries/<entry_id>/moments/<annotation_id>")
def save(entry_id: str, annotation_id: str) -> Response:
    """Change one."""
    require_editor()
    entry = entry_to_edit(entry_id)
    typed = typed_form(request.form.get("family", ""))
    refusal = _save(entry, replace(typed, id=annotation_id, has_drawing=request.form.get("drawing") == "kept"))
    return refusal or _back(entry, _("Saved."))


@blueprint.post("/studio/entries/<entry_id>/moments/<annotation_id>/delete")
def delete(entry_id: str, annotation_id: str) -> Response:
    """Delete one."""
    require_editor()
    entry = entry_to_edit(entry_id)
    refusal = _delete(entry, annotation_id, typed_form("").version)
    return refusal or _back(entry, _("Deleted."))


def _add(entry: Entry, form: MomentForm) -> Response | None:
    """Write what was typed; gives the page with the refusal, None when all went well."""
    person = require_editor()
    try:
        values = read_form(form, None)
        if values.kind == "step":
            add_step(database_session(), entry, values, by=person, tool=STUDIO)
        else:
            catalogue.add_annotation(database_session(), entry, values, by=person, tool=STUDIO)
    except InvalidInput as error:
        return _refused(entry, form, error)
    return None


def _save(entry: Entry, form: MomentForm) -> Response | None:
    session, person = database_session(), require_editor()
    try:
        row = catalogue.get_annotation(session, entry, form.id, with_layers=True, gone_is_stale=True)
        values = read_form(form, row)
        catalogue.change_annotation(session, entry, form.id, values, revision=form.version, by=person)
    except InvalidInput as error:
        return _refused(entry, form, error)
    except StaleAnnotation as error:
        return _stale(entry, form, error)
    return None


def _delete(entry: Entry, annotation_id: str, version: int) -> Response | None:
    person = require_editor()
    try:
        catalogue.delete_annotation(database_session(), entry, annotation_id, revision=version, by=person)
    except InvalidInput as error:
        return _refused(entry, None, error)
    except StaleAnnotation as error:
        return _stale(entry, None, error)
    return None


def _render(
    entry: Entry,
    form: MomentForm | None,
    *,
    status: int = 200,
    theirs: MomentLine | None = None,
    notice: str = "",
    layer: str | None = None,
) -> Response:
    """The page of one layer: who makes the second reading does not see the first."""
    layer = layer or chosen_layer(request.form.get("layer"))
    rows = catalogue.list_annotations(database_session(), entry.id, layer=layer)
    lines = make_lines(entry, rows)
    done = frozenset(str(row.term_id) for row in rows if row.kind in {"phase", "step"})
    page = render_template(
        "studio/moments.html",
        entry=make_page(entry),
        lines=[lines[row.id] for row in rows],
        form=form if form is not None and form.id else None,
        forms=[
            form if form is not None and not form.id and form.family == name else MomentForm(name, layer=layer)
            for name in NEW_FORMS
        ],
        segments=segment_options(_templates(entry), done),
        complications=options("complication"),
        severities=options("classification", only="cls.cirse"),
        verbs=options("verb"),
        instruments=(*options("device"), *options("drug")),
        targets=options("anatomy"),
        tracks=make_tracks(entry),
        theirs=theirs,
        notice=notice,
        layer=layer,
        agreements=make_agreements(entry) if layer == "main" else (),
    )
    return Response(page, status=status, mimetype="text/html")


def _templates(entry: Entry) -> list[tuple[str, list[Term]]]:
    """Each of the entry's procedures with its steps in order."""
    procedures = {term.id: term for term in entry.terms_of("procedures")}
    return [
        (procedures[template.procedure_id].label(language()), [item.step for item in template.steps if item.step])
        for template in step_template(database_session(), list(procedures))
        if template.procedure_id in procedures
    ]


def _refused(entry: Entry, form: MomentForm | None, error: InvalidInput) -> Response:
    database_session().rollback()
    fields = {name: translated(sentence) for name, sentence in error.fields.items()}
    shown = replace(form, errors=fields) if form is not None else None
    return _render(entry, shown, status=status_of(error), notice="" if form else translated(error.message))


def _stale(entry: Entry, form: MomentForm | None, error: StaleAnnotation) -> Response:
    """Both values: theirs in a panel, what was typed in the fields; saving again is then a decision."""
    database_session().rollback()
    current: Annotation | None = error.current
    theirs = make_lines(entry, [current])[current.id] if current is not None else None
    if current is None:
        # nothing is lost: what was typed becomes the draft of a new one
        shown = replace(form, id="", version=0) if form is not None else None
        return _render(entry, shown, status=412, notice=_("Somebody else has deleted it meanwhile."))
    shown = replace(form, version=current.revision) if form is not None else None
    return _render(entry, shown, status=412, theirs=theirs, notice=translated(error.message))


def _back(entry: Entry, message: str) -> Response:
    commit()
    flash(message, "success")
    layer = chosen_layer(request.form.get("layer"))
    return redirect(url_for("studio_moments.index", entry_id=entry.id, layer=layer if layer != "main" else None), 303)
