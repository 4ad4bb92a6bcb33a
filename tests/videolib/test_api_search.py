"""Search and suggestions by API, and the document that describes the API."""

from __future__ import annotations

import re

import pytest

from tests.visitors import Site
from videolib.catalogue.captions import add_captions
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import EntryValues
from videolib.catalogue.publishing import withdraw_entry
from videolib.web.api.schemas import EntryFields

VTT = "WEBVTT\n\n00:01.000 --> 00:03.000\n置入覆膜支架\n"


def test_hits_carry_moments_facets_and_a_total(site: Site) -> None:
    entry = site.add_published()
    with site.database.writing() as session:
        add_captions(session, session.get_one(Entry, entry.id), "zh-Hans", VTT, by=None)
    site.reindex()

    answer = site.app.test_client().get("/api/v1/search?q=支架&lang=en", headers=site.bearer("trainee")).json

    assert answer is not None
    contract = {"total", "took_ms", "next_cursor", "hits", "facets", "did_you_mean"}
    assert set(answer) == {*contract, "expanded", "related", "index"}
    assert answer["total"] == 1
    (hit,) = answer["hits"]
    assert hit["entry_id"] == entry.id
    assert set(hit) == {"entry_id", "title", "snippet", "score", "moments"}
    assert [(moment["kind"], moment["text"]) for moment in hit["moments"]] == [("caption", "置入覆膜支架")]
    labels = {item["term"]: item["label"] for item in answer["facets"]["procedure"]}
    assert "proc.stent_sfa" in labels
    assert labels["proc.stent_sfa"].isascii()


def test_what_is_withdrawn_is_not_found_even_before_the_index_knows(site: Site) -> None:
    kept, gone = (site.add_published(audience="public") for _ in range(2))
    site.reindex()
    with site.database.writing() as session:
        withdraw_entry(session, session.get_one(Entry, gone.id), "Consent was withdrawn.", by=None)

    answer = site.app.test_client().get("/api/v1/search").json or {}

    assert [hit["entry_id"] for hit in answer["hits"]] == [kept.id]
    assert answer["total"] == 1


@pytest.mark.parametrize("query", ["facet=procedure:proc.tace", "procedure=proc.tace", "q=TACE"])
def test_both_ways_to_name_a_facet_mean_the_same(site: Site, query: str) -> None:
    wanted = site.add_published(title={"zh": "肝动脉化疗栓塞", "en": "TACE"}, procedures=["proc.tace"])
    site.add_published()
    site.reindex()

    answer = site.app.test_client().get(f"/api/v1/search?{query}", headers=site.bearer("trainee")).json

    assert answer is not None
    assert [hit["entry_id"] for hit in answer["hits"]] == [wanted.id]


def test_pages_of_hits_follow_each_other(site: Site) -> None:
    made = {site.add_published(audience="public").id for _ in range(3)}
    site.reindex()
    client = site.app.test_client()

    first = client.get("/api/v1/search?limit=2").json or {}
    second = client.get(f"/api/v1/search?limit=2&cursor={first['next_cursor']}").json or {}

    assert first["total"] == 3
    assert len(first["hits"]) == 2
    assert {hit["entry_id"] for hit in first["hits"] + second["hits"]} == made
    assert second["next_cursor"] is None


def test_suggestions_complete_terms_and_titles_that_one_may_see(site: Site) -> None:
    entry = site.add_published(title={"zh": "罕见的病例", "en": "Xylophone case"})
    site.reindex()
    client = site.app.test_client()

    mine = client.get("/api/v1/suggest?q=xylo", headers=site.bearer("trainee")).json
    nobodys = client.get("/api/v1/suggest?q=xylo").json

    assert mine == {
        "items": [{"text": "Xylophone case", "label": "Xylophone case", "kind": "title", "url": f"/entries/{entry.id}"}]
    }
    assert nobodys == {"items": []}


def test_a_list_of_terms_has_labels_in_both_languages(site: Site) -> None:
    answer = site.app.test_client().get("/api/v1/vocabulary/procedure").json

    assert answer is not None
    assert answer["next_cursor"] is None
    assert len(answer["items"]) > 50
    assert all(item["labels"]["en"] and item["labels"]["zh"] for item in answer["items"])
    assert site.app.test_client().get("/api/v1/vocabulary/nothing").status_code == 404


def test_the_document_describes_every_route_of_the_api(sqlite_site: Site) -> None:
    described = sqlite_site.app.test_client().get("/api/v1/openapi.json").json or {}

    routes = {
        (re.sub(r"<(?:[^<>]+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in sqlite_site.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint not in {"openapi.spec", "api_docs.show"}
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    documented = {(path, method) for path, methods in described["paths"].items() for method in methods}
    assert documented == routes
    assert all(described["paths"][path][method]["summary"] for path, method in routes)
    body = described["paths"]["/api/v1/entries"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "procedures" in described["components"]["schemas"][body["$ref"].rpartition("/")[2]]["properties"]


def test_the_documentation_page_loads_nothing_from_elsewhere(sqlite_site: Site) -> None:
    page = sqlite_site.app.test_client().get("/api/v1/docs")

    assert page.mimetype == "text/html"
    assert "https://" not in page.text
    assert "/api/v1/openapi.json" in page.text


def test_the_documented_fields_are_those_that_the_catalogue_takes() -> None:
    documented = set(EntryFields().fields)

    assert documented == set(EntryValues.model_fields)
