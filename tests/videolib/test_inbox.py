"""The inbox: every cause has its message, whoever dies in between; what leaves with its cause; who sees what of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from config.settings import SettingsError, load_settings
from ingest.posting import send_letters, write_messages
from ingest.workshop import Workshop
from tests.libraries import add_entry, add_person, add_recording
from tests.mail_server import MailServer, mail_server
from tests.videolib.test_playlists import make_playlist, publish
from tests.videolib.test_web_pages import counted
from tests.visitors import Site, make_site
from videolib.catalogue import cohorts, inbox, inbox_mail, masters, playlists, publishing, reviews
from videolib.catalogue.cases import Case
from videolib.catalogue.consents import CaseConsent, add_consent
from videolib.catalogue.entries import Entry
from videolib.catalogue.groups import add_group
from videolib.catalogue.inbox import Message
from videolib.catalogue.people import Grant, User
from videolib.catalogue.recordings import Recording, move
from videolib.db import Database, utc_now
from videolib.doctor import examine
from videolib.storage import open_store


def workshop_of(database: Database, **changes: Any) -> Workshop:
    settings = load_settings().model_copy(update=changes)
    return Workshop(settings, database, open_store(settings.store_url), open_store(settings.originals_url))


def refresh(database: Database) -> bool:
    """What a worker does every few seconds."""
    return write_messages(workshop_of(database))


def kinds_of(database: Database, person: User) -> list[str]:
    with database.reading() as session:
        mine = select(Message.kind).where(Message.user_id == person.id).order_by(Message.kind)
        return list(session.scalars(mine))


def assign(database: Database, playlist_id: str, name: str, by: User) -> None:
    with database.writing() as session:
        playlists.assign(session, playlists.get_playlist(session, playlist_id), name, by=by)


def today_and(days: int) -> Any:
    return utc_now().date() + timedelta(days=days)


def test_what_is_assigned_comes_once_and_leaves_with_its_cause(database: Database) -> None:
    instructor, trainee = add_person(database, "instructor"), add_person(database, "trainee")
    playlist_id = make_playlist(database, instructor, (publish(database),), due_on=today_and(2))
    with database.writing() as session:
        cohort = cohorts.add_cohort(session, "Fellows", by=instructor)
        cohorts.add_members(session, cohort, [trainee.email], by=instructor)
    assign(database, playlist_id, "Fellows", instructor)
    assign(database, playlist_id, trainee.email, instructor)  # by both ways: told once

    assert refresh(database)
    assert kinds_of(database, trainee) == ["assigned", "due"]
    assert kinds_of(database, instructor) == []
    assert not refresh(database)

    with database.writing() as session:
        playlists.change_playlist(session, playlists.get_playlist(session, playlist_id), due_on=today_and(30))
    refresh(database)
    assert kinds_of(database, trainee) == ["assigned"]
    with database.writing() as session:
        playlists.delete_playlist(session, playlists.get_playlist(session, playlist_id), by=instructor)
    refresh(database)
    assert kinds_of(database, trainee) == []


def test_two_workers_write_each_message_once(database: Database) -> None:
    instructor, trainee = add_person(database, "instructor"), add_person(database, "trainee")
    assign(database, make_playlist(database, instructor), trainee.email, instructor)
    with database.reading() as session:
        news = inbox.find_news(session, utc_now())

    for _worker in range(2):  # both had looked before either wrote
        with database.writing() as session:
            inbox.take_in(session, news)

    assert kinds_of(database, trainee) == ["assigned"]


def test_what_is_asked_for_anew_is_unread_again(database: Database) -> None:
    maker, reviewer = add_person(database), add_person(database, "instructor")
    entry = add_entry(database)
    for _round in range(2):
        with database.writing() as session:
            row = session.get_one(Entry, entry.id)
            row.created_by_id = maker.id
            row.reviewer_id = reviewer.id
            publishing.move_entry(session, row, "submit", by=None)
        refresh(database)
        assert kinds_of(database, reviewer) == ["review"]
        assert kinds_of(database, maker) == []

        with database.writing() as session:
            row = session.get_one(Entry, entry.id)
            review = reviews.score(session, row, {}, "Which vessel?", digest="x", by=reviewer)
            reviews.decide(session, row, review, "request_changes", threshold=11, by=reviewer)
        refresh(database)
        assert kinds_of(database, reviewer) == []
        assert kinds_of(database, maker) == ["changes"]
        with database.writing() as session:
            (message,) = session.scalars(select(Message))
            assert message.read_at is None
            inbox.mark(session, message.id, is_read=True, by=maker)


def test_failures_are_told_to_who_uploaded_until_it_is_tried_again(database: Database) -> None:
    editor, other = add_person(database), add_person(database, email="other@hospital.example")
    recording = add_recording(database, state="failed", by=editor)
    refresh(database)
    assert kinds_of(database, editor) == ["failed"]
    assert kinds_of(database, other) == []

    with database.writing() as session:
        move(session, session.get_one(Recording, recording.id), "enqueue")
    refresh(database)

    assert kinds_of(database, editor) == []


def test_an_original_that_goes_soon_is_told_to_its_uploader_and_the_reviewers_of_its_hospital(
    database: Database,
) -> None:
    editor, reviewer = add_person(database), add_person(database, email="reviewer@hospital.example")
    recording = add_recording(database, state="ready", by=editor)
    with database.writing() as session:
        add_group(session, "hospital.first", "hospital", {"en": "First hospital"}, by=None)
        session.get_one(Recording, recording.id).hospital_id = "hospital.first"
        session.add(Grant(user_id=reviewer.id, hospital_id="hospital.first", name="reviewer"))
    refresh(database)
    assert kinds_of(database, editor) == []

    with database.writing() as session:
        masters.warn_of_expiry(session, session.get_one(Recording, recording.id))
    refresh(database)
    assert kinds_of(database, editor) == kinds_of(database, reviewer) == ["expiring"]

    with database.writing() as session:
        masters.expire_master(session, session.get_one(Recording, recording.id))
    refresh(database)
    assert kinds_of(database, editor) == kinds_of(database, reviewer) == []


def test_withdrawn_clips_are_told_to_who_builds_the_playlist(database: Database) -> None:
    instructor, partner = add_person(database, "instructor"), add_person(database, "instructor", email="two@h.example")
    entry = publish(database)
    playlist_id = make_playlist(database, instructor, (entry,))
    with database.writing() as session:
        playlist = playlists.get_playlist(session, playlist_id)
        playlists.set_editors(session, playlist, [partner.email], by=instructor)
    refresh(database)
    assert kinds_of(database, instructor) == []

    with database.writing() as session:
        publishing.withdraw_entry(session, session.get_one(Entry, entry.id), "A name.", by=None)
    refresh(database)

    assert kinds_of(database, instructor) == kinds_of(database, partner) == ["withdrawn"]


def test_consents_are_warned_of_30_days_ahead_unless_a_longer_one_is_there(database: Database) -> None:
    officer = add_person(database, "trainee")
    with database.writing() as session:
        add_group(session, "hospital.first", "hospital", {"en": "First"}, by=None)
        session.add(Grant(user_id=officer.id, hospital_id="hospital.first", name="privacy_officer"))
        session.add(Case(id="c", hospital_id="hospital.first", number_sealed="x", number_index="x"))
    consent_of(database, 31)
    refresh(database)
    assert kinds_of(database, officer) == []

    soon = consent_of(database, 30)
    refresh(database)
    assert kinds_of(database, officer) == []  # the first lasts longer
    with database.writing() as session:
        session.execute(update(CaseConsent).where(CaseConsent.id != soon).values(withdrawn_at=utc_now()))
    refresh(database)

    assert kinds_of(database, officer) == ["consent"]


def consent_of(database: Database, days: int) -> str:
    with database.writing() as session:
        given = {"scope": "programme", "obtained_on": "2024-01-31", "expires_on": today_and(days).isoformat()}
        return add_consent(session, session.get_one(Case, "c"), given, by=None).id


def test_the_bell_counts_and_the_page_says_where_to_go(site: Site) -> None:
    instructor, trainee = site.add_person("instructor"), site.add_person("trainee")
    playlist_id = make_playlist(site.database, instructor, (publish(site.database),), due_on=today_and(-1))
    assign(site.database, playlist_id, trainee.email, instructor)
    refresh(site.database)
    visitor = site.visitor("trainee")

    first = visitor.get("/", headers={"Accept-Language": "en"}).text
    page = visitor.get("/inbox", headers={"Accept-Language": "en"}).text

    assert "2 unread messages" in first
    assert page.count("Leg arteries for beginners") == 4  # once each, and in the names of the buttons
    assert f'href="/playlists/{playlist_id}"' in page
    assert "Was due on" in page
    ids = [int(part.split('"')[0]) for part in page.split('data-message="')[1:]]
    assert visitor.post(f"/inbox/{ids[0]}/read", next="/inbox?unread=1").headers["Location"] == "/inbox?unread=1"
    assert visitor.get("/inbox?unread=1").text.count("data-message") == 1
    assert visitor.post(f"/inbox/{ids[0]}/unread").status_code == 303
    assert visitor.get("/inbox?unread=1").text.count("data-message") == 2
    assert visitor.post("/inbox/read", until=str(ids[1])).status_code == 303  # what came later stays unread
    assert visitor.get("/inbox?unread=1").text.count("data-message") == 1
    assert visitor.post("/inbox/read", until=str(ids[0])).status_code == 303
    assert "unread message" not in visitor.get("/", headers={"Accept-Language": "en"}).text
    # somebody else's are not there
    assert site.visitor("instructor").post(f"/inbox/{ids[0]}/read").status_code == 404
    assert "data-message" not in site.visitor("instructor").get("/inbox").text


def test_pages_ask_as_many_questions_for_a_thousand_messages_as_for_one(site: Site) -> None:
    instructor, trainee = site.add_person("instructor"), site.add_person("trainee")
    visitor, counts = site.visitor("trainee"), []
    for number in (1, 1000):
        playlist_id = make_playlist(site.database, instructor, (publish(site.database),))
        with site.database.writing() as session:
            session.add_all(
                Message(user_id=trainee.id, kind="assigned", key=f"{number}:{one}", thing_id=playlist_id)
                for one in range(number)
            )
        for path in ("/browse", "/inbox"):
            with counted(site.database) as sent:
                assert visitor.get(path).status_code == 200
            counts.append(len(sent))

    assert counts[:2] == counts[2:]
    page = visitor.get("/inbox", headers={"Accept-Language": "en"}).text
    assert "99+" in page
    assert page.count("data-message=") == inbox.ON_A_PAGE
    following = page.split('rel="next" href="')[1].split('"')[0]
    assert visitor.get(following).text.count("data-message=") == inbox.ON_A_PAGE


def test_what_one_may_not_see_any_more_has_no_title_and_no_file_is_named(sqlite_site: Site) -> None:
    site = sqlite_site
    instructor, editor = site.add_person("instructor"), site.add_person("editor")
    entry = add_entry(site.database, title={"zh": "秘密的标题", "en": "A secret title"})
    add_recording(site.database, state="failed", by=editor)
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        row.reviewer_id = instructor.id
        publishing.move_entry(session, row, "submit", by=None)
    refresh(site.database)
    reviewer = site.visitor("instructor")
    assert "秘密的标题" in reviewer.get("/inbox", headers={"Accept-Language": "zh"}).text

    with site.database.writing() as session:
        session.get_one(Entry, entry.id).reviewer_id = None  # and no worker has looked since
    page = reviewer.get("/inbox", headers={"Accept-Language": "zh"}).text

    assert "data-message" in page
    assert "秘密的标题" not in page
    assert entry.id not in page
    assert "张三" not in site.visitor("editor").get("/inbox").text


@contextmanager
def posting(database: Database) -> Iterator[tuple[MailServer, Workshop, User]]:
    """A library that sends mail, and somebody with two messages that are to be told now."""
    instructor, trainee = add_person(database, "instructor"), add_person(database, "trainee")
    with mail_server() as server:
        workshop = workshop_of(
            database,
            smtp_url=f"smtp://127.0.0.1:{server.port}",
            mail_from="library@hospital.example",
            public_url="https://video.hospital.example",
        )
        for _number in range(2):
            assign(database, make_playlist(database, instructor), trainee.email, instructor)
        write_messages(workshop)
        with database.writing() as session:
            session.execute(update(Message).values(mail_after=utc_now()))
        yield server, workshop, trainee


def send(workshop: Workshop) -> None:
    send_letters(workshop, threading.Event())


def test_one_letter_tells_everything_new_and_no_title(database: Database) -> None:
    with posting(database) as (server, workshop, trainee):
        for _round in range(2):
            send(workshop)

        (letter,) = server.letters
        assert letter["To"] == trainee.email
        text = letter.get_content()
        assert "https://video.hospital.example/inbox" in text
        assert "分配给您: 2" in text
        assert "Assigned to you: 2" in text
        assert "Leg arteries" not in f"{text}{letter['Subject']}"
        assert "下肢" not in text


def test_a_letter_waits_for_a_mail_server_that_does_not_take_it(database: Database) -> None:
    with posting(database) as (server, workshop, _trainee):
        server.answer = "451 later"
        send(workshop)
        send(workshop)
        assert (server.asked, server.letters) == (1, [])  # it is not asked again at once

        server.answer = "250 ok"
        with database.writing() as session:
            waits = select(Message.id).where(Message.mail_after > utc_now() + timedelta(seconds=60))
            assert len(session.scalars(waits).all()) == 2
            session.execute(update(Message).values(mail_after=utc_now()))
        send(workshop)

        assert len(server.letters) == 1


def test_a_worker_that_dies_with_a_letter_in_hand_loses_none(database: Database) -> None:
    with posting(database) as (server, workshop, _trainee):
        with database.writing() as session:
            assert inbox_mail.take_letter(session, utc_now()) is not None  # and it dies here
        send(workshop)
        assert server.letters == []

        with database.writing() as session:
            later = utc_now() + timedelta(minutes=3)
            letter = inbox_mail.take_letter(session, later)
            assert letter is not None
            assert letter.tries == 2


def test_letters_that_nobody_wants_or_takes_are_not_sent_again(database: Database) -> None:
    with posting(database) as (server, workshop, _trainee):
        server.answer = "550 nobody of this name"
        send(workshop)
        with database.reading() as session:
            assert session.scalars(select(Message.id).where(Message.mail_after.is_not(None))).first() is None
    for change in ({"inbox_by_mail": False}, {"active": False}):
        with database.writing() as session:
            session.execute(update(User).values(inbox_by_mail=True, active=True))
            session.execute(update(Message).values(mail_after=utc_now()))
            session.execute(update(User).values(**change))
        with database.writing() as session:
            assert inbox_mail.take_letter(session, utc_now()) is None


def test_mail_is_wanted_or_not_on_the_page_where_any_is_sent(sqlite_database: Database) -> None:
    without = make_site(sqlite_database)
    assert "by_mail" not in without.visitor("trainee").get("/inbox").text
    without.index.close()
    site = make_site(sqlite_database, smtp_url="smtp://127.0.0.1:1", mail_from="x@hospital.example")
    visitor = site.visitor("trainee")
    assert "by_mail" in visitor.get("/inbox").text

    assert visitor.post("/inbox/mail").status_code == 303

    with site.database.reading() as session:
        assert not session.scalars(select(User.inbox_by_mail)).one()
    site.index.close()


def test_the_doctor_tries_the_mail_server(sqlite_database: Database) -> None:
    with posting(sqlite_database) as (server, workshop, _trainee):
        (found,) = (one for one in examine(workshop.settings) if one.check == "mail")
        assert found.ok
        closed = workshop.settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:1"})
        (found,) = (one for one in examine(closed) if one.check == "mail")
        assert (found.ok, "VIDEOLIB_SMTP_URL" in found.fix) == (False, True)
        assert server.letters == []


@pytest.mark.parametrize("url", ["smtp://mail.hospital.example", "http://mail.hospital.example", "smtps://"])
def test_settings_of_mail_are_whole(url: str) -> None:
    with pytest.raises(SettingsError, match="VIDEOLIB_SMTP_URL"):
        load_settings({"VIDEOLIB_SMTP_URL": url, "VIDEOLIB_HOME": "/nowhere", **KEYS})


KEYS = {"VIDEOLIB_SECRET_KEY": "k" * 32, "VIDEOLIB_PRIVACY_KEY": "k" * 32}
