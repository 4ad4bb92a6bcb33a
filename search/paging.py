"""Where a page begins and what stands beside it: cursors and the list of facets."""

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
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
    by_scheme: dict[str, dict[str, int]] = {}
    for scheme, ids in request.facets.items():
        known = (id_ for id_ in ids if id_ in vocabulary.concepts)
        by_scheme.setdefault(scheme, {}).update(dict.fromkeys(known, 0))
    for (scheme, concept_id), count in counts.items():
        by_scheme.setdefault(scheme, {})[concept_id] = count
    listed: dict[str, tuple[FacetCount, ...]] = {}
    for scheme, found in by_scheme.items():
        chosen = set(request.facets.get(scheme, ()))
        rows = list(_tree(found, request.lang, vocabulary))
        kept = [row for at, row in enumerate(rows) if at < MOST_FACETS or row.term in chosen]
        if kept:
            listed[scheme] = tuple(kept)
    return listed


def _tree(found: Mapping[str, int], lang: str, vocabulary: Vocabulary) -> Iterator[FacetCount]:
    """Terms of one scheme, most first, each followed by the narrower ones."""
    below: dict[str | None, list[FacetCount]] = {}
    for id_, count in found.items():
        line = [wider for wider in vocabulary.broader_than(id_) if wider in found]
        row = FacetCount(id_, _label(id_, lang, vocabulary), count, len(line))
        below.setdefault(line[0] if line else None, []).append(row)
    waiting = sorted(below.get(None, ()), key=_last_first)
    while waiting:
        row = waiting.pop()
        yield row
        waiting += sorted(below.get(row.term, ()), key=_last_first)


def _last_first(row: FacetCount) -> tuple[int, tuple[int, ...], str]:
    return row.count, tuple(-ord(character) for character in row.label), row.term


def _label(concept_id: str, lang: str, vocabulary: Vocabulary) -> str:
    concept = vocabulary.concepts.get(concept_id)
    return concept.label(lang) if concept else concept_id


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
