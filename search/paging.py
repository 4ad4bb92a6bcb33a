"""Where a page begins and what stands beside it: cursors and the list of facets."""

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Mapping

from search.documents import Vocabulary
from search.engine import EngineHit, SortKey
from search.errors import InvalidCursor
from search.pages import FacetCount, SearchRequest

MOST_FACETS = 50  # of one scheme


def encode_cursor(request: SearchRequest, last: EngineHit) -> str:
    """The place of a page's last hit in the order, bound to the search it was found by."""
    row = json.dumps([_digest(request), *last.key, last.entry_id])
    return base64.urlsafe_b64encode(row.encode()).decode().rstrip("=")


def place_after(request: SearchRequest) -> tuple[SortKey, str] | None:
    """The place that a request's cursor names; InvalidCursor when it names none in this search."""
    if request.cursor is None:
        return None
    wrong = InvalidCursor("This page belongs to another search: start again from the first page.")
    try:
        padded = request.cursor + "=" * (-len(request.cursor) % 4)
        digest, first, second, entry_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise wrong from None
    numbers = all(isinstance(n, int | float) and math.isfinite(n) for n in (first, second))
    if digest != _digest(request) or not numbers or not isinstance(entry_id, str):
        raise wrong
    return (float(first), float(second)), entry_id


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
        rows = [FacetCount(id_, _label(id_, request.lang, vocabulary), count) for id_, count in found.items()]
        rows.sort(key=lambda row: (-row.count, row.label, row.term))
        chosen = set(request.facets.get(scheme, ()))
        kept = [row for at, row in enumerate(rows) if at < MOST_FACETS or row.term in chosen]
        if kept:
            listed[scheme] = tuple(kept)
    return listed


def _label(concept_id: str, lang: str, vocabulary: Vocabulary) -> str:
    concept = vocabulary.concepts.get(concept_id)
    return concept.label(lang) if concept else concept_id
