"""What is too large is answered 413 with a sentence, wherever it is sent, and nothing of it is kept."""

from __future__ import annotations

import gc
import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from tests.visitors import Site, Visitor
from videolib.catalogue import spreadsheets
from videolib.catalogue.annotations import Annotation
from videolib.catalogue.captions import Caption
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User

# of a form that it gives up werkzeug does not close the file
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
MIB = 1024 * 1024
LARGE_VTT = b"WEBVTT\n\n00:00.500 --> 00:02.000\n" + b"x" * (2 * MIB)
MANY_CUES = b"WEBVTT\n\n" + b"00:01.000 --> 00:02.000\nx\n\n" * 20_001


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What is left to the collector warns here, and in no other test."""
    yield
    gc.collect()


def xlsx_bomb() -> bytes:
    """A sheet of hundreds of megabytes of empty rows in less than one."""
    rows = b'<row><c t="inlineStr"><is><t>x</t></is></c></row>' * 20_000
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(100):
                sheet.write(rows)
    assert len(file.getvalue()) < MIB
    return file.getvalue()


def many_rows() -> bytes:
    return b"code\n" + b"1\n" * (spreadsheets.MAX_ROWS + 1)


def annotation(svg: str) -> dict[str, Any]:
    selector = {"type": "FragmentSelector", "value": "t=1,2", "refinedBy": {"type": "SvgSelector", "value": svg}}
    return {"type": "Annotation", "target": {"selector": selector}}


def upload(visitor: Visitor, path: str, name: str, content: bytes, **fields: str) -> TestResponse:
    sent = {"csrf_token": visitor.csrf_token(), "file": FileStorage(io.BytesIO(content), name), **fields}
    boundary, body = encode_multipart(sent)  # in memory: the client would leave its own file of it open
    return visitor.client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


Sending = Callable[[Visitor, Entry], TestResponse]
SENT: dict[str, tuple[str, Sending]] = {
    "a JSON body": (
        "too_large",
        lambda who, _entry: who.send("POST", "/api/v1/entries", {"title": {"en": "x" * 4 * MIB}}),
    ),
    "a form": (
        "too_large",
        lambda who, entry: who.post(f"/studio/entries/{entry.id}", title_en="x" * 4 * MIB),
    ),
    "a form of too many fields": (
        "too_large",
        lambda who, entry: upload(
            who, f"/studio/entries/{entry.id}", "x", b"", **{f"f{number}": "x" for number in range(2100)}
        ),
    ),
    "captions as a file": (
        "captions_too_large",
        lambda who, entry: upload(who, f"/studio/entries/{entry.id}/captions", "x.vtt", LARGE_VTT, language="en"),
    ),
    "captions of too many lines": (
        "captions_too_large",
        lambda who, entry: upload(who, f"/studio/entries/{entry.id}/captions", "x.vtt", MANY_CUES, language="en"),
    ),
    "captions of a program": (
        "captions_too_large",
        lambda who, entry: who.send(
            "POST", f"/api/v1/entries/{entry.id}/captions", {"language": "en", "vtt": LARGE_VTT.decode()}
        ),
    ),
    "a table that unpacks to too much": (
        "table_too_large",
        lambda who, _entry: upload(who, "/studio/many/import", "x.xlsx", xlsx_bomb()),
    ),
    "a table of too many rows": (
        "table_too_large",
        lambda who, _entry: upload(who, "/studio/many/import", "x.csv", many_rows()),
    ),
    "a list of too many entries": (
        "table_too_large",
        lambda who, _entry: upload(who, "/studio/many/import", "x.json", b"[" + b"{}," * 100_000 + b"{}]"),
    ),
    "people that unpack to too much": (
        "table_too_large",
        lambda who, _entry: upload(who, "/admin/people/import", "x.xlsx", xlsx_bomb(), really="yes"),
    ),
    "a drawing": (
        "drawing_too_large",
        lambda who, entry: who.send(
            "POST",
            f"/api/v1/entries/{entry.id}/annotations",
            annotation("<svg>" + " " * 70_000 + "<circle r='1'/></svg>"),
        ),
    ),
    "a drawing of too many parts": (
        "drawing_too_large",
        lambda who, entry: who.send(
            "POST", f"/api/v1/entries/{entry.id}/annotations", annotation("<svg>" + "<circle r='1'/>" * 201 + "</svg>")
        ),
    ),
    "an annotation": (
        "too_large",
        lambda who, entry: who.send(
            "POST", f"/api/v1/entries/{entry.id}/annotations", {"type": "Annotation", "body": "x" * 4 * MIB}
        ),
    ),
    "what a player says": (
        "too_large",
        lambda who, entry: who.send("POST", f"/api/v1/entries/{entry.id}/viewings", {"x": "x" * 4 * MIB}),
    ),
}


@pytest.mark.parametrize("what", SENT)
def test_what_is_too_large_is_413_with_a_sentence(sqlite_site: Site, what: str) -> None:
    site, (code, sending) = sqlite_site, SENT[what]
    visitor, entry = site.visitor("admin"), site.add_watchable()
    visitor.get("/preferences?lang=en")

    answer = sending(visitor, entry)

    assert answer.status_code == 413, answer.text[:500]
    if answer.mimetype == "application/problem+json":
        assert answer.json is not None
        assert answer.json["code"] == code
        assert answer.json["detail"].endswith(".")
    else:
        assert code in answer.text or "too large" in answer.text or "too much" in answer.text, answer.text
    with site.database.reading() as session:
        kept = [session.scalars(select(func.count()).select_from(table)).one() for table in (Annotation, Caption)]
        assert kept == [0, 0]
        assert session.scalars(select(func.count()).select_from(User)).one() == 1
