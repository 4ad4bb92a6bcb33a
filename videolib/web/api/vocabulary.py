"""`/api/v1/vocabulary/<scheme>`: terms with labels in both languages."""

from __future__ import annotations

from apiflask import APIBlueprint
from werkzeug.wrappers import Response

from videolib.catalogue.vocabulary import get_scheme, list_terms
from videolib.web.api.answers import tagged
from videolib.web.api.schemas import SchemeOut
from videolib.web.context import database_session

blueprint = APIBlueprint("vocabulary_api", __name__, url_prefix="/api/v1", tag="Vocabulary")


@blueprint.get("/vocabulary/<scheme_id>")
@blueprint.output(SchemeOut)
def show(scheme_id: str) -> Response:
    """List the terms of a scheme

    All of them, in their order: a form needs the whole list.
    """
    scheme = get_scheme(database_session(), scheme_id)
    terms = [
        {
            "id": term.id,
            "labels": term.labels,
            "synonyms": term.synonyms,
            "broader": term.broader_id,
            "mesh": term.mesh,
            "definition": term.definition,
        }
        for term in list_terms(database_session(), scheme.id)
    ]
    return tagged({"id": scheme.id, "labels": scheme.labels, "items": terms, "next_cursor": None})
