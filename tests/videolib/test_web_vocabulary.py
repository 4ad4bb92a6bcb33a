"""The vocabulary over HTTP: offers, proposals and decisions by the API, and the administrators' pages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.libraries import add_entry
from tests.visitors import Site, Visitor
from videolib.catalogue.entries import Entry
from videolib.catalogue.vocabulary import Term

API = "/api/v1/vocabulary"
LABELS = {"zh": "球囊阻断化疗栓塞术", "en": "Balloon-occluded TACE"}
MADE = "proc.balloon_occluded_tace"


def propose(visitor: Visitor, **changes: Any) -> Any:
    return visitor.send("POST", f"{API}/procedure/terms", {"labels": LABELS, **changes})


def test_what_is_typed_is_answered_with_the_terms_it_may_mean(sqlite_site: Site) -> None:
    visitor = sqlite_site.anonymous()

    found = visitor.get(f"{API}/procedure?q=zgdmss&lang=en&limit=3").json
    everything = visitor.get(f"{API}/procedure").json
    schemes = visitor.get(API).json

    assert found is not None
    assert everything is not None
    assert schemes is not None
    assert (found["items"][0]["id"], found["items"][0]["found_by"]) == ("proc.uae", "子宫动脉栓塞术")
    assert len(everything["items"]) > 100
    counts = {scheme["id"]: scheme["terms"] for scheme in schemes["items"]}
    assert counts["procedure"] == len(everything["items"])
    assert visitor.get(f"{API}/no-such?q=x").status_code == 404


@pytest.mark.parametrize("typed", ["%", "'; DROP TABLE terms; --", "a" * 10_000, "\u202e肝", "(" * 500])
def test_hostile_typing_is_answered(sqlite_site: Site, typed: str) -> None:
    assert sqlite_site.anonymous().get(f"{API}/procedure", query_string={"q": typed}).status_code == 200


def test_an_editor_proposes_uses_and_an_administrator_merges(site: Site) -> None:
    editor, admin = site.visitor("editor"), site.visitor("admin")

    made = propose(editor)
    assert (made.status_code, made.json["id"], made.json["status"]) == (201, MADE, "proposed")
    entry = add_entry(site.database)
    used = editor.send("PATCH", f"/api/v1/entries/{entry.id}", {"procedures": [MADE]})
    assert used.status_code == 200
    assert editor.send("POST", f"{API}/procedure/terms/{MADE}/merge", {"into": "proc.tace"}).status_code == 403
    merged: Any = admin.send("POST", f"{API}/procedure/terms/{MADE}/merge", {"into": "proc.tace"})

    assert (merged.status_code, merged.json["id"]) == (200, "proc.tace")
    assert LABELS["zh"] in merged.json["synonyms"]["zh"]
    with site.database.reading() as session:
        assert [term.id for term in session.get_one(Entry, entry.id).terms_of("procedures")] == ["proc.tace"]


def test_a_term_is_changed_by_who_read_its_last_version(sqlite_site: Site) -> None:
    admin = sqlite_site.visitor("admin")
    path = f"{API}/procedure/terms/proc.uae"

    done: Any = admin.send("PATCH", path, {"synonyms": {"zh": ["肌瘤栓塞"], "en": []}}, If_Match='"1"')
    stale: Any = admin.send("PATCH", path, {"mesh": None}, If_Match='"1"')
    wrong: Any = admin.send("PATCH", path, {"broader": "proc.no_such", "labels": {"zh": "", "en": "UAE"}})
    unknown: Any = admin.send("PATCH", path, {"colour": "red"})

    assert (done.status_code, done.json["version"], done.headers["ETag"]) == (200, 2, '"2"')
    assert stale.status_code == 412
    assert (wrong.status_code, set(wrong.json["fields"])) == (422, {"labels.zh"})
    assert (unknown.status_code, set(unknown.json["fields"])) == (422, {"colour"})
    wrongs: list[Any] = [
        {"synonyms": []},
        {"definition": "text"},
        {"synonyms": {"en": "x"}},
        {"order": "first"},
        {"labels": 3},
    ]
    for bad in wrongs:
        assert admin.send("PATCH", path, bad).status_code == 422, bad


def test_the_pages_show_decide_and_change(site: Site) -> None:
    propose(site.visitor("editor"))
    admin = site.visitor("admin")

    assert LABELS["zh"] in admin.get("/admin/vocabulary").text
    assert admin.post(f"/admin/vocabulary/procedure/{MADE}/accept").status_code == 303
    assert LABELS["zh"] in admin.get("/admin/vocabulary/procedure?q=qnzd").text
    form = {"label_zh": "新名", "label_en": "New name", "synonyms_zh": "甲\n乙", "synonyms_en": "", "version": "2"}
    assert admin.post(f"/admin/vocabulary/procedure/{MADE}", **form).status_code == 303
    stale = admin.post(f"/admin/vocabulary/procedure/{MADE}", **{**form, "label_zh": "别的"})
    refused = admin.post(f"/admin/vocabulary/procedure/{MADE}", **{**form, "version": "3", "mesh": "liver"})

    assert (stale.status_code, "别的" in stale.text) == (412, True)
    assert (refused.status_code, 'id="error-mesh"' in refused.text) == (422, True)
    with site.database.reading() as session:
        term = session.get_one(Term, MADE)
        assert (term.label("zh"), term.synonyms["zh"], term.status) == ("新名", ["甲", "乙"], "accepted")
    assert admin.post(f"/admin/vocabulary/procedure/{MADE}/merge", into="").status_code == 422
    assert admin.post("/admin/vocabulary/procedure/proc.uae/remove").status_code == 409
    assert admin.post(f"/admin/vocabulary/procedure/{MADE}/remove").status_code == 303
    assert admin.post("/admin/vocabulary/procedure", label_zh="", label_en="X").status_code == 422


@pytest.mark.parametrize(
    ("form", "start"), [("csv", b"\xef\xbb\xbfscheme"), ("yaml", b"schemes:"), ("turtle", b"@pre")]
)
def test_a_list_is_downloaded(sqlite_site: Site, form: str, start: bytes) -> None:
    answer = sqlite_site.visitor("admin").get(f"/admin/vocabulary/difficulty/export?form={form}")

    assert answer.status_code == 200
    assert answer.data.startswith(start)
    assert "attachment" in answer.headers["Content-Disposition"]
