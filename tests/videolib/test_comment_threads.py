"""Comments as threads: an answer opens one again, and only who can open the desk is asked to look."""

from __future__ import annotations

import pytest

from tests.libraries import add_entry, add_person
from videolib.catalogue.comment_threads import ask_to_look, list_asked, list_threads, reply
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.reviews import add_comment, resolve_comment
from videolib.db import Database
from videolib.errors import InvalidInput, NotFound


def test_an_answer_stands_in_its_thread_and_opens_it_again(database: Database) -> None:
    entry, person = add_entry(database), add_person(database)
    with database.writing() as session:
        row, by = session.get_one(Entry, entry.id), session.get_one(User, person.id)
        first = add_comment(session, row, "Which vessel?", at_s=2.5, by=by)
        add_comment(session, row, "Nice.", at_s=1, by=by)
        answer = reply(session, row, first.id, "The hypogastric.", by=by)
        resolve_comment(session, row, first.id, by=by)
        reply(session, row, answer.id, "Its anterior division.", by=by)

    with database.reading() as session:
        other, thread = list_threads(session, entry.id)
        assert (other.comment.text, other.replies) == ("Nice.", ())
        assert [one.text for one in thread.replies] == ["The hypogastric.", "Its anterior division."]
        assert {one.at_s for one in thread.replies} == {2.5}
        assert thread.comment.resolved_at is None


def test_a_comment_of_another_entry_is_not_answered(database: Database) -> None:
    entry, other, person = add_entry(database), add_entry(database), add_person(database)
    with database.writing() as session:
        by = session.get_one(User, person.id)
        comment = add_comment(session, session.get_one(Entry, entry.id), "x", by=by)
        for comment_id in (comment.id, 0, 2**40):
            with pytest.raises(NotFound):
                reply(session, session.get_one(Entry, other.id), comment_id, "y", by=by)


def test_who_is_asked_finds_it_until_it_is_dealt_with(database: Database) -> None:
    entry, person = add_entry(database), add_person(database)
    colleague = add_person(database, email="colleague@hospital.example")
    trainee = add_person(database, "trainee", email="trainee@hospital.example")
    with database.writing() as session:
        row, by = session.get_one(Entry, entry.id), session.get_one(User, person.id)
        comment = add_comment(session, row, "Look.", at_s=1, by=by)
        with pytest.raises(InvalidInput, match="editor"):
            ask_to_look(session, comment, trainee.id, by=by)
        ask_to_look(session, comment, colleague.id, by=by)
        asked = session.get_one(User, colleague.id)
        assert list_asked(session, by=asked) == [comment]
        assert list_asked(session, by=by) == []

        resolve_comment(session, row, comment.id, by=asked)

        assert list_asked(session, by=asked) == []
