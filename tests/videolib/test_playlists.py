"""Playlists in the rows: what they hold and in which order, who may see and build them, cohorts, copies."""

from __future__ import annotations

from datetime import date, timedelta
from secrets import token_hex
from typing import Any

import pytest
from sqlalchemy import select

from tests.libraries import add_entry, add_person, add_recording
from videolib.catalogue import cohorts, playlist_items, playlists, questions
from videolib.catalogue.access import can, get_playlist_for, visible_playlists, why_hidden
from videolib.catalogue.entries import Entry
from videolib.catalogue.packages import Package
from videolib.catalogue.people import User
from videolib.catalogue.playlist_items import Clip
from videolib.catalogue.playlists import Playlist
from videolib.catalogue.questions import Choice, QuestionValues
from videolib.catalogue.watch_time import add_plays
from videolib.db import Database, utc_now
from videolib.errors import Conflict, InvalidInput, NotFound

TITLE = {"zh": "下肢动脉入门", "en": "Leg arteries for beginners"}


def publish(database: Database, **changes: Any) -> Entry:
    """An entry of 4 s as its audience sees it."""
    recording = add_recording(database, state="ready", sha256=token_hex(32))
    entry = add_entry(database, recording)
    with database.writing() as session:
        row = session.get_one(Entry, entry.id)
        for name, value in {"status": "published", "package_id": recording.package_id, **changes}.items():
            setattr(row, name, value)
        assert session.get(Package, row.package_id)
        return row


def make_playlist(database: Database, by: User, entries: tuple[Entry, ...] = (), **changes: Any) -> str:
    """A playlist with a clip of each entry; gives its id."""
    with database.writing() as session:
        playlist = playlists.create_playlist(session, TITLE, by=by)
        for entry in entries:
            playlist_items.add_clip(session, playlist, session.get_one(Entry, entry.id), Clip())
        playlists.change_playlist(session, playlist, **changes)
        return playlist.id


def test_items_keep_their_order_through_every_way_of_moving(database: Database) -> None:
    instructor, entry = add_person(database, "instructor"), publish(database)
    playlist_id = make_playlist(database, instructor, (entry, entry))
    with database.writing() as session:
        playlist = playlists.get_playlist(session, playlist_id)
        first, second = playlist.items
        heading = playlist_items.add_section(session, playlist, "  Access ", place=0)
        assert [item.id for item in playlist.items] == [heading.id, first.id, second.id]
        assert heading.title == "Access"

        playlist_items.move_item(session, playlist, second, 0)
        playlist_items.move_item(session, playlist, heading, 99)
        order = [second.id, first.id, heading.id]

    with database.writing() as session:
        playlist = playlists.get_playlist(session, playlist_id)
        assert [item.id for item in playlist.items] == order
        playlist_items.reorder_items(session, playlist, order[::-1])
        playlist_items.remove_item(session, playlist, playlist.items[1])
        with pytest.raises(Conflict):
            playlist_items.reorder_items(session, playlist, order)

    with database.reading() as session:
        playlist = playlists.get_playlist(session, playlist_id)
        assert [item.id for item in playlist.items] == [heading.id, second.id]
        assert [item.position for item in playlist.items] == [0, 1]
        assert [item.id for item in playlist.clips] == [second.id]


@pytest.mark.parametrize(
    "clip", [Clip(5000), Clip(-1), Clip(2000, 1000), Clip(3900), Clip(0, 100), Clip(note="x" * 4001)]
)
def test_a_clip_lies_inside_its_recording(sqlite_database: Database, clip: Clip) -> None:
    instructor, entry = add_person(sqlite_database, "instructor"), publish(sqlite_database)
    playlist_id = make_playlist(sqlite_database, instructor)

    with pytest.raises(InvalidInput), sqlite_database.writing() as session:
        row = session.get_one(Entry, entry.id)
        playlist_items.add_clip(session, playlists.get_playlist(session, playlist_id), row, clip)


def test_a_clip_to_the_end_has_no_end_of_its_own(sqlite_database: Database) -> None:
    instructor, entry = add_person(sqlite_database, "instructor"), publish(sqlite_database)
    playlist_id = make_playlist(sqlite_database, instructor, (entry,))

    with sqlite_database.writing() as session:
        item = playlists.get_playlist(session, playlist_id).items[0]
        playlist_items.change_clip(session, item, Clip(1000, 4000, "看这里", is_required=False))
        assert (item.start_ms, item.end_ms, item.note, item.is_required) == (1000, None, "看这里", False)
        question = QuestionValues("single", "?", 1500, (Choice("a", is_right=True), Choice("b")))
        questions.add_question(session, item.id, question)
        with pytest.raises(InvalidInput):
            playlist_items.change_clip(session, item, Clip(2000))


