"""Where a page begins and what stands beside it: cursors and the list of facets."""

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.documents import Vocabulary
from search.engine import SortKey
from search.errors import InvalidCursor
from search.pages import FacetCount, RelatedTerm, SearchRequest

MOST_FACETS = 50  # of one scheme
MOST_RELATED = 8


@dataclass(frozen=True)
class Place:
    """Where a page begins: behind the hit with this key, the skip-th of all, in a commit of the index."""

    commit: str
    key: SortKey
    skip: int


def encode_cursor(request: SearchRequest, place: Place) -> str:
    """The place of a page's last hit in the order, bound to the search it was found by."""
    row = json.dumps([_digest(request), place.commit, *place.key, place.skip])
    return base64.urlsafe_b64encode(row.encode()).decode().rstrip("=")


def place_after(request: SearchRequest) -> Place | None:
    """The place that a request's cursor names; InvalidCursor when it names none in this search."""
    if request.cursor is None:
        return None
    wrong = InvalidCursor("This page belongs to another search: start again from the first page.")
    try:
        padded = request.cursor + "=" * (-len(request.cursor) % 4)
        digest, commit, first, second, skip = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise wrong from None
    is_number = isinstance(first, int | float) and math.isfinite(first) and type(skip) is int and skip >= 0
    if digest != _digest(request) or not is_number or not isinstance(second, str) or not isinstance(commit, str):
        raise wrong
    return Place(commit, (float(first), second), min(skip, 10**9))


def _digest(request: SearchRequest) -> str:
    chosen = sorted((scheme, sorted(ids)) for scheme, ids in request.facets.items() if ids)
    row = json.dumps([request.text, request.sort, chosen])
    return hashlib.sha256(row.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def listed_facets(
    counts: Mapping[tuple[str, str], int], request: SearchRequest, vocabulary: Vocabulary
) -> dict[str, tuple[FacetCount, ...]]:
    """Counts by scheme, most first; what was chosen is always among them, at 0 if need be."""
    labels, places = vocabulary.labels(request.lang), vocabulary.places(request.lang)
    by_scheme: dict[str, list[_Row]] = {}
    for (scheme, id_), count in counts.items():
        by_scheme.setdefault(scheme, []).append((-count, places.get(id_, 0), id_))
    for scheme, ids in request.facets.items():
        missing = [id_ for id_ in ids if id_ in places and (scheme, id_) not in counts]
        if missing:
            by_scheme.setdefault(scheme, []).extend((0, places[id_], id_) for id_ in missing)
    listed: dict[str, tuple[FacetCount, ...]] = {}
    for scheme, rows in by_scheme.items():
        rows.sort()
        tree = _tree(rows, vocabulary) if scheme in vocabulary.deep_schemes else [(row, 0) for row in rows]
        if len(tree) > MOST_FACETS:
            chosen = request.facets.get(scheme, ())
            tree[MOST_FACETS:] = [found for found in tree[MOST_FACETS:] if found[0][2] in chosen]
        listed[scheme] = tuple(FacetCount(id_, labels.get(id_, id_), -minus, deep) for (minus, _, id_), deep in tree)
    return listed


_Row = tuple[int, int, str]  # minus how many, the place of the label, the term


def _tree(rows: Sequence[_Row], vocabulary: Vocabulary) -> list[tuple[_Row, int]]:
    """The same rows, each followed by the narrower ones among them, with how many wider ones it has there."""
    lines = vocabulary.lines
    found = {id_ for _, _, id_ in rows}
    below: dict[str, list[tuple[_Row, int]]] = {}
    waiting: list[tuple[_Row, int]] = []
    for row in reversed(rows):
        line = [wider for wider in lines.get(row[2], ()) if wider in found]
        if line:
            below.setdefault(line[0], []).append((row, len(line)))
        else:
            waiting.append((row, 0))
    tree: list[tuple[_Row, int]] = []
    while waiting:
        next_ = waiting.pop()
        tree.append(next_)
        waiting += below.get(next_[0][2], ())
    return tree


def related_terms(
    plan_concepts: Sequence[str], uses: Mapping[str, int], lang: str, vocabulary: Vocabulary
) -> tuple[RelatedTerm, ...]:
    """Terms with entries near to those of a query: itself, narrower, wider, and beside it; most used first."""
    near: dict[str, None] = {}
    for concept_id in plan_concepts:
        wider = vocabulary.broader_than(concept_id)
        beside = vocabulary.narrower.get(wider[0], ()) if wider else ()
        near.update(dict.fromkeys([concept_id, *vocabulary.narrower.get(concept_id, ()), *wider, *beside]))
    found = [vocabulary.concepts[id_] for id_ in near if uses.get(id_) and id_ in vocabulary.concepts]
    found.sort(key=lambda concept: -uses[concept.id])
    return tuple(
        RelatedTerm(concept.scheme, concept.id, concept.label(lang), uses[concept.id])
        for concept in found[:MOST_RELATED]
    )
