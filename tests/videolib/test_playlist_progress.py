"""How far somebody is in a playlist, and what its instructors learn from all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.libraries import add_person
from tests.videolib.test_playlists import make_playlist, publish
from videolib.catalogue import cohorts, playlist_items, playlists, publishing, questions
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.playlist_items import Clip
from videolib.catalogue.playlist_lists import list_assigned, list_built, list_built_for, list_open, list_playlists
from videolib.catalogue.playlist_progress import Progress, assigned_people, find_progress, hidden_from
from videolib.catalogue.playlist_results import make_curve, make_results, most_missed
from videolib.catalogue.questions import Choice, QuestionValues
from videolib.catalogue.watch_records import Viewing, WatchRecord
from videolib.catalogue.watched_since import Seen
from videolib.db import Database, utc_now

WHICH = QuestionValues("single", "Which vessel?", 1500, (Choice("SFA", is_right=True), Choice("DFA")))


def watch(database: Database, entry: Entry, person: User, *spans: tuple[int, int]) -> None:
    """What was credited to somebody, in milliseconds of 4 s."""
    with database.writing() as session:
        session.merge(
            WatchRecord(
                user_id=person.id,
                entry_id=entry.id,
                spans=[list(span) for span in spans],
                plays=[],
                watched_ms=sum(end - start for start, end in spans),
                place_ms=0,
                duration_ms=4000,
            )
        )


def progress(database: Database, playlist_id: str, person: User) -> Progress:
    with database.reading() as session:
        return find_progress(session, playlists.get_playlist(session, playlist_id), session.get_one(User, person.id))


@pytest.mark.parametrize(
    ("spans", "share", "is_done", "resume_ms"),
    [
        ([], 0.0, False, 1000),
        ([(0, 1000), (3000, 4000)], 0.0, False, 1000),
        ([(1500, 2500)], 0.5, False, 1000),
        ([(0, 1900)], 0.45, False, 1900),
        ([(1000, 1500), (1700, 2800)], 0.8, False, 1000),
        ([(900, 3000)], 1.0, True, 1000),
        ([(1050, 2960)], 0.955, True, 1000),
    ],
)
def test_a_clip_is_done_by_what_was_seen_of_it_alone(
    sqlite_database: Database, spans: list[tuple[int, int]], share: float, is_done: bool, resume_ms: int
) -> None:
    database, entry = sqlite_database, publish(sqlite_database)
    instructor = add_person(database, "instructor")
    playlist_id = make_playlist(database, instructor, (entry,))
    with database.writing() as session:
        item = playlists.get_playlist(session, playlist_id).items[0]
        playlist_items.change_clip(session, item, Clip(1000, 3000))
    watch(database, entry, instructor, *spans)

    (clip,) = progress(database, playlist_id, instructor).clips

    assert clip.share == pytest.approx(share)
    assert (clip.is_done, clip.resume_ms) == (is_done, resume_ms)


def test_required_clips_decide_and_what_is_hidden_or_withdrawn_counts_for_nobody(database: Database) -> None:
    person = add_person(database, "trainee")
    instructor = add_person(database, "instructor")
    seen, optional, hidden, gone = (publish(database) for _ in range(4))
    playlist_id = make_playlist(database, instructor, (seen, optional, hidden, gone))
    with database.writing() as session:
        session.get_one(Entry, hidden.id).audience = "people"
        session.get_one(Entry, gone.id).status = "withdrawn"
        item = playlists.get_playlist(session, playlist_id).items[1]
        playlist_items.change_clip(session, item, Clip(is_required=False))

    before = progress(database, playlist_id, person)
    watch(database, seen, person, (0, 4000))
    after = progress(database, playlist_id, person)

    assert (len(before.clips), before.hidden, len(before.counted), before.is_done) == (2, 1, 1, False)
    assert (after.is_done, after.share, after.watched_ms) == (True, 1.0, 4000)
    with database.reading() as session:
        rows = hidden_from(playlists.get_playlist(session, playlist_id), [session.get_one(User, person.id)])
    assert [{reason: len(users) for reason, users in one.items()} for one in rows.values()] == [
        {},
        {},
        {"audience": 1},
        {},
    ]


def test_an_empty_playlist_is_never_done(sqlite_database: Database) -> None:
    instructor = add_person(sqlite_database, "instructor")

    found = progress(sqlite_database, make_playlist(sqlite_database, instructor), instructor)

    assert (found.is_done, found.share, found.clips) == (False, 0.0, ())


def test_what_must_be_answered_keeps_a_clip_open(database: Database) -> None:
    person, entry = add_person(database, "instructor"), publish(database)
    playlist_id = make_playlist(database, person, (entry,))
    watch(database, entry, person, (0, 4000))
    with database.writing() as session:
        item = playlists.get_playlist(session, playlist_id).items[0]
        must = questions.add_question(session, item.id, WHICH)
        questions.add_question(session, item.id, QuestionValues("order", "?", 2000, WHICH.choices, must_answer=False))

    assert not progress(database, playlist_id, person).is_done
    with database.writing() as session:
        row = session.merge(must)
        questions.answer_question(session, row, [row.choices[1]["id"]], by=person)
    found = progress(database, playlist_id, person)
    assert found.is_done
    assert [len(clip.questions) for clip in found.clips] == [2]


def test_everybody_who_is_assigned_is_in_the_results_once(database: Database) -> None:
    owner, entry = add_person(database, "instructor"), publish(database)
    people = [add_person(database, "trainee", email=f"{name}@x.example") for name in "abc"]
    playlist_id = make_playlist(database, owner, (entry,))
    with database.writing() as session:
        playlist = playlists.get_playlist(session, playlist_id)
        cohort = cohorts.add_cohort(session, "Fellows", by=owner)
        cohorts.add_members(session, cohort, ["a@x.example", "b@x.example"], by=owner)
        for name in ("Fellows", "b@x.example", "c@x.example"):
            playlists.assign(session, playlist, name, by=owner)
        question = questions.add_question(session, playlist.items[0].id, WHICH)
        right, wrong = (choice["id"] for choice in question.choices)
        for person, given in zip(people, (wrong, wrong, right), strict=True):
            questions.answer_question(session, question, [given], by=person)
    watch(database, entry, people[0], (0, 4000))
    watch(database, entry, people[1], (0, 1000))

    with database.reading() as session:
        playlist = playlists.get_playlist(session, playlist_id)
        listed = assigned_people(session, [playlist])[playlist_id]
        results = make_results(session, playlist, listed)
        ours = [
            [one.id for one in found] for found in (list_assigned(session, to=people[0]), list_built(session, by=owner))
        ]
        assert ours == [[playlist_id]] * 2
        assert [one.id for one in list_built_for(session, cohort.id, by=owner)] == [playlist_id]
        assert list_built(session, by=people[0]) == list_open(session, by=people[0]) == []
        assert list_playlists(session, by=None) == ([], None)

    assert [person.email for person in results.people] == ["a@x.example", "b@x.example", "c@x.example"]
    assert [results.progress[person.id].is_done for person in people] == [True, False, False]
    (missed,) = most_missed(results)
    assert (missed.answered, missed.right, missed.wrong) == (3, 1, (("DFA", 2),))
    (curve,) = results.curves
    assert curve.people == (2, 1, 1, 1)
    assert curve.plays == curve.people


def test_a_curve_counts_each_play_of_each_person(sqlite_database: Database) -> None:
    owner, entry = add_person(sqlite_database, "instructor"), publish(sqlite_database)
    playlist_id = make_playlist(sqlite_database, owner, (entry,))
    records = [
        Seen(((0, 4000),), ((0, 1, 1), (1, 2, 5), (2, 4, 1)), 4000),
        Seen(((1000, 2000), (3400, 4000)), ((1, 2, 1), (3, 4, 1)), 4000),
    ]

    with sqlite_database.reading() as session:
        curve = make_curve(playlists.get_playlist(session, playlist_id).items[0], records)

    assert curve.people == (1, 2, 1, 2)
    assert curve.plays == (1, 6, 1, 2)
    assert (curve.start_s, curve.end_s) == (0.0, 4.0)


def watch_earlier(database: Database, entry: Entry, person: User, *viewings: tuple[float, tuple[int, int]]) -> None:
    """Viewings so many hours ago, and the record that they add up to."""
    watch(database, entry, person, *(span for _hours, span in viewings))
    with database.writing() as session:
        ago = [utc_now() - timedelta(hours=hours) for hours, _span in viewings]
        session.execute(update(WatchRecord).where(WatchRecord.user_id == person.id).values(first_at=min(ago)))
        for at, (_hours, span) in zip(ago, viewings, strict=True):
            session.add(
                Viewing(user_id=person.id, entry_id=entry.id, began_at=at, seen_at=at, spans=[list(span)], lasted_ms=1)
            )


def test_what_was_watched_before_the_assignment_is_nobody_elses_business(database: Database) -> None:
    owner, entry = add_person(database, "instructor"), publish(database)
    person, member, free = (add_person(database, "trainee", email=f"{name}@x.example") for name in "abc")
    playlist_id, shared_id = (make_playlist(database, owner, (entry,)) for _ in range(2))
    for one in (person, member, free):
        watch_earlier(database, entry, one, (48, (0, 3000)), (2, (2000, 4000)))
    with database.writing() as session:
        playlist, shared = (playlists.get_playlist(session, one) for one in (playlist_id, shared_id))
        playlists.assign(session, playlist, person.email, by=owner).assigned_at = utc_now() - timedelta(hours=24)
        cohort = cohorts.add_cohort(session, "Fellows", by=owner)
        cohorts.add_members(session, cohort, [member.email], by=owner)
        playlists.assign(session, shared, "Fellows", by=owner).assigned_at = utc_now() - timedelta(hours=99)

    seen = {one.id: progress(database, playlist_id, one).clips[0].share for one in (person, member, free)}

    assert seen == {person.id: 0.5, member.id: 1.0, free.id: 1.0}, "to whom it is not assigned sees their own"
    assert progress(database, shared_id, member).clips[0].share == 0, "they joined the cohort after all of it"
    with database.reading() as session:
        results = make_results(
            session, playlists.get_playlist(session, playlist_id), [session.get_one(User, person.id)]
        )
    (curve,) = results.curves
    assert (curve.people, curve.plays) == ((0, 0, 1, 1), (0, 0, 1, 1))
    assert results.progress[person.id].watched_ms == 2000


def test_a_clip_ends_with_its_recording_and_one_that_is_cut_off_counts_for_nobody(database: Database) -> None:
    owner, person = add_person(database, "instructor"), add_person(database, "trainee")
    entry = publish(database)
    playlist_id = make_playlist(database, owner, (entry, entry, entry))
    with database.writing() as session:
        playlist = playlists.get_playlist(session, playlist_id)
        for item, clip in zip(playlist.items, (Clip(500, 3500), Clip(2500, 3500), Clip()), strict=True):
            playlist_items.change_clip(session, item, clip)
        for at_ms in (1500, 3000):
            questions.add_question(session, playlist.items[0].id, replace(WHICH, at_ms=at_ms))
        package = playlist.items[0].entry.package if playlist.items[0].entry else None
        assert package is not None
        package.duration_s = 2.0  # made anew, and shorter
    watch(database, entry, person, (0, 2000))

    found = progress(database, playlist_id, person)

    assert [(clip.start_ms, clip.end_ms, clip.share) for clip in found.clips] == [(500, 2000, 1.0), (0, 2000, 1.0)]
    assert [len(clip.open_questions) for clip in found.clips] == [1, 0], "nobody is asked behind the end"
    assert found.hidden == 0


def test_what_is_asked_no_more_is_not_among_the_most_missed(database: Database) -> None:
    owner, entry, other = add_person(database, "instructor"), publish(database), publish(database)
    person = add_person(database, "trainee")
    playlist_id = make_playlist(database, owner, (entry, other))
    with database.writing() as session:
        playlist = playlists.get_playlist(session, playlist_id)
        playlists.assign(session, playlist, person.email, by=owner)
        for item in playlist.items:
            question = questions.add_question(session, item.id, WHICH)
            questions.answer_question(session, question, [question.choices[1]["id"]], by=person)
        publishing.withdraw_entry(session, session.get_one(Entry, entry.id), "A name is seen.", by=None)

    with database.reading() as session:
        playlist = playlists.get_playlist(session, playlist_id)
        missed = most_missed(make_results(session, playlist, [session.get_one(User, person.id)]))

    assert [one.item.entry_id for one in missed] == [other.id]
