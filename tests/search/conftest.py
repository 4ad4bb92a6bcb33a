"""The project's own vocabulary, and an index of each engine to search in."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from search.documents import Concept, Vocabulary
from search.index import ENGINES

VOCABULARY = Path(__file__).resolve().parents[2] / "config" / "vocabulary"


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    """All schemes as they are shipped."""
    concepts: list[Concept] = []
    for path in sorted(VOCABULARY.glob("*.yaml")):
        scheme = yaml.safe_load(path.read_text(encoding="utf-8"))
        for term in scheme["terms"]:
            synonyms = {lang: tuple(forms) for lang, forms in term.get("synonyms", {}).items()}
            concepts.append(Concept(term["id"], scheme["id"], term["labels"], synonyms, term.get("broader")))
    assert len(concepts) > 500
    return Vocabulary(concepts)


@pytest.fixture(params=sorted(ENGINES))
def url(request: pytest.FixtureRequest) -> str:
    """The search URL of each engine there is: the same tests hold for all."""
    return f"{request.param}:"