def test_a_playlist_is_seen_by_whom_it_is_for_and_built_by_its_instructors(database: Database) -> None:
    roles = ("trainee", "instructor", "editor", "admin")
    people = {role: add_person(database, role) for role in roles}
    in_cohort, named = (add_person(database, "trainee", email=f"{name}@x.example") for name in ("c", "n"))
    co_editor = add_person(database, "instructor", email="co@x.example")
    owner = people["instructor"]
    playlist_id, open_id = make_playlist(database, owner), make_playlist(database, owner, audience="signed_in")
    with database.writing() as session:
        playlist = playlists.get_playlist(session, playlist_id)
        cohort = cohorts.add_cohort(session, "2026 春季班", by=owner)
        cohorts.add_members(session, cohort, ["C@x.example "], by=owner)
        playlists.assign(session, playlist, "2026 春季班", by=owner)
        playlists.assign(session, playlist, cohort.id, by=owner)
        playlists.assign(session, playlist, "n@x.example", by=owner)
        playlists.set_editors(session, playlist, ["co@x.example", owner.email], by=owner)
        assert len(playlist.assignments) == 2
        for wrong in ("nobody@x.example", "no such cohort"):
            with pytest.raises(InvalidInput):
                playlists.assign(session, playlist, wrong, by=owner)
        with pytest.raises(InvalidInput):
            playlists.set_editors(session, playlist, ["editor@hospital.example"], by=owner)

    with database.reading() as session:
        rows = {one.id: one for one in session.scalars(select(Playlist))}
        everybody = [*people.values(), in_cohort, named, co_editor]
        for person in (None, *(session.get_one(User, one.id) for one in everybody)):
            listed = set(session.scalars(select(Playlist.id).where(visible_playlists(person))))
            assert listed == {one.id for one in rows.values() if can(person, "see", one)}
            wanted = {open_id} if person else set()
            if person and person.id in {owner.id, co_editor.id, in_cohort.id, named.id}:
                wanted |= {playlist_id}
            assert listed == wanted
            may_build = {one.id for one in rows.values() if can(person, "build", one)}
            builds = {owner.id: {playlist_id, open_id}, co_editor.id: {playlist_id}}
            assert may_build == (builds.get(person.id, set()) if person else set())
        assert not can(owner, "publish", rows[playlist_id])
        with pytest.raises(NotFound):
            get_playlist_for(session, playlist_id, by=people["admin"])


def test_an_instructor_who_is_one_no_more_builds_nothing(database: Database) -> None:
    owner = add_person(database, "instructor")
    playlist_id = make_playlist(database, owner)

    with database.writing() as session:
        session.get_one(User, owner.id).roles = []

    with database.reading() as session:
        person = session.get_one(User, owner.id)
        assert not can(person, "build", playlists.get_playlist(session, playlist_id))
        with pytest.raises(NotFound):
            get_playlist_for(session, playlist_id, by=person)


def test_why_a_clip_is_hidden_agrees_with_the_one_question(database: Database) -> None:
    trainee, gone = add_person(database, "trainee"), add_person(database, "trainee", email="gone@x.example")
    day = timedelta(days=1)
    entries = {
        None: publish(database),
        "gone": publish(database, status="withdrawn"),
        "audience": publish(database, audience="people"),
        "early": publish(database, visible_from=utc_now() + day),
        "late": publish(database, visible_until=utc_now() - day),
    }
    with database.writing() as session:
        session.get_one(User, gone.id).active = False

    with database.reading() as session:
        person, disabled = session.get_one(User, trainee.id), session.get_one(User, gone.id)
        for reason, entry in entries.items():
            row = session.get_one(Entry, entry.id)
            assert why_hidden(person, row) == reason
            assert (why_hidden(person, row) is None) == can(person, "play", row)
            assert why_hidden(disabled, row) == ("gone" if reason == "gone" else "disabled")
        assert why_hidden(person, None) == "gone"


def test_a_copy_has_the_same_clips_and_questions_and_belongs_to_who_copied(database: Database) -> None:
    owner, other = add_person(database, "instructor"), add_person(database, "instructor", email="b@x.example")
    playlist_id = make_playlist(database, owner, (publish(database),), due_on=date(2027, 1, 31))
    with database.writing() as session:
        playlist = playlists.get_playlist(session, playlist_id)
        playlist_items.add_section(session, playlist, "Part 2")
        values = QuestionValues("order", "Order?", 500, (Choice("one"), Choice("two")))
        questions.add_question(session, playlist.items[0].id, values)
        playlists.assign(session, playlist, owner.email, by=owner)

        copied = playlist_items.copy_playlist(session, playlist, {"en": "Mine"}, by=other)

        assert (copied.owner_id, copied.due_on, copied.assignments) == (other.id, None, [])
        assert [item.kind for item in copied.items] == ["clip", "section"]
        assert {item.id for item in copied.items}.isdisjoint({item.id for item in playlist.items})
        ((twin,),) = questions.list_questions(session, [item.id for item in copied.items]).values()
        assert (twin.text, [choice["text"] for choice in twin.choices]) == ("Order?", ["one", "two"])


