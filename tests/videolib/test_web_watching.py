"""A person's own record, notes and reports, as pages and programs meet them, and who sees what of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.visitors import Site, Visitor
from videolib.catalogue import publishing
from videolib.catalogue.entries import Entry
from videolib.catalogue.watch_records import Viewing
from videolib.db import Database

TRAINEE = {"Accept-Language": "en"}


def watch(visitor: Visitor, entry: Entry, *stretches: tuple[float, float], place_s: float = 0) -> dict[str, Any]:
    """Play these stretches, after enough time has passed for all of them."""
    began = visitor.send("POST", f"/api/v1/entries/{entry.id}/viewings", {})
    assert began.status_code == 201, began.text
    with visitor.site.database.writing() as session:
        session.get_one(Viewing, began.json["viewing"]).began_at -= timedelta(minutes=1)  # type: ignore[index]
    played = [{"start_s": start, "end_s": end, "rate": 1} for start, end in stretches]
    body = {"report": 1, "place_s": place_s, "played": played}
    answer = visitor.send("POST", began.json["reports_url"], body)  # type: ignore[index]
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json  # type: ignore[assignment]
    return found


def test_what_was_watched_is_on_the_first_page_on_the_record_and_in_the_export(site: Site) -> None:
    """Checklist 37 (the pages behind it)."""
    entry, trainee = site.add_published(), site.visitor("trainee")

    credited = watch(trainee, entry, (0, 1), (2, 3), place_s=3)

    assert credited["share"] == 0.5
    assert credited["spans_s"] == [[0, 1], [2, 3]]
    home = trainee.get("/", headers=TRAINEE).text
    assert home.count('class="watched"') == 1
    assert "50% watched" in home
    record = trainee.get("/me", headers=TRAINEE).text
    assert record.count("<rect") == 2
    assert "50% watched" in record
    statements = trainee.get("/api/v1/me/statements")
    assert "attachment" in statements.headers["Content-Disposition"]
    verbs = {one["verb"]["display"]["en"] for one in statements.json["statements"]}  # type: ignore[index]
    assert verbs == {"initialized", "terminated"}
    # nobody else, whatever the role
    for role in ("editor", "instructor", "admin"):
        other = site.visitor(role)
        assert 'class="watched"' not in other.get("/").text
        assert other.get("/api/v1/me/progress").json == {"items": [], "next_cursor": None}


def test_a_finished_entry_is_not_continued(site: Site) -> None:
    entry, trainee = site.add_published(), site.visitor("trainee")

    credited = watch(trainee, entry, (0, 4), place_s=4)

    assert credited["done_at"] is not None
    assert 'id="begun"' not in trainee.get("/").text
    page = trainee.get(f"/entries/{entry.id}", headers=TRAINEE).text
    assert 'data-start="0.0"' in page


def test_a_report_is_taken_from_its_own_person_with_a_token_of_the_page_only(site: Site) -> None:
    entry, trainee = site.add_published(), site.visitor("trainee")
    began = trainee.send("POST", f"/api/v1/entries/{entry.id}/viewings", {}).json
    url, body = began["reports_url"], {"report": 1, "place_s": 0, "played": []}  # type: ignore[index]

    assert site.visitor("admin").send("POST", url, body).status_code == 404
    assert trainee.client.post(url, json=body).status_code == 400
    assert trainee.send("POST", url, {"report": "x"}).status_code == 422
    assert trainee.send("POST", url, body).status_code == 200


def test_notes_are_read_by_nobody_else_and_outlive_a_withdrawal(site: Site) -> None:
    entry, trainee, admin = site.add_published(), site.visitor("trainee"), site.visitor("admin")

    made = trainee.post(f"/entries/{entry.id}/notes", at="0:01.5", text="Mind the wire <b>.")

    assert made.status_code == 303
    page = trainee.get(f"/entries/{entry.id}").text
    assert "Mind the wire &lt;b&gt;." in page
    assert "Mind the wire" not in admin.get(f"/entries/{entry.id}").text
    note = trainee.get("/api/v1/me/notes").json["items"][0]  # type: ignore[index]
    assert (note["at_s"], note["text"]) == (1.5, "Mind the wire <b>.")
    for method, path in (("PATCH", f"/api/v1/notes/{note['id']}"), ("DELETE", f"/api/v1/notes/{note['id']}")):
        assert admin.send(method, path, {"text": "mine now"}).status_code == 404
    assert admin.post(f"/notes/{note['id']}/delete").status_code == 404
    with site.database.writing() as session:
        publishing.withdraw_entry(session, session.get_one(Entry, entry.id), "A name.", by=None)
    mine = trainee.get("/me/notes", headers=TRAINEE).text
    assert "Mind the wire" in mine
    assert "A recording that you may not see any more" in mine
    assert entry.title["en"] not in mine


@pytest.mark.parametrize(("form", "status"), [({"at": "0:01"}, 303), ({"at": "x"}, 422), ({"text": "y" * 4001}, 422)])
def test_a_note_needs_a_time_and_is_no_book(sqlite_site: Site, form: dict[str, str], status: int) -> None:
    entry, trainee = sqlite_site.add_published(), sqlite_site.visitor("trainee")

    assert trainee.post(f"/entries/{entry.id}/notes", **form).status_code == status


def test_reports_of_private_things_come_first_and_are_answered_once(site: Site) -> None:
    entry, trainee, editor = site.add_published(), site.visitor("trainee"), site.visitor("editor")
    url = f"/entries/{entry.id}/reports"
    assert trainee.post(url, kind="error", at="0:01", text="The vessel is another").status_code == 303
    assert trainee.post(url, kind="error", at="0:01").status_code == 422
    assert trainee.post(url, kind="gossip", at="0:01", text="x").status_code == 422
    assert trainee.post(url, kind="privacy", at="0:02", text="A name").status_code == 303

    listed = editor.get("/studio/reports").text

    assert listed.index("A name") < listed.index("The vessel is another")
    assert trainee.get("/studio/reports").status_code == 403
    assert editor.post("/studio/reports/2", answer="Masked.").status_code == 303
    assert editor.post("/studio/reports/2", answer="Again.").status_code == 409
    assert "Masked." in trainee.get("/me").text
    assert "Masked." not in site.visitor("instructor").get("/me").text


def test_the_transcript_is_read_and_taken_along_without_scripts(site: Site) -> None:
    """Checklist 23, 62 (as files)."""
    entry, editor = site.add_published(), site.visitor("editor")
    vtt = "WEBVTT\n\n00:00.500 --> 00:02.000\nA stent\nis placed.\n"
    sent = editor.send("POST", f"/api/v1/entries/{entry.id}/captions", {"language": "en", "vtt": vtt})
    assert sent.status_code == 201
    trainee = site.visitor("trainee")

    text = trainee.get(f"/entries/{entry.id}/transcript/en.txt")

    assert text.text == "0:00\tA stent is placed.\n"
    assert f'filename="{entry.code}-en.txt"' in text.headers["Content-Disposition"]
    assert trainee.get(f"/entries/{entry.id}/transcript/en.vtt").text.startswith("WEBVTT")
    assert trainee.get(f"/entries/{entry.id}/transcript/zh-Hans.txt").status_code == 404
    assert "A stent is placed." in trainee.get(f"/entries/{entry.id}/transcript?lang=zh-Hans").text
    assert site.anonymous().get(f"/entries/{entry.id}/transcript").status_code == 404


def test_a_deleted_person_takes_their_record_along(database: Database, site: Site) -> None:
    entry, trainee = site.add_published(), site.visitor("trainee")
    watch(trainee, entry, (0, 1))
    trainee.post(f"/entries/{entry.id}/notes", at="0:01", text="x")
    trainee.post(f"/entries/{entry.id}/reports", kind="privacy", at="0:01")
    person = site.add_person("trainee")

    with database.writing() as session:
        session.delete(session.merge(person))

    with database.reading() as session:
        connection = session.connection()
        for table, left in (("watch_records", 0), ("viewings", 0), ("personal_notes", 0), ("problem_reports", 1)):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == left  # noqa: S608
