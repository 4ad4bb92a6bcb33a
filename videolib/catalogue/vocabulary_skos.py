"""The vocabulary as SKOS in Turtle, RDF/XML and JSON-LD, by rdflib; reading fetches nothing, whatever the file names.

A concept's id is its skos:notation, else the last part of its address. What SKOS has no word for (order, validity,
what one scheme alone has) stands under addresses of our own, so that what was written is read back whole.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from rdflib import RDF, SKOS, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS, OWL
from rdflib.term import Node

from videolib.catalogue.vocabulary import LANGUAGES
from videolib.errors import InvalidInput

_OURS = Namespace("urn:videolib:vocabulary:")
_EXTRA = Namespace("urn:videolib:vocabulary:extra:")
_MESH = Namespace("http://id.nlm.nih.gov/mesh/")
_TAGS = {"zh": "zh-Hans", "en": "en"}
_MATCHES = {
    "exact": SKOS.exactMatch,
    "close": SKOS.closeMatch,
    "broad": SKOS.broadMatch,
    "narrow": SKOS.narrowMatch,
    "related": SKOS.relatedMatch,
    None: SKOS.mappingRelation,
}


def read_skos(content: bytes, form: str, name: str) -> list[dict[str, Any]]:
    """The concept schemes of a file. Raises `InvalidInput` where it holds none or asks to fetch something."""
    if form == "json-ld":
        _require_own_context(content, name)
    if b"<!ENTITY" in content or b"<!ENTITY" in content.decode("utf-16", errors="ignore").encode():
        raise InvalidInput(f"{name} declares entities; write it without.", code="vocabulary_unreadable")
    graph = Graph()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # rdflib's JSON-LD reader uses a class of its own past
            graph.parse(data=content, format=form)
    except Exception as error:  # each of rdflib's parsers has errors of its own, with no common one
        raise InvalidInput(f"{name} cannot be read as {form}.", code="vocabulary_unreadable") from error
    schemes = [_scheme(graph, node) for node in sorted(graph.subjects(RDF.type, SKOS.ConceptScheme), key=str)]
    if not schemes:
        raise InvalidInput(f"{name} holds no skos:ConceptScheme.", code="vocabulary_unreadable")
    return schemes


def write_skos(schemes: Sequence[Mapping[str, Any]], form: str) -> bytes:
    """The schemes as `turtle`, `xml` or `json-ld`."""
    graph = Graph()
    for prefix, space in (("skos", SKOS), ("vl", _OURS), ("dcterms", DCTERMS), ("owl", OWL), ("mesh", _MESH)):
        graph.bind(prefix, space)
    for scheme in schemes:
        _add_scheme(graph, scheme)
    text: str = graph.serialize(format=form)
    return text.encode("utf-8")


def _require_own_context(content: bytes, name: str) -> None:
    """JSON-LD may name a context that lies elsewhere: the reader would fetch it."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{name} cannot be read as json-ld.", code="vocabulary_unreadable") from error
    left = [found]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            contexts = item.get("@context", {})
            for context in contexts if isinstance(contexts, list) else [contexts]:
                if not isinstance(context, dict) or "@import" in context:
                    raise InvalidInput(
                        f"{name} names a context that lies elsewhere; put the context into the file.",
                        code="vocabulary_unreadable",
                    )
            left += item.values()
        elif isinstance(item, list):
            left += item


def _scheme(graph: Graph, node: Node) -> dict[str, Any]:
    concepts = set(graph.subjects(SKOS.inScheme, node)) | set(graph.objects(node, SKOS.hasTopConcept))
    concepts |= set(graph.subjects(SKOS.topConceptOf, node))
    terms = [_term(graph, concept) for concept in concepts]
    placed = sorted(terms, key=lambda term: (term.get("order", len(terms)), term["id"]))
    scheme: dict[str, Any] = {"id": _id_of(graph, node), "labels": _texts(graph, node, SKOS.prefLabel)}
    note = next((str(note) for note in graph.objects(node, SKOS.note)), "")
    return {**scheme, **({"note": note} if note else {}), "terms": placed}


