"""The vocabulary in files: YAML, CSV (opens in Excel) and SKOS (`vocabulary_skos`); nothing is fetched from anywhere.

Whatever the format, in memory a scheme is the same mapping: id, labels, note and terms, each with id, labels, synonyms,
broader, mesh, definition, order, valid_from, valid_to, retired, status, merged_into and what one scheme alone has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from videolib.catalogue import spreadsheets
from videolib.catalogue.vocabulary import LANGUAGES, Scheme, Term
from videolib.errors import InvalidInput

MAX_FILE_BYTES = 64 * 1024 * 1024
TERM_FIELDS = frozenset(
    {
        "id",
        "labels",
        "synonyms",
        "broader",
        "mesh",
        "mesh_match",
        "definition",
        "order",
        "valid_from",
        "valid_to",
        "retired",
        "status",
        "merged_into",
        "version",
        "scheme",
    }
)
SKOS_FORMATS = {".ttl": "turtle", ".rdf": "xml", ".xml": "xml", ".jsonld": "json-ld", ".json": "json-ld"}
_SCHEME_LABELS = tuple(f"scheme.{language}" for language in LANGUAGES)
_COLUMNS = (
    "scheme",
    *_SCHEME_LABELS,
    "id",
    *(f"label.{language}" for language in LANGUAGES),
    *(f"synonyms.{language}" for language in LANGUAGES),
    "broader",
    "mesh",
    "mesh_match",
    *(f"definition.{language}" for language in LANGUAGES),
    "order",
    "valid_from",
    "valid_to",
    "retired",
    "status",
    "merged_into",
)
_PLAIN = ("broader", "mesh", "mesh_match", "order", "valid_from", "valid_to", "status", "merged_into")
# the same safe subset read in C, ten times faster where the wheel has it
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_schemes(path: Path) -> list[dict[str, Any]]:
    """The schemes in a YAML, CSV or SKOS file, or in every YAML file of a folder. Raises `InvalidInput`."""
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    schemes: list[dict[str, Any]] = []
    for file in files:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise InvalidInput(f"{file.name} is larger than 64 MiB; split it.", code="table_too_large")
        suffix = file.suffix.lower()
        if suffix == ".csv":
            schemes += _read_csv(file)
        elif suffix in SKOS_FORMATS:
            from videolib.catalogue.vocabulary_skos import read_skos  # noqa: PLC0415 - rdflib takes half a second

            schemes += read_skos(file.read_bytes(), SKOS_FORMATS[suffix], file.name)
        else:
            schemes += _read_yaml(file)
    return schemes


def write_schemes(schemes: Sequence[Mapping[str, Any]], form: str) -> bytes:
    """The schemes as `yaml`, `csv`, `turtle`, `xml` or `json-ld`."""
    if form == "csv":
        return _write_csv(schemes)
    if form == "yaml":
        text = yaml.safe_dump({"schemes": list(schemes)}, allow_unicode=True, sort_keys=False, width=120)
        return text.encode("utf-8")
    from videolib.catalogue.vocabulary_skos import write_skos  # noqa: PLC0415 - rdflib takes half a second

    return write_skos(schemes, form)


def scheme_of(scheme: Scheme, terms: Iterable[Term]) -> dict[str, Any]:
    """A scheme and its terms as a file holds them."""
    note = {"note": scheme.note} if scheme.note else {}
    return {"id": scheme.id, "labels": scheme.labels, **note, "terms": [term_of(term) for term in terms]}


def term_of(term: Term) -> dict[str, Any]:
    """A term as a file holds it; what is not said is left out."""
    said: dict[str, Any] = {
        "id": term.id,
        "labels": term.labels,
        "synonyms": term.synonyms,
        "broader": term.broader_id,
        "mesh": term.mesh,
        "mesh_match": term.mesh_match,
        "definition": term.definition,
        "valid_from": term.valid_from.isoformat() if term.valid_from else None,
        "valid_to": term.valid_to.isoformat() if term.valid_to else None,
        "merged_into": term.merged_into,
    }
    kept = {name: value for name, value in said.items() if value}
    kept["order"] = term.position
    if term.retired:
        kept["retired"] = True
    if term.status != "accepted":
        kept["status"] = term.status
    return {**kept, **term.extra}


def _read_yaml(file: Path) -> list[dict[str, Any]]:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise InvalidInput(f"{file.name} cannot be read as YAML.", code="vocabulary_unreadable") from error
    found = content.get("schemes", [content]) if isinstance(content, dict) else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise InvalidInput(f"{file.name} holds no scheme: write id, labels and terms.", code="vocabulary_unreadable")
    return found


def _read_csv(file: Path) -> list[dict[str, Any]]:
    rows = spreadsheets.read_table(file.read_bytes(), "csv", file.name)
    schemes: dict[str, dict[str, Any]] = {}
    if not rows:
        raise InvalidInput(f"{file.name} holds no term: write one a row.", code="vocabulary_unreadable")
    for number, row in rows:
        if not row.get("scheme") or not row.get("id"):
            raise InvalidInput(f"Row {number} of {file.name} needs a scheme and an id.", code="vocabulary_unreadable")
        scheme = schemes.setdefault(row["scheme"], {"id": row["scheme"], "labels": {}, "terms": []})
        for language in LANGUAGES:
            if label := row.get(f"scheme.{language}"):
                scheme["labels"][language] = label
        scheme["terms"].append(_term_of_row(row))
    return list(schemes.values())


def _term_of_row(row: Mapping[str, str]) -> dict[str, Any]:
    term: dict[str, Any] = {
        "id": row["id"],
        "labels": {language: row.get(f"label.{language}", "") for language in LANGUAGES},
        "synonyms": {
            language: [name.strip() for name in row.get(f"synonyms.{language}", "").split(";") if name.strip()]
            for language in LANGUAGES
        },
    }
    definition = {language: text for language in LANGUAGES if (text := row.get(f"definition.{language}"))}
    term |= {"definition": definition} if definition else {}
    term |= {name: row[name] for name in _PLAIN if row.get(name)}
    if row.get("order", "").isdecimal():
        term["order"] = int(row["order"])
    if row.get("retired", "").lower() in {"true", "yes", "1", "是"}:
        term["retired"] = True
    return {**term, **{name: value for name, value in row.items() if name not in _COLUMNS and value}}


def _write_csv(schemes: Sequence[Mapping[str, Any]]) -> bytes:
    extra = sorted({name for scheme in schemes for term in scheme["terms"] for name in set(term) - TERM_FIELDS})
    rows = [_row_of(scheme, term) for scheme in schemes for term in scheme["terms"]]
    return spreadsheets.write_table([*_COLUMNS, *extra], rows, "csv")


def _row_of(scheme: Mapping[str, Any], term: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"scheme": scheme["id"], "id": term["id"]}
    for language in LANGUAGES:
        row[f"scheme.{language}"] = scheme["labels"].get(language, "")
        row[f"label.{language}"] = term["labels"].get(language, "")
        row[f"synonyms.{language}"] = ";".join((term.get("synonyms") or {}).get(language) or [])
        row[f"definition.{language}"] = (term.get("definition") or {}).get(language, "")
    row |= {name: term[name] for name in _PLAIN if term.get(name) is not None}
    row["retired"] = "true" if term.get("retired") else ""
    return {**row, **{name: value for name, value in term.items() if name not in TERM_FIELDS}}
