"""`/api/v1/entries/<id>/related` and `/api/v1/steps/<term>/cases`: what belongs together."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import url_for
from werkzeug.wrappers import Response

from videolib.catalogue.related import Related, StepCase, list_related, list_step_cases
from videolib.web.access import current_person, entry_to_see
from videolib.web.api.annotation_schemas import CasesQuery, RelatedPage, StepCases
from videolib.web.api.answers import tagged
from videolib.web.cards import first_text
from videolib.web.context import database_session
from videolib.web.languages import language
from videolib.web.moments import moment_url
from videolib.web.playback import outside_address

blueprint = APIBlueprint("related_api", __name__, url_prefix="/api/v1", tag="Related")


@blueprint.get("/entries/<entry_id>/related")
@blueprint.output(RelatedPage)
def related(entry_id: str) -> Response:
    """List entries like this one

    By the terms that both carry: the rarer, the nearer.
    """
    found = list_related(database_session(), entry_to_see(entry_id), by=current_person())
    return tagged({"items": [_related(item) for item in found], "next_cursor": None})


@blueprint.get("/steps/<term_id>/cases")
@blueprint.input(CasesQuery, location="query", arg_name="query")
@blueprint.output(StepCases)
def cases(term_id: str, query: dict[str, Any]) -> Response:
    """List the cases in which a step is shown"""
    found, next_cursor = list_step_cases(
        database_session(),
        term_id,
        by=current_person(),
        without=query.get("without"),
        limit=query["limit"],
        cursor=query.get("cursor"),
    )
    return tagged({"items": [_case(item) for item in found], "next_cursor": next_cursor})


def _related(item: Related) -> dict[str, Any]:
    title = first_text(item.entry.title)
    return {
        "entry_id": item.entry.id,
        "url": outside_address() + url_for("entries.show", entry_id=item.entry.id),
        "title": title.text if title else "",
        "score": item.score,
        "shared": [
            {"term": term.id, "scheme": term.scheme_id, "label": term.label(language())} for term in item.shared
        ],
        "same_hospital": item.same_hospital,
    }


def _case(item: StepCase) -> dict[str, Any]:
    title = first_text(item.entry.title)
    return {
        "entry_id": item.entry.id,
        "annotation_id": item.step.id,
        "url": outside_address() + moment_url(item.entry.id, item.step),
        "title": title.text if title else "",
        "start_s": item.step.start_s,
        "end_s": item.step.end_s,
        "playback_url": outside_address() + url_for("entries_api.playback", entry_id=item.entry.id),
    }