def _term(graph: Graph, node: Node) -> dict[str, Any]:
    term: dict[str, Any] = {
        "id": _id_of(graph, node),
        "labels": _texts(graph, node, SKOS.prefLabel),
        "synonyms": {
            language: sorted(
                str(text)
                for text in (*graph.objects(node, SKOS.altLabel), *graph.objects(node, SKOS.hiddenLabel))
                if isinstance(text, Literal) and _language(text) == language
            )
            for language in LANGUAGES
        },
    }
    if definition := _texts(graph, node, SKOS.definition):
        term["definition"] = definition
    for broader in sorted(graph.objects(node, SKOS.broader), key=str):
        term.setdefault("broader", _id_of(graph, broader))
    for kind, predicate in _MATCHES.items():
        for match in sorted(graph.objects(node, predicate), key=str):
            if str(match).startswith(str(_MESH)):
                term.setdefault("mesh", str(match).removeprefix(str(_MESH)))
                term.setdefault("mesh_match", kind)
    for target in graph.objects(node, DCTERMS.isReplacedBy):
        term["merged_into"] = _id_of(graph, target)
    if any(str(value).lower() in {"true", "1"} for value in graph.objects(node, OWL.deprecated)):
        term["retired"] = True
    return {**term, **_own_words(graph, node)}


def _own_words(graph: Graph, node: Node) -> dict[str, Any]:
    """What stands under our own addresses: order, validity, status, and what one scheme alone has."""
    said: dict[str, Any] = {}
    for predicate, value in graph.predicate_objects(node):
        name = str(predicate)
        if name.startswith(str(_EXTRA)):
            said[name.removeprefix(str(_EXTRA))] = str(value)
        elif name.startswith(str(_OURS)):
            word = name.removeprefix(str(_OURS))
            said[word] = int(str(value)) if word == "order" else str(value)
    return said


def _texts(graph: Graph, node: Node, predicate: URIRef) -> dict[str, str]:
    """One text a language; of several Chinese ones the simplified."""
    found: dict[str, str] = {}
    order = ("zh-hans", "zh-cn", "zh", "en")
    texts = [text for text in graph.objects(node, predicate) if isinstance(text, Literal)]
    ranked = sorted(
        texts, key=lambda text: (order.index(tag) if (tag := (text.language or "").lower()) in order else 9, str(text))
    )
    for text in ranked:
        found.setdefault(_language(text), str(text))
    return {language: text for language, text in found.items() if language in LANGUAGES}


def _language(text: Literal) -> str:
    return (text.language or "en").lower().partition("-")[0]


def _id_of(graph: Graph, node: Node) -> str:
    notation = next((str(value) for value in sorted(graph.objects(node, SKOS.notation), key=str)), "")
    return notation or str(node).rstrip("/#").replace("#", "/").replace(":", "/").rpartition("/")[2]


def _add_scheme(graph: Graph, scheme: Mapping[str, Any]) -> None:
    node = _OURS[f"scheme/{scheme['id']}"]
    graph.add((node, RDF.type, SKOS.ConceptScheme))
    graph.add((node, SKOS.notation, Literal(scheme["id"])))
    _add_texts(graph, node, SKOS.prefLabel, scheme["labels"])
    if scheme.get("note"):
        graph.add((node, SKOS.note, Literal(scheme["note"])))
    for term in scheme["terms"]:
        _add_term(graph, node, term)


def _add_term(graph: Graph, scheme: URIRef, term: Mapping[str, Any]) -> None:
    node = _concept(term["id"])
    graph.add((node, RDF.type, SKOS.Concept))
    graph.add((node, SKOS.inScheme, scheme))
    graph.add((node, SKOS.notation, Literal(term["id"])))
    _add_texts(graph, node, SKOS.prefLabel, term["labels"])
    _add_texts(graph, node, SKOS.definition, term.get("definition") or {})
    for language, names in (term.get("synonyms") or {}).items():
        for name in names:
            graph.add((node, SKOS.altLabel, Literal(name, lang=_TAGS.get(language, language))))
    if term.get("broader"):
        graph.add((node, SKOS.broader, _concept(term["broader"])))
    else:
        graph.add((node, SKOS.topConceptOf, scheme))
    if term.get("mesh"):
        graph.add((node, _MATCHES[term.get("mesh_match")], _MESH[term["mesh"]]))
    if term.get("merged_into"):
        graph.add((node, DCTERMS.isReplacedBy, _concept(term["merged_into"])))
    if term.get("retired"):
        graph.add((node, OWL.deprecated, Literal(True)))
    for word in ("order", "valid_from", "valid_to", "status"):
        if term.get(word) is not None:
            graph.add((node, _OURS[word], Literal(str(term[word]))))
    known = {"id", "labels", "synonyms", "broader", "mesh", "mesh_match", "definition", "merged_into", "retired"}
    for word in sorted(set(term) - known - {"order", "valid_from", "valid_to", "status", "version", "scheme"}):
        graph.add((node, _EXTRA[word], Literal(str(term[word]))))


def _add_texts(graph: Graph, node: URIRef, predicate: URIRef, texts: Mapping[str, str]) -> None:
    for language, text in texts.items():
        graph.add((node, predicate, Literal(text, lang=_TAGS.get(language, language))))


def _concept(identifier: str) -> URIRef:
    return _OURS[f"term/{identifier}"]