def test_a_copy_leaves_out_what_one_may_not_see(database: Database) -> None:
    owner, other = add_person(database, "instructor"), add_person(database, "instructor", email="b@x.example")
    closed, open_ = publish(database, audience="people"), publish(database)
    playlist_id = make_playlist(database, owner, (closed, open_))
    with database.writing() as session:
        playlist = playlists.get_playlist(session, playlist_id)

        copied = playlist_items.copy_playlist(session, playlist, {"en": "Mine"}, by=other)

        assert [(item.position, item.entry_id) for item in copied.items] == [(0, open_.id)]


def test_what_is_taken_from_the_library_keeps_its_place_and_is_told(database: Database) -> None:
    owner, entry, kept = add_person(database, "instructor"), publish(database), publish(database)
    playlist_id = make_playlist(database, owner, (entry, kept))
    with database.writing() as session:
        session.delete(session.get_one(Entry, entry.id))

    with database.writing() as session:
        session.get_one(Entry, kept.id).status = "withdrawn"
        items = playlists.get_playlist(session, playlist_id).items
        assert [item.entry_id for item in items] == [None, kept.id]
        told = playlist_items.list_withdrawn(session, [playlist_id])
        assert [item.id for item in told[playlist_id]] == [item.id for item in items]


def test_a_write_on_an_old_revision_is_stale(database: Database) -> None:
    owner = add_person(database, "instructor")
    playlist_id = make_playlist(database, owner)
    with database.writing() as session:
        playlist = playlists.get_playlist(session, playlist_id)
        playlists.count_write(session, playlist, revision=1)
        assert playlist.revision == 2

    with pytest.raises(Conflict) as refused, database.writing() as session:
        playlists.count_write(session, playlists.get_playlist(session, playlist_id), revision=1)
    assert refused.value.code == "stale"


def test_a_playlist_goes_with_everything_of_it(database: Database) -> None:
    owner = add_person(database, "instructor")
    playlist_id = make_playlist(database, owner, (publish(database),))
    with database.writing() as session:
        playlist = playlists.get_playlist(session, playlist_id)
        values = QuestionValues("single", "Which?", 500, (Choice("one", is_right=True), Choice("two")))
        question = questions.add_question(session, playlist.items[0].id, values)
        questions.answer_question(session, question, [question.choices[0]["id"]], by=owner)
        playlists.assign(session, playlist, owner.email, by=owner)

    with database.writing() as session:
        playlists.delete_playlist(session, playlists.get_playlist(session, playlist_id), by=owner)

    with database.reading() as session:
        for table in (playlists.PlaylistItem, playlists.PlaylistAssignment, questions.Question):
            assert session.scalars(select(table)).all() == []
        assert session.scalars(select(questions.QuestionAnswer)).all() == []


def test_cohorts_have_names_of_their_own_and_known_people(database: Database) -> None:
    instructor, trainee = add_person(database, "instructor"), add_person(database, "trainee")
    with database.writing() as session:
        cohort = cohorts.add_cohort(session, "Fellows", by=instructor)
        for name, error in (("", InvalidInput), ("x" * 121, InvalidInput), (" Fellows ", Conflict)):
            with pytest.raises(error):
                cohorts.add_cohort(session, name, by=instructor)
        with pytest.raises(InvalidInput):
            cohorts.add_members(session, cohort, ["who@x.example"], by=instructor)
        assert [one.id for one in cohorts.add_members(session, cohort, [trainee.email] * 2, by=None)] == [trainee.id]
        assert cohorts.add_members(session, cohort, [trainee.email], by=None) == []
        assert [(one.name, count) for one, count in cohorts.list_cohorts(session)] == [("Fellows", 1)]
        cohorts.rename_cohort(session, cohort, "研究员", by=instructor)
        cohorts.remove_member(session, cohort, trainee, by=instructor)
        assert cohorts.cohort_ids_of(session, trainee) == frozenset()
        cohorts.delete_cohort(session, cohort, by=instructor)
        with pytest.raises(NotFound):
            cohorts.get_cohort(session, cohort.id)


def test_seconds_are_counted_as_often_as_they_were_played() -> None:
    once = add_plays([], [(0, 10_400), (10_400, 20_000)])
    again = add_plays(once, [(5_000, 8_000), (6_000, 7_000), (40_000, 40_100)])

    assert once == [(0, 20, 1)]
    assert again == [(0, 5, 1), (5, 6, 2), (6, 7, 3), (7, 8, 2), (8, 20, 1)]
    assert sum((end - start) * times for start, end, times in again) == 24
