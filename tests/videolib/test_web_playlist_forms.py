"""The instructors' forms: a page that stayed open overwrites nobody; pages ask as often for many as for few."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, select

from ingest.erasing import erase
from tests.backups import workshop_of
from tests.visitors import Site, Visitor
from videolib.catalogue.entries import Entry
from videolib.catalogue.playlists import Playlist, PlaylistItem
from videolib.catalogue.questions import Question, QuestionAnswer, answer_question

QUESTION = {"kind": "single", "text": "Which?", "at": "0:01", "0.text": "SFA", "1.text": "DFA", "right": "0"}


def make_lesson(visitor: Visitor, *entries: Entry) -> str:
    """A playlist built by the pages; gives its address."""
    build = visitor.post("/teach/playlists", title_en="Lesson").headers["Location"]
    for entry in entries:
        assert visitor.post(f"{build}/items", entry=entry.id).status_code == 303
    return str(build)


def seen_in(page: str, action: str) -> str:
    """The mark that the form of that action carries."""
    form = page.split(f'action="{action}"', 1)[1].split("</form>", 1)[0]
    found = re.search(r'name="seen" value="(\w+)"', form)
    assert found, action
    return found[1]


def only(site: Site, table: type[Any]) -> Any:
    with site.database.reading() as session:
        (row,) = session.scalars(select(table))
        session.expunge_all()
    return row


def test_a_stale_page_overwrites_no_colleague_and_both_values_are_shown(site: Site) -> None:
    visitor = site.visitor("instructor")
    build = make_lesson(visitor)
    fields = {"audience": "assigned", "title_en": "Lesson", "description": "Mine", "due_on": ""}
    seen = seen_in(visitor.get(build).text, build)
    visitor.post(build, **{**fields, "description": "A colleague's", "seen": seen})

    answer = visitor.post(build, **fields, seen=seen)

    assert answer.status_code == 409
    assert "A colleague&#39;s" in answer.text
    assert "<strong>Mine</strong>" in answer.text
    assert only(site, Playlist).description == "A colleague's"
    again = visitor.post(build, **fields, seen=seen_in(answer.text, build))
    assert again.status_code == 303, "said on purpose it is kept"
    assert only(site, Playlist).description == "Mine"


def test_what_others_do_elsewhere_in_the_playlist_makes_no_form_stale(site: Site) -> None:
    visitor = site.visitor("instructor")
    build = make_lesson(visitor, site.add_published())
    seen = seen_in(visitor.get(build).text, build)
    visitor.post(f"{build}/items", heading="A section of a colleague")

    assert visitor.post(build, title_en="Lesson 2", audience="assigned", seen=seen).status_code == 303


def test_a_stale_page_deletes_no_answers(site: Site) -> None:
    visitor = site.visitor("instructor")
    build = make_lesson(visitor, site.add_published())
    item_url = f"{build}/items/{only(site, PlaylistItem).id}"
    visitor.post(f"{item_url}/questions", **QUESTION)
    question_url = f"{item_url}/questions/{only(site, Question).id}"
    page, whole = visitor.get(item_url).text, visitor.get(build).text
    marks = {
        f"{question_url}/save": seen_in(page, f"{question_url}/save"),
        f"{question_url}/delete": seen_in(page, f"{question_url}/delete"),
        f"{item_url}/remove": seen_in(whole, f"{item_url}/remove"),
        f"{build}/delete": seen_in(whole, f"{build}/delete"),
    }
    visitor.post(f"{question_url}/save", **{**QUESTION, "text": "Which vessel?"}, seen=marks[f"{question_url}/save"])
    person = site.add_person("trainee")
    with site.database.writing() as session:
        question = session.scalars(select(Question)).one()
        answer_question(session, question, [question.choices[1]["id"]], by=person)

    for url, seen in marks.items():
        answer = visitor.post(url, **{**QUESTION, "right": "1"}, seen=seen)
        assert answer.status_code == 409, url

    assert only(site, Question).text == "Which vessel?"
    assert only(site, QuestionAnswer).tries == 1
    fresh = seen_in(visitor.get(item_url).text, f"{question_url}/delete")
    assert visitor.post(f"{question_url}/delete", seen=fresh).status_code == 303


def test_an_order_made_of_another_one_is_refused(site: Site) -> None:
    visitor, entry = site.visitor("instructor"), site.add_published()
    build = make_lesson(visitor, entry, entry, entry)
    with site.database.reading() as session:
        first, second, third = session.scalars(select(PlaylistItem.id).order_by(PlaylistItem.position))
    before = [first, second, third]
    assert visitor.post(f"{build}/order", item=[third, first, second], before=before).status_code == 204

    assert visitor.post(f"{build}/order", item=[second, first, third], before=before).status_code == 412

    with site.database.reading() as session:
        assert list(session.scalars(select(PlaylistItem.id).order_by(PlaylistItem.position))) == [third, first, second]


def test_a_clip_whose_recording_was_erased_keeps_its_place_and_says_so(site: Site) -> None:
    visitor, gone = site.visitor("instructor"), site.add_published(title={"zh": "机密", "en": "Secret"})
    build = make_lesson(visitor, gone, site.add_published())
    with site.database.reading() as session:
        first = session.scalars(select(PlaylistItem).order_by(PlaylistItem.position)).first()
        assert first is not None
    item_url = f"{build}/items/{first.id}"
    visitor.post(item_url, start="0:00", end="", note="The patient of bed 7", required="yes")
    visitor.post(f"{item_url}/questions", **{**QUESTION, "text": "What did the patient of bed 7 have?"})

    erase(workshop_of(site), gone.id)

    room, page = visitor.get("/teach").text, visitor.get(build).text
    assert "已不在资源库中的录像" in room
    assert f"{build}#item-{first.id}" in room
    assert "已从资源库中删除：不再计入" in page
    for text in (room, page, visitor.get(item_url).text):
        assert "Secret" not in text
        assert "bed 7" not in text


@contextmanager
def counted(site: Site) -> Iterator[list[str]]:
    """The statements that the database is asked."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    event.listen(site.database.engine, "before_cursor_execute", note)
    yield asked
    event.remove(site.database.engine, "before_cursor_execute", note)


def test_pages_of_instructors_ask_as_often_for_many_as_for_few(sqlite_site: Site) -> None:
    site, visitor = sqlite_site, sqlite_site.visitor("instructor")
    build = make_lesson(visitor, site.add_published())
    paths = ("/teach", build, f"{build}/results", f"{build}/results.csv")

    def add(number: int) -> None:
        for name in (f"a{number}", f"b{number}"):
            site.add_person("trainee", email=f"{name}@x.example")
        visitor.post("/teach/cohorts", name=f"Cohort {number}", people=f"a{number}@x.example")
        visitor.post(f"{build}/assign", names=f"Cohort {number}, b{number}@x.example")
        visitor.post(f"{build}/items", entry=site.add_published().id)

    def ask() -> dict[str, int]:
        found = {}
        for path in paths:
            visitor.get(path)
            with counted(site) as asked:
                assert visitor.get(path).status_code == 200
            found[path] = len([one for one in asked if not one.startswith(("PRAGMA", "BEGIN"))])
        return found

    add(0)
    few = ask()
    for number in range(1, 7):
        add(number)

    assert ask() == few
