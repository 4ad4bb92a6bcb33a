"""`/api/v1/entries/<id>/annotations`: what happens when, as W3C Web Annotation; and chapters as WebVTT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import Response as PlainResponse
from flask import request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from videolib.catalogue import annotations as catalogue
from videolib.catalogue.access import can
from videolib.catalogue.annotation_import import Line, import_annotations
from videolib.catalogue.annotations import API, Annotation, StaleAnnotation
from videolib.catalogue.chapters import write_chapters
from videolib.catalogue.entries import Entry
from videolib.catalogue.left_out import LeftOut
from videolib.catalogue.web_annotations import (
    MEDIA_TYPE,
    Writer,
    keep_origin,
    merged,
    read_annotation,
    read_items,
)
from videolib.web.access import current_person, entry_to_edit, entry_to_see, require_editor
from videolib.web.agreements import make_agreements
from videolib.web.api.annotation_schemas import (
    AgreementOut,
    AgreementQuery,
    AnnotationPage,
    AnnotationsQuery,
    ChaptersQuery,
    SentAnnotation,
    WebAnnotation,
)
from videolib.web.api.answers import sent_object, tagged
from videolib.web.api.spec import documents_body
from videolib.web.cards import picture_size
from videolib.web.context import commit, database_session
from videolib.web.error_texts import named_left_out, translated
from videolib.web.errors import Problem, answer, status_of
from videolib.web.playback import find_package, make_chapters, outside_address

blueprint = APIBlueprint("annotations_api", __name__, url_prefix="/api/v1", tag="Annotations")


@blueprint.get("/entries/<entry_id>/annotations")
@blueprint.input(AnnotationsQuery, location="query", arg_name="query")
@blueprint.output(AnnotationPage)
def index(entry_id: str, query: dict[str, Any]) -> Response:
    """List what happens when

    All of them as one W3C AnnotationPage, in the order of time.
    """
    entry = entry_to_see(entry_id)
    layer = query["layer"] if can(current_person(), "edit", "catalogue") else "main"
    rows = catalogue.list_annotations(database_session(), entry.id, kinds=query["kind"], layer=layer)
    return _as_annotation(tagged(_writer(entry, rows).page()))


@blueprint.post("/entries/<entry_id>/annotations")
@documents_body(SentAnnotation)
@blueprint.output(WebAnnotation, status_code=201)
def create(entry_id: str) -> Response:
    """Add an annotation, or take a page of them

    A Web Annotation is added and answered. An AnnotationPage or AnnotationCollection is taken as far as it can be;
    the answer says of each annotation what could not be taken and why. One that was taken before, by the `id` that
    was sent, is not taken again: it is answered as it is, so a request whose answer was lost can be repeated.
    """
    entry, person = entry_to_edit(entry_id), require_editor()
    sent = sent_object()
    items = read_items(sent)
    if items is not None:
        lines = import_annotations(database_session(), entry, items, size=_size(entry), by=person)
        commit()
        return tagged(_imported(lines))
    reading = read_annotation(database_session(), sent, size=_size(entry))
    row = catalogue.find_by_origin(database_session(), entry, reading.values)
    if row is None:
        row = catalogue.add_annotation(database_session(), entry, reading.values, by=person, tool=_tool(sent))
    commit()
    response = _one(entry, row, status=201, left_out=reading.left_out)
    response.headers["Location"] = url_for("annotations_api.show", entry_id=entry.id, annotation_id=row.id)
    return response


@blueprint.get("/entries/<entry_id>/annotations/<annotation_id>")
@blueprint.output(WebAnnotation)
def show(entry_id: str, annotation_id: str) -> Response:
    """Read an annotation"""
    entry = entry_to_see(entry_id)
    return _one(entry, _found(entry, annotation_id))


@blueprint.patch("/entries/<entry_id>/annotations/<annotation_id>")
@documents_body(SentAnnotation)
@blueprint.output(WebAnnotation)
def change(entry_id: str, annotation_id: str) -> Response:
    """Change an annotation

    Members that are not given stay. With `If-Match`, 412 where somebody else was first, with both values.
    """
    entry, person = entry_to_edit(entry_id), require_editor()
    revision = _expected()
    row = _found(entry, annotation_id, gone_is_stale=revision is not None)
    whole = merged(_writer(entry, [row]).one(), sent_object())
    reading = read_annotation(database_session(), whole, size=_size(entry))
    values = keep_origin(reading.values, row)
    row = catalogue.change_annotation(database_session(), entry, annotation_id, values, revision=revision, by=person)
    commit()
    return _one(entry, row, left_out=reading.left_out)


@blueprint.delete("/entries/<entry_id>/annotations/<annotation_id>")
@blueprint.output({}, status_code=204)
def delete(entry_id: str, annotation_id: str) -> tuple[str, int]:
    """Delete an annotation"""
    entry, person = entry_to_edit(entry_id), require_editor()
    catalogue.delete_annotation(database_session(), entry, annotation_id, revision=_expected(), by=person)
    commit()
    return "", 204


@blueprint.get("/entries/<entry_id>/agreement")
@blueprint.input(AgreementQuery, location="query", arg_name="query")
@blueprint.output(AgreementOut)
def agreement(entry_id: str, query: dict[str, Any]) -> Response:
    """Measure how far two annotators agree

    On phases and steps, of which there is a second reading (`layer: "second"`); for editors.
    """
    entry = entry_to_edit(entry_id)
    levels = make_agreements(entry, tolerance_s=query["tolerance_s"])
    return tagged({"tolerance_s": query["tolerance_s"], "items": [asdict(level) for level in levels]})


@blueprint.get("/entries/<entry_id>/chapters.vtt")
@blueprint.input(ChaptersQuery, location="query", arg_name="query")
@blueprint.output({}, content_type="text/vtt")
def chapters(entry_id: str, query: dict[str, Any]) -> Response:
    """Get the chapters as WebVTT"""
    entry = entry_to_see(entry_id)
    found = make_chapters(entry, find_package(entry), lang=query.get("lang"))
    response = PlainResponse(write_chapters(found), mimetype="text/vtt")
    response.add_etag()
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.update(("Cookie", "Authorization", "Accept-Language"))
    return response.make_conditional(request)


@blueprint.errorhandler(StaleAnnotation)
def stale(error: StaleAnnotation) -> Response | HTTPException:
    """Both values: what stands there now, and what was sent; null where it was deleted meanwhile."""
    entry = entry_to_see(str((request.view_args or {})["entry_id"]))
    now = _writer(entry, [error.current]).one() if error.current is not None else None
    yours = sent_object() if request.get_data() else None
    sentence = translated(error.message, error.code)
    return answer(Problem(status_of(error), error.code, sentence, more={"current": now, "yours": yours}))


def _found(entry: Entry, annotation_id: str, *, gone_is_stale: bool = False) -> Annotation:
    return catalogue.get_annotation(
        database_session(),
        entry,
        annotation_id,
        with_layers=can(current_person(), "edit", "catalogue"),
        gone_is_stale=gone_is_stale,
    )


def _expected() -> int | None:
    """The revision that was read, by `If-Match`; one that is none of ours never fits."""
    tags = request.if_match
    if not tags or tags.star_tag:
        return None
    return next((int(tag) for tag in tags.as_set() if tag.isascii() and tag.isdigit()), -1)


def _writer(entry: Entry, rows: list[Annotation]) -> Writer:
    base = outside_address()
    return Writer(
        database_session(),
        rows,
        base + url_for("entries.show", entry_id=entry.id),
        base + url_for("annotations_api.index", entry_id=entry.id),
    )


def _one(entry: Entry, row: Annotation, *, status: int = 200, left_out: tuple[LeftOut, ...] = ()) -> Response:
    body = _writer(entry, [row]).one()
    if left_out:
        body["left_out"] = [named_left_out(part) for part in left_out]
    return _as_annotation(tagged(body, str(row.revision), status=status))


def _as_annotation(response: Response) -> Response:
    if response.status_code != 304:
        response.headers["Content-Type"] = MEDIA_TYPE
    response.headers["Link"] = '<http://www.w3.org/ns/ldp#Resource>; rel="type"'
    return response


def _imported(lines: list[Line]) -> dict[str, Any]:
    return {
        "taken": sum(line.annotation_id is not None for line in lines),
        "items": [
            {
                "id": line.origin,
                "annotation_id": line.annotation_id,
                "reason": translated(line.reason) if line.reason else None,
                "left_out": [named_left_out(part) for part in line.reading.left_out] if line.reading else [],
            }
            for line in lines
        ],
        "next_cursor": None,
    }


def _size(entry: Entry) -> tuple[int, int] | None:
    package = find_package(entry)
    return picture_size(package.description) if package and package.description.get("renditions") else None


def _tool(sent: Mapping[str, Any]) -> str:
    generator = sent.get("generator")
    name = generator.get("name") if isinstance(generator, Mapping) else generator
    return name[:100] if isinstance(name, str) and name.strip() else API
