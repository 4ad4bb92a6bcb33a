"""`/api/v1/search` and `/api/v1/suggest`."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import request, url_for
from werkzeug.wrappers import Response

from search import pages
from videolib.catalogue.access import audiences_of
from videolib.catalogue.entry_lists import seen_ids
from videolib.errors import Unavailable
from videolib.web.access import current_person
from videolib.web.api.answers import tagged
from videolib.web.api.schemas import SearchOut, SearchQuery, Suggestions, SuggestQuery
from videolib.web.context import database_session, services
from videolib.web.languages import language
from videolib.web.search import LONGEST_QUERY, find, read_request

blueprint = APIBlueprint("search_api", __name__, url_prefix="/api/v1", tag="Search")


@blueprint.get("/search")
@blueprint.input(SearchQuery, location="query", arg_name="query")
@blueprint.output(SearchOut)
def index(query: dict[str, Any]) -> Response:
    """Search the catalogue

    Entries and the places in their recordings; `lang` is the language of labels, not a filter.
    """
    found, is_searched = find(read_request(request.args, limit=query["limit"]))
    return tagged(
        {
            "total": found.total,
            "took_ms": found.took_ms,
            "next_cursor": found.next_cursor,
            "hits": [_hit(hit) for hit in found.hits],
            "facets": {
                scheme: [
                    {"term": item.term, "label": item.label, "count": item.count, "depth": item.depth}
                    for item in counts
                ]
                for scheme, counts in found.facets.items()
            },
            "did_you_mean": found.did_you_mean,
            "expanded": [
                {"kind": step.kind, "typed": step.typed, "into": list(step.into), "including": list(step.including)}
                for step in found.expanded
            ],
            "related": [
                {"scheme": term.scheme, "term": term.term, "label": term.label, "count": term.count}
                for term in found.related
            ],
            "index": "ready" if is_searched else "rebuilding",
        }
    )


@blueprint.get("/suggest")
@blueprint.input(SuggestQuery, location="query", arg_name="query")
@blueprint.output(Suggestions)
def suggest(query: dict[str, Any]) -> Response:
    """Complete what is being typed"""
    items = _suggestions(query)
    seen = seen_ids(database_session(), (item.entry_id for item in items if item.entry_id), by=current_person())
    return tagged(
        {
            "items": [
                {
                    "text": item.text,
                    "label": item.text,
                    "kind": item.kind,
                    "url": url_for("entries.show", entry_id=item.entry_id) if item.entry_id else None,
                }
                for item in items
                # the rows decide, not the index: what was withdrawn a moment ago is not offered
                if item.entry_id is None or item.entry_id in seen
            ]
        }
    )


def _suggestions(query: dict[str, Any]) -> tuple[pages.Suggestion, ...]:
    text = query["q"].strip()[:LONGEST_QUERY]
    if not text:
        return ()
    try:
        return services().index.suggest(
            text,
            lang=query.get("lang") or language(),
            audiences=audiences_of(database_session(), current_person()),
            limit=query["limit"],
        )
    except Unavailable:
        # while the index is rebuilt there is nothing to complete from
        return ()


def _hit(hit: pages.Hit) -> dict[str, Any]:
    return {
        "entry_id": hit.entry_id,
        "title": hit.title.text,
        "snippet": hit.snippet.text,
        "score": hit.score,
        "moments": [
            {
                "start_s": moment.start_s,
                "end_s": moment.end_s,
                "kind": moment.kind,
                "text": moment.text,
                "lang": moment.lang,
            }
            for moment in hit.moments
        ],
    }
