"""Playlists as pages and programs meet them: building, learning, questions, cohorts, results, tables."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from tests.videolib.test_web_watching import watch
from tests.visitors import Site, Visitor
from videolib.catalogue import publishing
from videolib.catalogue.entries import Entry

EN = {"Accept-Language": "en"}
WHICH = {"kind": "single", "text": "Which vessel?", "at_s": 1, "feedback": "It runs in front."}
CHOICES = [{"text": "SFA", "is_right": True}, {"text": "DFA", "feedback": "Deep."}]


def make_lesson(site: Site, entries: list[Entry], **fields: Any) -> dict[str, Any]:
    """A playlist of the instructor, assigned to the trainee, with a clip of each entry; as programs read it."""
    site.add_person("trainee")
    body = {
        "title": {"zh": "下肢动脉入门", "en": "Leg arteries"},
        "assigned_to": ["trainee@hospital.example"],
        "items": [{"entry_id": entry.id} for entry in entries],
        **fields,
    }
    made = site.visitor("instructor").send("POST", "/api/v1/playlists", body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json  # type: ignore[assignment]
    return found


def page(visitor: Visitor, path: str) -> str:
    answer = visitor.get(path, headers=EN)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_an_instructor_builds_a_lesson_on_plain_pages_and_a_trainee_learns_it(site: Site) -> None:
    """Checklist 33, 35 (the pages behind it, without a script)."""
    first, second = (site.add_published(title={"zh": f"病例{number}", "en": f"Case {number}"}) for number in (1, 2))
    instructor, trainee = site.visitor("instructor"), site.visitor("trainee")
    cohort = instructor.post("/teach/cohorts", name="2026 春季班", people="trainee@hospital.example")
    assert cohort.status_code == 303, cohort.text
    build = instructor.post("/teach/playlists", title_zh="", title_en="Leg arteries").headers["Location"]
    for entry in (first, second):
        assert instructor.post(f"{build}/items", entry=entry.id).status_code == 303
    assert instructor.post(f"{build}/items", heading="Part 2").status_code == 303
    ids = re.findall(r'data-item="([^"]+)"', page(instructor, build))
    assert instructor.post(f"{build}/items/{ids[2]}/up").status_code == 303
    assert (
        instructor.post(f"{build}/items/{ids[1]}", start="0:01", end="0:03", note="Look", required="no").status_code
        == 303
    )
    settings = {"title_zh": "下肢动脉", "title_en": "Leg arteries", "due_on": "2020-01-31", "audience": "assigned"}
    assert instructor.post(build, **settings).status_code == 303
    assert instructor.post(f"{build}/assign", names="2026 春季班").status_code == 303

    built = page(instructor, build)
    assert re.findall(r'data-item="([^"]+)"', built) == [ids[0], ids[2], ids[1]]
    assert "0:01 – 0:03" in built
    mine = page(trainee, "/playlists")
    assert "Leg arteries" in mine
    assert "Was due on January 31, 2020" in mine
    assert "0 of 1" in mine
    assert "Assigned to me" in page(trainee, "/")
    watch(trainee, first, (0, 4))
    assert "1 of 1" in page(trainee, "/playlists")
    assert "Assigned to me" not in page(trainee, "/")
    play = page(trainee, build.replace("/teach", ""))
    assert play.count("tick--done") == 1
    assert 'data-start="1.0" data-end="3.0"' in play  # it opens at the first clip that is not done
    members = page(instructor, cohort.headers["Location"])
    assert "1 of 1" in members


def test_what_somebody_may_not_see_is_hidden_from_them_and_counted_and_the_builder_is_told_why(site: Site) -> None:
    seen = site.add_published(title={"zh": "大家可见", "en": "Seen by all"})
    named = {"audience": "people", "sharing": {"names": ["instructor@hospital.example"]}}
    site.add_person("instructor")
    hidden = site.add_published(title={"zh": "不公开的病例", "en": "A private case"}, **named)
    gone = site.add_published(title={"zh": "撤回的病例", "en": "A withdrawn case"})
    lesson = make_lesson(site, [seen, hidden, gone])
    instructor, trainee = site.visitor("instructor"), site.visitor("trainee")
    with site.database.writing() as session:
        publishing.withdraw_entry(session, session.get_one(Entry, gone.id), "A name is seen.", by=None)
    path = f"/playlists/{lesson['id']}"

    learned = page(trainee, path)
    assert "1 item you may not see" in learned
    assert "A private case" not in learned
    assert "A withdrawn case" not in learned
    told = trainee.get(f"/api/v1{path}").json
    assert told is not None
    assert (told["hidden_count"], told["count"], [item["entry_id"] for item in told["items"]]) == (1, 1, [seen.id])
    built = page(instructor, f"/teach{path}")
    assert "Hidden from 1 person: it is not meant for them (trainee)" in built
    assert "Withdrawn: it counts no more" in built
    assert "A name is seen." in page(instructor, "/teach")
    watch(trainee, seen, (0, 4))
    after = trainee.get(f"/api/v1{path}").json
    assert after is not None
    assert after["done"] is True


def test_questions_tell_what_is_right_only_after_an_answer_and_the_first_one_counts(site: Site) -> None:
    """Checklist 34 (the rows and pages behind it)."""
    entry = site.add_published()
    question = {**WHICH, "choices": CHOICES}
    lesson = make_lesson(site, [], items=[{"entry_id": entry.id, "questions": [question]}])
    trainee, path = site.visitor("trainee"), f"/playlists/{lesson['id']}"
    (asked,) = lesson["items"][0]["questions"]
    right, wrong = (choice["id"] for choice in asked["choices"])
    url = f"{path}/questions/{asked['id']}"

    before = trainee.get(f"/api/v1{path}").text + trainee.get(path).text
    assert "It runs in front." not in before
    assert "Deep." not in before
    assert "is_right" not in before
    watch(trainee, entry, (0, 4))
    assert trainee.get(f"/api/v1{path}").json["done"] is False  # type: ignore[index]
    assert trainee.post(url).status_code == 422
    assert trainee.post(url, answer=wrong).status_code == 303
    after = page(trainee, path)
    assert "Not right" in after
    assert "Deep." in after
    again = trainee.send("POST", f"/api/v1{url}/answers", {"answer": [right]})
    assert again.json == {
        "is_right": True,
        "first_is_right": False,
        "tries": 2,
        "feedback": "It runs in front.",
        "right": [right],
    }
    assert trainee.get(f"/api/v1{path}").json["done"] is True  # type: ignore[index]
    results = page(site.visitor("instructor"), f"/teach{path}/results")
    assert "Most missed" in results
    assert "100% missed it" in results
    assert "Chosen by 1 person instead:" in results


def test_results_are_for_those_who_build_it_and_nobody_else_whatever_the_role(site: Site) -> None:
    """Checklist 36 (who sees what)."""
    lesson = make_lesson(site, [site.add_published()])
    other = site.visitor("instructor", email="other@hospital.example")
    for visitor, status in ((site.visitor("admin"), 404), (other, 404), (site.visitor("trainee"), 403)):
        for path in ("", "/results", "/results.csv"):
            assert visitor.get(f"/teach/playlists/{lesson['id']}{path}").status_code == status
        assert visitor.get(f"/api/v1/playlists/{lesson['id']}/results").status_code == status

    owner = site.visitor("instructor")
    body = {"editors": ["other@hospital.example"]}
    assert owner.send("PATCH", f"/api/v1/playlists/{lesson['id']}", body).status_code == 200
    assert other.get(f"/teach/playlists/{lesson['id']}/results").status_code == 200


def test_the_table_opens_in_excel_with_chinese_intact_and_runs_nothing(site: Site) -> None:
    """Checklist 36."""
    entry = site.add_published(title={"zh": "=cmd|' /C calc'!A0", "en": "x"})
    question = {**WHICH, "text": "哪条血管？", "choices": CHOICES}
    lesson = make_lesson(site, [], items=[{"entry_id": entry.id, "questions": [question]}])
    with site.database.writing() as session:
        person = session.merge(site.add_person("trainee"))
        person.display_name = "@SUM(A1)"
    watch(site.visitor("trainee"), entry, (0, 2))

    answer = site.visitor("instructor").get(f"/teach/playlists/{lesson['id']}/results.csv")

    assert answer.data.startswith(b"\xef\xbb\xbf")
    # what a server can put into a header: a Chinese title as it is would be an error of the real one
    assert answer.headers["Content-Disposition"].encode("latin-1").startswith(b"attachment; filename=results.csv;")
    (head, row) = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert head[0] == "姓名" or head[0] == "名称"
    assert head[5].startswith("1. =cmd")
    assert head[6] == "1? 哪条血管？"
    assert row[0] == "'@SUM(A1)"
    assert row[1] == "trainee@hospital.example"
    assert row[5] == "50"


def test_the_curve_shows_where_people_leave_and_what_they_watch_again(site: Site) -> None:
    """Checklist 36."""
    entry = site.add_published()
    site.add_person("trainee", email="b@hospital.example")
    lesson = make_lesson(site, [entry], assigned_to=["trainee@hospital.example", "b@hospital.example"])
    watch(site.visitor("trainee"), entry, (0, 4), (1, 2), (1, 2))
    watch(site.visitor("trainee", email="b@hospital.example"), entry, (0, 1))

    results = page(site.visitor("instructor"), f"/teach/playlists/{lesson['id']}/results")

    assert "2 people saw the beginning, 1 the end." in results
    assert "Most watched again: around 0:01 (3 plays)." in results
    assert 'points="0,40 150,40 150,0 300,0 300,80 450,80 450,80 600,80"' in results
    assert "/playlists/" not in results.partition("plot__drawing")[2].partition("</svg>")[0]


def test_programs_change_playlists_with_if_match_and_page_through_them(site: Site) -> None:
    first, second = site.add_published(), site.add_published()
    lesson = make_lesson(site, [first, second])
    instructor, url = site.visitor("instructor"), f"/api/v1/playlists/{lesson['id']}"
    tag = instructor.get(url).headers["ETag"]
    ids = [item["id"] for item in lesson["items"]]
    body = {
        "due_on": "2027-01-31",
        "items": [
            {"kind": "section", "title": "Begin here"},
            {"id": ids[1], "start_s": 1, "end_s": 2.5, "note": "Look", "required": False},
        ],
    }

    changed = instructor.send("PATCH", url, body, If_Match=tag)

    assert changed.status_code == 200, changed.text
    told: dict[str, Any] = changed.json  # type: ignore[assignment]
    assert [item.get("title", item["id"]) for item in told["items"]] == ["Begin here", ids[1]]
    assert told["due_on"] == "2027-01-31"
    assert told["assigned_to"] == [{"person": "trainee@hospital.example"}]
    assert instructor.send("PATCH", url, body, If_Match=tag).status_code == 412
    for number in range(2):
        make_lesson(site, [], title={"en": f"More {number}"})
    listed = instructor.get("/api/v1/playlists?limit=2").json
    assert listed is not None
    rest = instructor.get(f"/api/v1/playlists?limit=2&cursor={listed['next_cursor']}").json
    assert rest is not None
    assert len({item["id"] for item in listed["items"] + rest["items"]}) == 3
    assert rest["next_cursor"] is None
    assert instructor.send("DELETE", url, None, If_Match=tag).status_code == 412
    assert instructor.send("DELETE", url).status_code == 204
    assert site.visitor("trainee").get(url).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"title": {}},
        {"title": "x"},
        {"nothing": 1},
        {"audience": "public"},
        {"due_on": "tomorrow"},
        {"due_on": 5},
        {"editors": "x"},
        {"editors": ["trainee@hospital.example"]},
        {"assigned_to": ["nobody@hospital.example"]},
        {"items": {}},
        {"items": [{"id": "no-such"}]},
        {"items": [{"kind": "section"}]},
        {"items": [{"entry_id": 7}]},
        {"description": "x" * 4001},
    ],
)
def test_what_is_no_playlist_is_refused_with_a_field(sqlite_site: Site, body: dict[str, Any]) -> None:
    lesson = make_lesson(sqlite_site, [])

    answer = sqlite_site.visitor("instructor").send("PATCH", f"/api/v1/playlists/{lesson['id']}", body)

    assert answer.status_code == 422, answer.text
    assert answer.json["fields"]  # type: ignore[index]


def test_a_lesson_may_be_copied_by_whoever_teaches_and_may_open_it(site: Site) -> None:
    lesson = make_lesson(site, [site.add_published()], audience="signed_in")
    other = site.visitor("instructor", email="other@hospital.example")

    made = other.post(f"/teach/playlists/{lesson['id']}/copy")

    assert made.status_code == 303
    assert "Leg arteries (copy)" in page(other, made.headers["Location"])
    assert site.visitor("trainee").post(f"/teach/playlists/{lesson['id']}/copy").status_code == 403
    assert "Leg arteries" in page(site.visitor("editor"), "/playlists")


def test_order_is_saved_at_once_and_an_old_order_is_refused(site: Site) -> None:
    lesson = make_lesson(site, [site.add_published(), site.add_published()])
    instructor, path = site.visitor("instructor"), f"/teach/playlists/{lesson['id']}"
    ids = [item["id"] for item in lesson["items"]]

    assert instructor.post(f"{path}/order", item=ids[::-1]).status_code == 204
    assert re.findall(r'data-item="([^"]+)"', page(instructor, path)) == ids[::-1]
    assert instructor.post(f"{path}/order", item=ids[:1]).status_code == 412
