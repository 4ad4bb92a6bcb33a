"""What machines are told of public entries, when the setting allows it, and of nothing else ever."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
import sickle
from sickle.oaiexceptions import (
    BadArgument,
    BadResumptionToken,
    CannotDisseminateFormat,
    IdDoesNotExist,
    NoRecordsMatch,
)

from tests.visitors import Site, answering, make_site
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.publishing import change_entry, withdraw_entry
from videolib.db import Database, utc_now
from videolib.web import harvest

TITLE = {"zh": "髂动脉 </script><b> 支架植入术", "en": "Iliac artery stenting & more"}


@pytest.fixture
def open_site(sqlite_database: Database) -> Iterator[Site]:
    site = make_site(sqlite_database, open_metadata=True)
    yield site
    site.index.close()


def publish(site: Site, audience: str = "public", **fields: Any) -> Entry:
    entry = site.add_published(**fields)
    with site.database.writing() as session:
        session.get_one(Entry, entry.id).audience = audience
    return entry


def withdraw(site: Site, entry: Entry) -> None:
    with site.database.writing() as session:
        withdraw_entry(session, session.get_one(Entry, entry.id), "A reason.", by=None)


@pytest.fixture
def harvester(open_site: Site) -> Iterator[sickle.Sickle]:
    """A real harvester at a real server."""
    with answering(open_site.app) as base:
        yield sickle.Sickle(f"{base}/oai")


def test_a_harvester_finds_public_entries_and_only_these(
    open_site: Site, harvester: sickle.Sickle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harvest, "PAGE", 2)
    public = [publish(open_site, title=TITLE) for _ in range(5)]
    publish(open_site, audience="signed_in")
    open_site.add_watchable()
    withdraw(open_site, public[0])

    records = list(harvester.ListRecords(metadataPrefix="oai_dc", ignore_deleted=False))
    headers = list(harvester.ListIdentifiers(metadataPrefix="oai_dc", ignore_deleted=False))

    told = {record.header.identifier.rpartition(":")[2]: record for record in records}
    assert set(told) == {entry.id for entry in public}
    assert [header.identifier for header in headers] == [record.header.identifier for record in records]
    assert [entry_id for entry_id, record in told.items() if record.deleted] == [public[0].id]
    one = told[public[1].id]
    assert set(one.metadata["title"]) == set(TITLE.values())
    assert one.metadata["type"] == ["MovingImage"]
    assert one.metadata["identifier"][0].endswith(f"/entries/{public[1].id}")
    assert harvester.GetRecord(identifier=one.header.identifier, metadataPrefix="oai_dc").metadata == one.metadata


def test_a_harvester_is_told_what_it_does_wrong(open_site: Site, harvester: sickle.Sickle) -> None:
    entry = publish(open_site)
    hidden = publish(open_site, audience="signed_in")
    tomorrow = (utc_now() + timedelta(days=1)).strftime("%Y-%m-%d")
    today = utc_now().strftime("%Y-%m-%d")

    assert harvester.Identify().granularity == "YYYY-MM-DDThh:mm:ssZ"
    assert [form.metadataPrefix for form in harvester.ListMetadataFormats()] == ["oai_dc"]
    window: dict[str, str] = {"from": today, "until": today}
    assert len(list(harvester.ListRecords(metadataPrefix="oai_dc", **window))) == 1
    identifier = harvester.ListIdentifiers(metadataPrefix="oai_dc").next().identifier
    assert identifier.endswith(entry.id)
    for wrong, error in (
        ({"metadataPrefix": "marc"}, CannotDisseminateFormat),
        ({"metadataPrefix": "oai_dc", "from": tomorrow}, NoRecordsMatch),
        ({"metadataPrefix": "oai_dc", "from": "yesterday"}, BadArgument),
        ({"metadataPrefix": "oai_dc", "from": tomorrow, "until": today}, BadArgument),
        ({"resumptionToken": "nonsense"}, BadResumptionToken),
        ({"resumptionToken": "bnVsbA=="}, BadResumptionToken),
    ):
        with pytest.raises(error):
            harvester.ListRecords(**wrong)
    with pytest.raises(IdDoesNotExist):
        harvester.GetRecord(identifier=identifier.replace(entry.id, hidden.id), metadataPrefix="oai_dc")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "badVerb"),
        ("verb=Guess", "badVerb"),
        ("verb=Identify&x=1", "badArgument"),
        ("verb=Identify&verb=Identify", "badArgument"),
        ("verb=GetRecord", "badArgument"),
        ("verb=ListSets", "noSetHierarchy"),
        ("verb=ListRecords&metadataPrefix=oai_dc&set=a", "noSetHierarchy"),
    ],
)
def test_the_errors_of_the_protocol_have_their_codes(open_site: Site, query: str, code: str) -> None:
    answer = open_site.anonymous().get(f"/oai?{query}")

    found = ElementTree.fromstring(answer.data).find("{http://www.openarchives.org/OAI/2.0/}error")  # noqa: S314 - our own
    assert (answer.status_code, answer.mimetype) == (200, "text/xml")
    assert found is not None
    assert found.get("code") == code


def test_the_page_of_a_public_entry_says_what_it_is(open_site: Site) -> None:
    entry = publish(open_site, title=TITLE, keywords=["教学"])
    hidden = publish(open_site, audience="signed_in")

    page = open_site.anonymous().get(f"/entries/{entry.id}").text
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)

    assert len(found) == 1
    told = json.loads(found[0])
    assert told["@type"] == ["VideoObject", "LearningResource"]
    assert {text["@value"] for text in told["name"]} == set(TITLE.values())
    assert told["keywords"] == ["教学"]
    assert "ld+json" not in open_site.visitor("editor").get(f"/entries/{hidden.id}").text


def test_what_is_for_fewer_by_now_is_told_as_deleted(open_site: Site, harvester: sickle.Sickle) -> None:
    entry, never = open_site.add_published(audience="public"), open_site.add_published()
    with open_site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        change_entry(session, row, parse_values({"audience": "signed_in"}), revision=None, by=None)

    (header,) = harvester.ListIdentifiers(metadataPrefix="oai_dc", ignore_deleted=False)

    assert (header.identifier.rpartition(":")[2], header.deleted) == (entry.id, True)
    record = harvester.GetRecord(identifier=header.identifier, metadataPrefix="oai_dc")
    assert record.deleted
    assert "Stenting" not in record.raw
    with pytest.raises(IdDoesNotExist):
        harvester.GetRecord(identifier=header.identifier.replace(entry.id, never.id), metadataPrefix="oai_dc")


def test_a_harvester_may_ask_by_post(open_site: Site, harvester: sickle.Sickle) -> None:
    entry = publish(open_site)
    poster = sickle.Sickle(harvester.endpoint, http_method="POST")

    assert [record.header.identifier.rpartition(":")[2] for record in poster.ListRecords(metadataPrefix="oai_dc")] == [
        entry.id
    ]
    assert poster.Identify().deletedRecord == "transient"


def test_without_the_setting_nothing_is_told(sqlite_site: Site) -> None:
    entry = publish(sqlite_site)

    assert sqlite_site.anonymous().get("/oai?verb=Identify").status_code == 404
    assert "ld+json" not in sqlite_site.anonymous().get(f"/entries/{entry.id}").text
