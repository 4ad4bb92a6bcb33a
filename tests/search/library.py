"""Builders of documents and requests for the tests of the search room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from search.documents import EntryDocument, Moment, Vocabulary
from search.index import SearchIndex, open_index, rebuild
from search.pages import SearchPage, SearchRequest

PUBLIC = frozenset({"public"})
SIGNED_IN = frozenset({"public", "signed_in"})
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def entry(entry_id: str, en: str = "", zh: str = "", **changes: Any) -> EntryDocument:
    """A public entry of five minutes; `days` sets how long after the epoch it was published."""
    days = changes.pop("days", 0)
    summaries = {"en": changes.pop("summary_en", ""), "zh": changes.pop("summary_zh", "")}
    fields: dict[str, Any] = {
        "version": 1,
        "titles": {lang: title for lang, title in (("en", en), ("zh", zh)) if title},
        "summaries": {lang: text for lang, text in summaries.items() if text},
        "terms": {},
        "people": (),
        "keywords": (),
        "moments": (),
        "duration_s": 300.0,
        "published_at": EPOCH + timedelta(days=days),
        "year": 2025,
        "audiences": PUBLIC,
    }
    return EntryDocument(id=entry_id, **{**fields, **changes})


def caption(start_s: float, text: str, lang: str = "en") -> Moment:
    """A cue of four seconds."""
    return Moment(start_s, start_s + 4.0, "caption", text, lang)


@contextmanager
def opened(url: str, home: Path, vocabulary: Vocabulary, documents: Iterable[EntryDocument]) -> Iterator[SearchIndex]:
    """A new index of these documents, at sequence 1."""
    rebuild(url, home, vocabulary, documents, 1)
    index = open_index(url, home, vocabulary)
    try:
        yield index
    finally:
        index.close()


def ask(index: SearchIndex, text: str, **changes: Any) -> SearchPage:
    """A search by someone who is not signed in, unless said otherwise."""
    return index.search(SearchRequest(text, **{"audiences": PUBLIC, **changes}))


def found(index: SearchIndex, text: str, **changes: Any) -> list[str]:
    """The ids of the hits, best first."""
    return [hit.entry_id for hit in ask(index, text, **changes).hits]


CAS = {"procedure": ("proc.cas",), "device": ("dev.stent",), "access": ("acc.radial",)}
UAE = {"procedure": ("proc.uae",), "access": ("acc.radial",)}
TACE = {"procedure": ("proc.deb_tace",), "pathology": ("path.hcc",)}

LIBRARY = (
    entry(
        "cas", "Carotid artery stenting with a filter", "颈动脉支架植入术",
        terms=CAS, days=1, duration_s=500.0, year=2024,
    ),
    entry("uae", "Uterine artery embolisation", "子宫动脉栓塞术", terms=UAE, days=2, duration_s=400.0, year=2023),
    entry("tace", "DEB-TACE step by step", "载药微球化疗栓塞", terms=TACE, days=3, duration_s=900.0, year=2025),
    entry("tips", "TIPS for variceal bleeding", "TIPS术治疗静脉曲张出血", days=4, duration_s=1200.0, year=None),
    entry("tricks", "Tips and tricks of puncture", "穿刺技巧", days=5, duration_s=60.0),
)  # fmt: skip
