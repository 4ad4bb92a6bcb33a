"""The one question: what `can` says of an entry is what the lists show and the search index is asked for."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import select, update

from tests.libraries import add_entry, add_person, add_recording
from tests.visitors import Site, make_site
from videolib.catalogue import groups, people, publishing
from videolib.catalogue.access import audiences_of, audiences_of_entry, can, get_entry, published, visible_entries
from videolib.catalogue.captions import add_captions
from videolib.catalogue.entries import STATUSES, Entry
from videolib.catalogue.people import ROLES, User
from videolib.db import Database, utc_now
from videolib.errors import InvalidInput, NotFound

AUDIENCES = ("public", "signed_in", "people")


def add_entries_of_every_kind(database: Database, reviewer: User) -> None:
    """Each state, with a package and without, for each audience, with the reviewer named and not."""
    package_id = add_recording(database, state="ready").package_id
    kinds = product(STATUSES, AUDIENCES, (package_id, None), (reviewer.id, None))
    for status, audience, package, named in kinds:
        entry = add_entry(database)
        changes = {"status": status, "audience": audience, "package_id": package, "reviewer_id": named}
        with database.writing() as session:
            session.execute(update(Entry).where(Entry.id == entry.id).values(**changes))


def test_a_list_shows_exactly_what_the_question_allows_and_the_index_is_asked_for_no_more(database: Database) -> None:
    people: list[User | None] = [None, *(add_person(database, role) for role in ROLES)]
    disabled = add_person(database, "admin", email="gone@hospital.example")
    instructor = next(person for person in people if person and "instructor" in person.role_names)
    add_entries_of_every_kind(database, instructor)
    with database.writing() as session:
        session.get_one(User, disabled.id).active = False

    with database.reading() as session:
        entries = list(session.scalars(select(Entry)))
        for person in [*people, session.get_one(User, disabled.id)]:
            listed = set(session.scalars(select(Entry.id).where(visible_entries(person))))
            shown = set(session.scalars(select(Entry.id).where(visible_entries(person), published())))
            assert listed == {entry.id for entry in entries if can(person, "see", entry)}
            assert shown == {entry.id for entry in entries if can(person, "play", entry)}
            groups = audiences_of(session, person)
            found = {entry.id for entry in entries if entry.id in shown and groups & audiences_of_entry(entry)}
            assert found == shown


@dataclass(frozen=True)
class Reader:
    """A person of the property test and the header that says so."""

    person: User | None
    headers: dict[str, str]


def add_readers(site: Site) -> list[Reader]:
    """Nobody, one of each role, and trainees of each hospital and programme."""
    site_people: list[User | None] = [None, *(site.add_person(role) for role in ROLES)]
    with site.database.writing() as session:
        for name in ("first", "second"):
            groups.add_group(session, name, "hospital", {"en": f"The {name}"}, by=None)
        groups.add_group(session, "course", "programme", {"en": "The course"}, by=None)
        for name in ("first", "second", "course"):
            person = people.add_user(session, f"{name}@hospital.example", None, ["trainee"])
            groups.join_group(session, name, person, by=None)
            site_people.append(person)
        readers = [Reader(None, {})]
        for person in filter(None, site_people):
            token = people.make_token(session, person.email)
            readers.append(Reader(person, {"Authorization": f"Bearer {token}"}))
        return readers


def add_random_entries(site: Site, chance: random.Random, count: int) -> list[str]:
    """Published entries with an audience by chance; some are withdrawn again, some wait, one is a draft."""
    names = {
        "institution": ["first", "The second"],
        "programme": ["The course"],
        "people": ["trainee@hospital.example", "FIRST@hospital.example"],
    }
    today = datetime.now().astimezone().date()
    made = [site.add_watchable(title={"zh": "草稿", "en": "Draftword"}).id]
    for number in range(count):
        audience = chance.choice(("public", "signed_in", *names))
        sharing: dict[str, object] = {"names": chance.sample(names[audience], 1)} if audience in names else {}
        days = chance.choice(((None, None), (None, None), (-1, 1), (1, 2), (-2, -1)))
        for name, day in zip(("starts_on", "ends_on"), days, strict=True):
            sharing |= {name: (today + timedelta(days=day)).isoformat()} if day is not None else {}
        title = {"zh": f"录像{number}", "en": f"Zq{chr(97 + number)}word"}
        entry = site.add_published(audience=audience, sharing=sharing or None, title=title)
        with site.database.writing() as session:
            row = session.get_one(Entry, entry.id)
            add_captions(session, row, "en", "WEBVTT\n\n00:00.500 --> 00:02.000\nA stent.\n", by=None)
            if number % 5 == 4:
                publishing.withdraw_entry(session, row, "A name is heard.", by=None)
        made.append(entry.id)
    return made


def look(site: Site, reader: Reader, entry: Entry) -> dict[str, bool]:
    """What each surface answers this reader about that entry."""
    client = site.app.test_client()

    def found(path: str) -> bool:
        answer = client.get(path, headers=reader.headers, buffered=True)
        assert answer.status_code in {200, 404}, (path, answer.status_code)
        return answer.status_code == 200

    links = site.app.extensions["videolib"].links
    package_id = entry.package_id or (entry.recording.package_id if entry.recording else None)
    token, _ = links.make(reader.person.id if reader.person else 0, entry.id, package_id)
    title = entry.title["en"]
    suggested = client.get(f"/api/v1/suggest?lang=en&q={title}", headers=reader.headers).json or {}
    return {
        "see page": found(f"/entries/{entry.id}"),
        "see api": found(f"/api/v1/entries/{entry.id}"),
        "see annotations": found(f"/api/v1/entries/{entry.id}/annotations"),
        "watch playback": found(f"/api/v1/entries/{entry.id}/playback"),
        "watch playlist": found(f"/media/{token}/master.m3u8"),
        "watch segment": found(f"/media/{token}/video/360p/0001.m4s"),
        "watch poster": found(f"/media/{token}/poster.jpg"),
        # the draft of the story has no captions
        "watch caption": found(f"/media/{token}/" + ("captions/en.vtt" if entry.version else "poster.jpg")),
        "play suggest": any(str(item["url"]).endswith(entry.id) for item in suggested["items"]),
    }


def list_all(site: Site, reader: Reader) -> dict[str, set[str]]:
    """Which entries the lists, the search and the export give this reader."""
    client = site.app.test_client()
    listed = client.get("/api/v1/entries?limit=100", headers=reader.headers).json or {}
    hits = client.get("/api/v1/search?q=&limit=100", headers=reader.headers).json or {}
    exported = client.get("/api/v1/entries/export?form=json", headers=reader.headers).json or {}
    counted = {item["term"]: item["count"] for item in hits["facets"].get("procedure", [])}
    assert hits["total"] == len(hits["hits"]) == counted.get("proc.stent_sfa", 0)
    return {
        "see list": {item["id"] for item in listed["items"]},
        "play search": {hit["entry_id"] for hit in hits["hits"]},
        "see export": {item["id"] for item in exported["entries"]},
    }


@pytest.mark.parametrize(("engine", "seed"), [("whoosh", 1), ("tantivy", 2)])
def test_every_surface_answers_as_the_question_does(
    engine: str, seed: int, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOLIB_SEARCH_URL", f"{engine}:")
    site = make_site(sqlite_database, open_metadata=True)
    readers = add_readers(site)
    ids = add_random_entries(site, random.Random(seed), 6)
    site.reindex()

    with site.database.reading() as session:
        entries = [session.get_one(Entry, entry_id) for entry_id in ids]
        for reader in readers:
            person = session.get_one(User, reader.person.id) if reader.person else None
            allowed = {
                "see": {entry.id for entry in entries if can(person, "see", entry)},
                "play": {entry.id for entry in entries if can(person, "play", entry)},
                "watch": {entry.id for entry in entries if can(person, "play", entry) or can(person, "preview", entry)},
            }
            for surface, listed in list_all(site, reader).items():
                assert listed == allowed[surface.split()[0]], (surface, person and person.email)
            for entry in entries:
                for surface, shown in look(site, reader, entry).items():
                    wanted = entry.id in allowed[surface.split()[0]]
                    assert shown == wanted, (surface, person and person.email, entry.audience, entry.details)
        told = site.app.test_client().get("/oai?verb=ListIdentifiers&metadataPrefix=oai_dc").text
        for entry in entries:
            # what was public and is withdrawn or over is told as deleted; of what begins later nobody is told
            has_begun = entry.visible_from is None or entry.visible_from <= utc_now()
            was_public = entry.audience == "public" and entry.version > 0 and has_begun
            assert (entry.id in told) == (can(None, "see", entry) or was_public)
    site.index.close()


def test_a_member_who_leaves_loses_sight_at_once_and_nothing_is_indexed_anew(sqlite_site: Site) -> None:
    reader = add_readers(sqlite_site)[-1]
    assert reader.person
    entry = sqlite_site.add_published(audience="programme", sharing={"names": ["course"]})
    sqlite_site.reindex()
    assert list_all(sqlite_site, reader)["play search"] == {entry.id}

    with sqlite_site.database.writing() as session:
        groups.leave_group(session, "course", session.get_one(User, reader.person.id), by=None)

    assert list_all(sqlite_site, reader) == {"see list": set(), "play search": set(), "see export": set()}


def test_an_audience_of_unknown_names_is_refused_and_one_of_nobody_is_not_published(sqlite_database: Database) -> None:
    with pytest.raises(InvalidInput, match="Nobody here"):
        add_entry(sqlite_database, audience="people", sharing={"names": ["stranger@elsewhere.example"]})

    entry = add_entry(sqlite_database, add_recording(sqlite_database, state="ready"), audience="programme")

    with pytest.raises(InvalidInput) as refusal, sqlite_database.writing() as session:
        publishing.publish_entry(session, session.get_one(Entry, entry.id), by=None)
    assert set(refusal.value.fields) == {"sharing"}


def test_what_no_rule_names_is_denied_even_to_an_administrator(sqlite_database: Database) -> None:
    admin = add_person(sqlite_database, "admin")
    recording = add_recording(sqlite_database)
    entry = add_entry(sqlite_database, recording)

    assert not can(admin, "juggle", entry)
    assert not can(admin, "juggle", recording)
    assert not can(admin, "juggle", "service")
    assert not can(None, "edit", "catalogue")


def test_what_one_may_not_see_is_not_there(sqlite_database: Database) -> None:
    trainee = add_person(sqlite_database, "trainee")
    entry = add_entry(sqlite_database)

    with sqlite_database.reading() as session:
        with pytest.raises(NotFound):
            get_entry(session, entry.id, by=trainee)
        with pytest.raises(NotFound):
            get_entry(session, "no-such", by=trainee)
