"""Reviews by the API: the same rules as the pages, from sending a case to review to its publication."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.libraries import COMPLETE_CASE
from tests.videolib.test_reviews import add_case
from tests.visitors import Site, Visitor
from videolib.catalogue import publishing
from videolib.catalogue.annotations import list_annotations
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.reviews import ITEMS, list_queue

MAKER = "maker@hospital.example"
FULL_MARKS = dict.fromkeys(ITEMS, 2)


def ask(visitor: Visitor, method: str, path: str, body: Any = None, status: int = 200) -> dict[str, Any]:
    """Ask the API; the answer has that status."""
    url = f"/api/v1{path}"
    answer: TestResponse = visitor.get(url) if method == "GET" else visitor.send(method, url, body)
    assert answer.status_code == status, answer.text
    assert isinstance(answer.json, dict)
    return answer.json


def test_a_case_goes_from_draft_to_published_by_the_api_alone(site: Site) -> None:
    entry, maker, reviewer = add_case(site), site.visitor("editor", email=MAKER), site.visitor("editor")
    path = f"/entries/{entry.id}"
    assert ask(maker, "POST", f"{path}/recall", {"reason": "Too soon."})["status"] == "draft"
    assert ask(maker, "POST", f"{path}/submit")["status"] == "in_review"
    ask(maker, "POST", f"{path}/publish", status=409)

    (waiting,) = ask(reviewer, "GET", "/reviews")["items"]
    assert (waiting["entry_id"], waiting["reviewer"], waiting["is_mine"]) == (entry.id, None, False)
    seen = ask(reviewer, "POST", f"{path}/review/take")
    assert (seen["state"], seen["reviewer"]["name"]) == ("in_review", "editor")
    assert {"score", "approve", "comment"} <= set(seen["may"])
    judgement = {"digest": seen["digest"], "scores": FULL_MARKS, "summary": "Clear.", "decision": "approve"}
    judged = ask(reviewer, "POST", f"{path}/review", judgement)

    assert (judged["state"], judged["reviews"][0]["total"], judged["reviews"][0]["holds"]) == ("approved", 18, True)
    assert ask(reviewer, "GET", "/reviews")["items"] == []
    assert ask(maker, "POST", f"{path}/publish", {"reason": "Reviewed."})["status"] == "published"


def test_points_are_kept_and_too_few_or_wrong_ones_do_not_approve(sqlite_site: Site) -> None:
    entry, reviewer = add_case(sqlite_site), sqlite_site.visitor("editor")
    path = f"/entries/{entry.id}/review"
    digest = ask(reviewer, "POST", f"{path}/take")["digest"]

    kept = ask(reviewer, "POST", path, {"digest": digest, "scores": {"rev.lv1": 2}, "summary": "So far."})
    assert kept["mine"] == {"scores": {"rev.lv1": 2}, "total": 2, "summary": "So far."}
    for scores, decision in (
        ({"rev.lv1": 3}, None),
        ({"rev.lv1": True}, None),
        ({"rev.lv1": "2"}, None),
        ({"rev.lv99": 1}, None),
        ([1, 2], None),
        ({"rev.lv1": 2}, "approve"),
        (dict.fromkeys(ITEMS, 1), "approve"),
        (FULL_MARKS, "publish"),
    ):
        ask(reviewer, "POST", path, {"digest": digest, "scores": scores, "decision": decision}, status=422)
    assert ask(reviewer, "GET", path)["state"] == "in_review"


def test_a_judgement_of_what_was_not_looked_at_is_refused(sqlite_site: Site) -> None:
    entry, reviewer = add_case(sqlite_site), sqlite_site.visitor("editor")
    path = f"/entries/{entry.id}/review"
    ask(reviewer, "POST", f"{path}/take")
    seen = ask(reviewer, "POST", f"{path}/seen")
    with sqlite_site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        publishing.change_entry(session, row, parse_values({"summary": {"en": "Changed."}}), revision=None, by=None)

    refused = ask(
        reviewer, "POST", path, {"digest": seen["digest"], "scores": FULL_MARKS, "decision": "approve"}, status=409
    )

    assert refused["code"] == "content_changed"
    now = ask(reviewer, "GET", path)
    assert now["digest"] != seen["digest"]
    assert [item["path"] for item in now["changes_since_look"]] == ["summary.en", "summary.zh"]


def test_makers_and_strangers_do_not_judge(sqlite_site: Site) -> None:
    entry, maker = add_case(sqlite_site), sqlite_site.visitor("editor", email=MAKER)
    path = f"/entries/{entry.id}"
    digest = ask(maker, "GET", f"{path}/review")["digest"]

    ask(maker, "POST", f"{path}/review/take", status=403)
    ask(maker, "POST", f"{path}/review", {"digest": digest, "scores": FULL_MARKS}, status=403)
    ask(maker, "PUT", f"{path}/reviewer", {"reviewer": MAKER}, status=403)
    ask(sqlite_site.visitor("instructor"), "GET", f"{path}/review", status=404)
    ask(sqlite_site.visitor("trainee"), "GET", "/reviews", status=403)


def test_an_instructor_who_is_named_finds_the_case_in_the_queue(sqlite_site: Site) -> None:
    entry, maker = add_case(sqlite_site), sqlite_site.visitor("editor", email=MAKER)
    instructor = sqlite_site.add_person("instructor")
    named = sqlite_site.visitor("instructor")
    assert ask(named, "GET", "/reviews")["items"] == []

    ask(maker, "PUT", f"/entries/{entry.id}/reviewer", {"reviewer": instructor.email})

    assert [item["is_mine"] for item in ask(named, "GET", "/reviews")["items"]] == [True]
    ask(maker, "PUT", f"/entries/{entry.id}/reviewer", {"reviewer": None})
    assert ask(named, "GET", "/reviews")["items"] == []
    for wrong in (True, 1.5, 2**40, "nobody@hospital.example"):
        answer = maker.send("PUT", f"/api/v1/entries/{entry.id}/reviewer", {"reviewer": wrong})
        assert answer.status_code in {404, 422}, wrong


def test_remarks_have_their_second_and_are_dealt_with(site: Site) -> None:
    entry, reviewer = add_case(site), site.visitor("editor")
    path = f"/entries/{entry.id}/review"

    said = ask(reviewer, "POST", f"{path}/comments", {"text": "Which vessel?", "at_s": 1.5}, status=201)
    for wrong in ({"text": " "}, {"text": 3}, {"text": "x", "at_s": "soon"}, {"text": "x", "at_s": -1}):
        ask(reviewer, "POST", f"{path}/comments", wrong, status=422)

    assert (said["at_s"], said["author"], said["resolved"]) == (1.5, "editor", False)
    for resolved in (True, True, False):
        done = ask(reviewer, "PATCH", f"{path}/comments/{said['id']}", {"resolved": resolved})
        assert done["resolved"] is resolved
    ask(reviewer, "PATCH", f"{path}/comments/{said['id']}", {"resolved": "yes"}, status=422)
    assert [item["text"] for item in ask(reviewer, "GET", path)["comments"]] == ["Which vessel?"]


def test_the_queue_is_read_page_by_page(site: Site) -> None:
    me, other = site.add_person("editor"), site.add_person("admin")
    entries = [add_case(site).id for _ in range(5)]
    with site.database.writing() as session:
        session.get_one(Entry, entries[3]).reviewer_id = me.id
        session.get_one(Entry, entries[0]).reviewer_id = other.id

    found: list[str] = []
    cursor: str | None = None
    with site.database.reading() as session:
        while True:
            rows, cursor = list_queue(session, by=me, limit=2, cursor=cursor)
            found += [row.id for row in rows]
            if cursor is None:
                break

    assert found == [entries[3], entries[1], entries[2], entries[4], entries[0]]


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMiwzXQ", "WzAsIjIwMjYtMDEtMDEiLCJ4Il0", "W" * 2000])
def test_a_damaged_cursor_is_refused(sqlite_site: Site, cursor: str) -> None:
    entry, editor = sqlite_site.add_published(), sqlite_site.visitor("editor")

    for path in ("/reviews", f"/entries/{entry.id}/versions", "/entries", "/steps/step.tace.01/cases"):
        assert ask(editor, "GET", f"{path}?cursor={cursor}", status=422)["code"] == "bad_cursor"


def test_what_is_moved_without_leave_is_refused(sqlite_site: Site) -> None:
    entry, editor = sqlite_site.add_watchable(), sqlite_site.visitor("editor")
    path = f"/entries/{entry.id}"

    stale = editor.send("POST", f"/api/v1{path}/submit", None, If_Match='"99"')
    assert stale.status_code == 412
    ask(editor, "POST", f"{path}/discard", status=409)
    assert ask(editor, "POST", f"{path}/archive")["status"] == "archived"
    ask(editor, "POST", f"{path}/submit", status=409)
    assert ask(editor, "POST", f"{path}/restore")["status"] == "draft"


def test_versions_are_listed_compared_and_gone_back_to(site: Site) -> None:
    entry, editor = site.add_published(summary={"en": "First."}), site.visitor("editor")
    path = f"/entries/{entry.id}"
    for text in ("Second.", "Third."):
        ask(editor, "PATCH", path, {"summary": {"en": text}, "consent": {"id": f"C-{text}"}})

    first = ask(editor, "GET", f"{path}/versions?limit=2")
    rest = ask(editor, "GET", f"{path}/versions?limit=2&cursor={first['next_cursor']}")
    assert [item["number"] for item in (*first["items"], *rest["items"])] == [3, 2, 1]
    assert [item["is_current"] for item in first["items"]] == [True, False]
    compared = ask(editor, "GET", f"{path}/versions/3?against=1")
    assert {item["path"]: item["after"] for item in compared["changes"]} == {
        "summary.en": "Third.",
        "consent.id": "C-Third.",
    }

    ask(editor, "POST", f"{path}/versions/1/roll-back", {"reason": " "}, status=422)
    back = ask(editor, "POST", f"{path}/versions/1/roll-back", {"reason": "The first was right."})

    assert (back["version"], back["summary"], back["consent"]) == (4, {"en": "First."}, None)
    ask(editor, "GET", f"{path}/versions/9", status=404)


def test_viewers_read_versions_without_the_editors_business(sqlite_site: Site) -> None:
    case = {name: COMPLETE_CASE[name] for name in ("consent", "deid", "devices")}
    entry, trainee = sqlite_site.add_published(**case), sqlite_site.visitor("trainee")

    read = ask(trainee, "GET", f"/entries/{entry.id}/versions/1")

    assert not {"consent", "deid"} & set(read["document"])
    assert "Maker" not in str(read)
    assert not {"author", "reason"} & set(read)
    assert sqlite_site.anonymous().get(f"/api/v1/entries/{entry.id}/versions").status_code == 404
    with sqlite_site.database.reading() as session:
        assert list_annotations(session, entry.id) == []
