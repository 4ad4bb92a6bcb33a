"""Restoring: on another host, store or database; killed anywhere; what was taken away since stays away."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

from ingest.erasing import erase
from ingest.workshop import Workshop
from tests.backups import (
    SECRET,
    TOUCHED,
    Failing,
    PowerCut,
    add_kept,
    another_host,
    back_up,
    bring_back,
    objects_of,
    problems_of,
    rows_of,
    silent,
    workshop_of,
)
from tests.libraries import add_recording
from tests.servers import PostgresServer, new_s3_store
from tests.visitors import Site
from videolib.backup import restoring, taking
from videolib.backup.reapplying import reapply
from videolib.backup.vault import make_vault
from videolib.catalogue import grants, groups, people_care, publishing, second_factors, tokens
from videolib.catalogue.account_links import set_password
from videolib.catalogue.audit_chain import audit_key, verify_chain
from videolib.catalogue.entries import Entry
from videolib.catalogue.ledger import Line, ledger_key, write_ledger
from videolib.catalogue.passkeys import Passkey, remove_passkey
from videolib.catalogue.people import User, disable_user
from videolib.catalogue.recordings import Recording
from videolib.children import S3Server
from videolib.errors import Conflict
from videolib.storage import DirectoryStore, open_store
from videolib.upgrade import require_current


def test_everything_comes_back_on_another_host(site: Site, tmp_path: Path) -> None:
    secret = SECRET if site.database.is_sqlite else None
    add_kept(site)
    add_kept(site)
    site.visitor("trainee")
    place = DirectoryStore(tmp_path / "backup")

    taken = back_up(site, place, secret=secret)
    assert taken.problems == []
    assert problems_of(place, secret) == []
    before = rows_of(site.database, but=TOUCHED)
    there = another_host(site.settings, tmp_path)
    done = bring_back(there, place, secret)

    assert rows_of(there.database, but=TOUCHED) == before
    assert objects_of(there) == objects_of(workshop_of(site))
    assert (done.left_out, done.objects) == (0, taken.snapshot.objects)
    # the other host has the library's own keys now, with which its audit is whole and goes on
    for name in ("secret_key", "privacy_key"):
        key = there.settings.home / name
        assert key.read_text("ascii") == getattr(site.settings, name).get_secret_value()
        assert key.stat().st_mode & 0o077 == 0
    require_current(there.database)
    with there.database.reading() as session:
        assert list(verify_chain(session, there.store, audit_key(site.settings))) == []
    there.database.close()


def test_sqlite_becomes_postgresql_and_back_and_goes_on_counting(
    sqlite_site: Site, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    add_kept(sqlite_site)
    place, second = DirectoryStore(tmp_path / "backup"), DirectoryStore(tmp_path / "second")
    back_up(sqlite_site, place)
    before = rows_of(sqlite_site.database, but=TOUCHED)
    name = postgres_server.new_database()

    there = another_host(sqlite_site.settings, tmp_path, postgres_server.url(name))
    bring_back(there, place)
    assert rows_of(there.database, but=TOUCHED) == before
    # numbers go on after the highest, and references hold again
    add_recording(there.database, sha256="f" * 64)
    with there.database.reading() as session:
        keys = [key for table in inspect(session.get_bind()).get_table_names() for key in foreign_keys(session, table)]
    assert len(keys) > 50
    own = there.settings.model_copy(update={"secret_key": sqlite_site.settings.secret_key})
    moved = Workshop(own, there.database, there.store, there.originals)
    taking.take(moved, make_vault(second, None, taking.library_id_of(there.database)), renditions=True, progress=silent)
    there.database.close()
    shutil.rmtree(there.settings.home)

    back = another_host(sqlite_site.settings, tmp_path)
    bring_back(back, second)
    assert rows_of(back.database, but=(*TOUCHED, "recordings")) == {
        table: rows for table, rows in before.items() if table != "recordings"
    }
    back.database.close()
    postgres_server.drop_database(name)


def foreign_keys(session: Any, table: str) -> list[Any]:
    return list(inspect(session.get_bind()).get_foreign_keys(table))


def test_a_restoration_that_breaks_off_at_any_step_shows_nothing_and_the_next_ends_it(
    sqlite_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_kept(sqlite_site)
    place = DirectoryStore(tmp_path / "backup")
    back_up(sqlite_site, place)
    before = rows_of(sqlite_site.database, but=TOUCHED)

    def no_power(*_given: object, **_named: object) -> None:
        raise PowerCut

    there = another_host(sqlite_site.settings, tmp_path)
    for after in (0, 1, 5):
        broken = Workshop(
            there.settings, there.database, Failing(there.settings.home / "objects", after), there.originals
        )
        with pytest.raises(PowerCut):
            bring_back(broken, place)
        with pytest.raises(Conflict):
            require_current(there.database)  # there is no library yet
        there = another_host(sqlite_site.settings, tmp_path)  # as every call reads its settings
    for step in ("read_rows", "upgrade", "reapply", "_finish"):
        with monkeypatch.context() as off:
            off.setattr(restoring, step, no_power)
            with pytest.raises(PowerCut):
                bring_back(there, place)
        with pytest.raises(Conflict) as refused:
            require_current(there.database)
        assert refused.value.code == ("schema_older" if step == "read_rows" else "half_restored")

    bring_back(there, place)

    assert rows_of(there.database, but=TOUCHED) == before
    require_current(there.database)
    with pytest.raises(Conflict) as there_already:
        bring_back(there, place)
    assert there_already.value.code == "library_exists"
    there.database.close()


def test_what_was_taken_away_since_does_not_come_back(site: Site, tmp_path: Path) -> None:
    erased, withdrawn, shown_again, stays = (add_kept(site) for _ in range(4))
    person = site.add_person("trainee", email="left@hospital.example")
    place = DirectoryStore(tmp_path / "backup")
    back_up(site, place)
    workshop = workshop_of(site)
    with site.database.writing() as session:
        publishing.withdraw_entry(session, session.get_one(Entry, shown_again.id), "A doubt.", by=None)
    write_ledger(site.database, workshop.ledger, ledger_key(site.settings))
    erase(workshop, erased.id)
    with site.database.writing() as session:
        publishing.withdraw_entry(session, session.get_one(Entry, withdrawn.id), "The patient asked.", by=None)
    site_disable(site, person.email)
    write_ledger(site.database, workshop.ledger, ledger_key(site.settings))
    ledger = open_store(site.settings.ledger_url)

    there = another_host(site.settings, tmp_path)
    done = bring_back(there, place, ledgers=(ledger,))

    with there.database.reading() as session:
        states = {
            entry.id: session.get_one(Entry, entry.id).status for entry in (erased, withdrawn, shown_again, stays)
        }
        assert states == {
            erased.id: "archived",
            withdrawn.id: "withdrawn",
            shown_again.id: "withdrawn",
            stays.id: "published",
        }
        assert session.get_one(Entry, erased.id).title == {}
        assert session.get_one(User, person.id).active is False
    assert done.left_out >= 2  # not even for a moment
    assert not [key for key in objects_of(there) if str(erased.package_id) in key]
    assert done.reapplied.counts["erase"] == 1
    with there.database.reading() as session:
        assert list(verify_chain(session, there.store, audit_key(site.settings))) == []
    there.database.close()


def test_what_came_after_the_moment_and_was_erased_since_does_not_come_back(
    sqlite_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_kept(sqlite_site)
    place, late, write_moment = DirectoryStore(tmp_path / "backup"), list[Entry](), taking._write_moment

    def then_something_is_uploaded(*given: Any) -> Any:
        moment = write_moment(*given)
        late.append(add_kept(sqlite_site))
        return moment

    monkeypatch.setattr(taking, "_write_moment", then_something_is_uploaded)
    back_up(sqlite_site, place)
    with sqlite_site.database.reading() as session:
        master = session.get_one(Recording, late[0].recording_id).original_key
    erase(workshop_of(sqlite_site), late[0].id)
    write_ledger(sqlite_site.database, workshop_of(sqlite_site).ledger, ledger_key(sqlite_site.settings))

    there = another_host(sqlite_site.settings, tmp_path, ledger_url=sqlite_site.settings.ledger_url)
    bring_back(there, place)

    assert not [key for key in objects_of(there) if str(late[0].package_id) in key or master in key]
    assert problems_of(place) == []
    there.database.close()


def test_what_lets_nobody_in_any_more_lets_nobody_in_after_a_restoration(site: Site, tmp_path: Path) -> None:
    """Passwords, tokens, roles, grants, hospitals and second steps that were over; and who was let in again."""
    numbers = {
        name: site.add_person("editor", email=f"{name}@hospital.example").id
        for name in ("token", "roles", "password", "grant", "again", "key", "untouched")
    }
    by_name = {name: lambda session, name=name: session.get_one(User, numbers[name]) for name in numbers}
    with site.database.writing() as session:
        texts = [
            tokens.add_token(session, by_name["token"](session), text, ["read"], None, by=None)
            for text in ("lost", "kept")
        ]
        groups.add_group(session, "hospital.one", "hospital", {"en": "One"}, by=None)
        grants.give_grant(session, by_name["grant"](session), "reviewer", "hospital.one", by=None)
        groups.join_group(session, "hospital.one", by_name["grant"](session), by=None)
        people_care.bar_person(session, by_name["again"](session), by=None)
        key = Passkey(user_id=numbers["key"], credential_id="stolen", public_key="", sign_count=0, name="Key")
        session.add(key)
        second_factors.make_recovery_codes(session, by_name["key"](session))
    place = DirectoryStore(tmp_path / "backup")
    back_up(site, place)
    with site.database.writing() as session:
        (lost,) = [row for row in tokens.list_tokens(session, by_name["token"](session)) if row.name == "lost"]
        tokens.revoke_token(session, lost.id, by=by_name["token"](session))
        values = people_care.PersonValues("", "", roles=("trainee",))
        people_care.change_person(session, by_name["roles"](session), values, by=None)
        set_password(session, by_name["password"](session), "the new one")
        grants.take_grant(session, by_name["grant"](session), "reviewer", "hospital.one", by=None)
        groups.leave_group(session, "hospital.one", by_name["grant"](session), by=None)
        people_care.admit_person(session, by_name["again"](session), by=None)
        remove_passkey(session, key.id, by=by_name["key"](session))
        second_factors.make_recovery_codes(session, by_name["key"](session))
    write_ledger(site.database, workshop_of(site).ledger, ledger_key(site.settings))

    there = another_host(site.settings, tmp_path, ledger_url=site.settings.ledger_url)
    bring_back(there, place)

    with there.database.reading() as session:
        found = {name: one(session) for name, one in by_name.items()}
        assert [tokens.find_token(session, text) is not None for text in texts] == [False, True]
        assert found["roles"].role_names == {"trainee"}
        assert found["password"].password is None, "the old one opens nothing; the new one nobody has kept"
        assert (found["grant"].grants, found["grant"].memberships) == ([], [])
        assert found["again"].active
        assert not second_factors.has_second_factor(session, found["key"])
        assert (second_factors.count_recovery_codes(session, found["key"]), found["key"].password) == (0, None)
        assert (set(found["untouched"].role_names), found["untouched"].password is None) == ({"editor"}, False)
    there.database.close()


def test_nobody_is_let_in_by_a_line_that_this_library_has_not_written(sqlite_site: Site, tmp_path: Path) -> None:
    person = sqlite_site.add_person("editor")
    with sqlite_site.database.writing() as session:
        people_care.bar_person(session, session.get_one(User, person.id), by=None)
    lines = [
        Line("0" * 64, 1, "", "enable", "user", str(person.id), is_signed=False),
        Line("1" * 64, 2, "", "permission", "user", str(person.id), "roles:admin,editor", is_signed=False),
    ]

    reapply(workshop_of(sqlite_site), lines)

    with sqlite_site.database.reading() as session:
        after = session.get_one(User, person.id)
        assert (after.active, set(after.role_names)) == (False, {"editor"})


def site_disable(site: Site, email: str) -> None:
    from videolib.catalogue.audit import record_event  # noqa: PLC0415 - as the command does

    with site.database.writing() as session:
        person = disable_user(session, email)
        record_event(session, "disable", "user", str(person.id), by=None)


def test_what_an_editor_published_again_after_a_restoration_stays_so(sqlite_site: Site, tmp_path: Path) -> None:
    entry = add_kept(sqlite_site)
    place = DirectoryStore(tmp_path / "backup")
    back_up(sqlite_site, place)
    with sqlite_site.database.writing() as session:
        publishing.withdraw_entry(session, session.get_one(Entry, entry.id), "A doubt.", by=None)
    write_ledger(sqlite_site.database, workshop_of(sqlite_site).ledger, ledger_key(sqlite_site.settings))
    there = another_host(sqlite_site.settings, tmp_path, ledger_url=sqlite_site.settings.ledger_url)
    bring_back(there, place)
    with there.database.writing() as session:
        publishing.publish_entry(session, session.get_one(Entry, entry.id), by=None)
    own = there.settings.model_copy(update={"secret_key": sqlite_site.settings.secret_key})
    moved = Workshop(own, there.database, there.store, there.originals)
    library = taking.library_id_of(there.database)
    taking.take(moved, make_vault(DirectoryStore(tmp_path / "2"), None, library), renditions=True, progress=silent)
    there.database.close()
    shutil.rmtree(there.settings.home)

    back = another_host(sqlite_site.settings, tmp_path, ledger_url=sqlite_site.settings.ledger_url)
    bring_back(back, DirectoryStore(tmp_path / "2"))

    with back.database.reading() as session:
        assert session.get_one(Entry, entry.id).status == "published"
    back.database.close()


def test_a_line_that_somebody_else_wrote_stops_the_restoration(sqlite_site: Site, tmp_path: Path) -> None:
    entry = add_kept(sqlite_site)
    place = DirectoryStore(tmp_path / "backup")
    back_up(sqlite_site, place)
    there = another_host(sqlite_site.settings, tmp_path)
    line = {"digest": "d" * 64, "sequence": 1, "at": "2026-01-01T00:00:00+00:00", "action": "withdraw", "part": ""}
    line |= {"object_kind": "entry", "object_id": entry.id, "signature": "0" * 64}
    there.ledger.put_bytes(f"{'d' * 64}.json", json.dumps(line).encode())

    with pytest.raises(Conflict) as refused:
        bring_back(there, place)
    assert refused.value.code == "ledger_unsigned"
    there = another_host(sqlite_site.settings, tmp_path)
    bring_back(there, place, trusts_unsigned=True)

    with there.database.reading() as session:
        assert session.get_one(Entry, entry.id).status == "withdrawn"
    there.database.close()


def test_anchors_of_what_was_lost_are_set_aside_where_only_the_database_was_lost(
    sqlite_site: Site, tmp_path: Path
) -> None:
    add_kept(sqlite_site)
    place = DirectoryStore(tmp_path / "backup")
    back_up(sqlite_site, place)
    add_kept(sqlite_site)
    back_up(sqlite_site, DirectoryStore(tmp_path / "another backup"))  # anchors the audit where it is now
    places = {"store_url": sqlite_site.settings.store_url, "originals_url": sqlite_site.settings.originals_url}

    there = another_host(sqlite_site.settings, tmp_path, **places)
    done = bring_back(there, place)

    assert done.objects == 0
    with there.database.reading() as session:
        assert list(verify_chain(session, there.store, audit_key(sqlite_site.settings))) == []
    assert list(there.store.list("audit-lost/"))
    there.database.close()


def test_a_bucket_holds_a_backup_as_well(sqlite_site: Site, s3_server: S3Server, tmp_path: Path) -> None:
    add_kept(sqlite_site)
    place = new_s3_store(s3_server)

    taken = back_up(sqlite_site, place, secret=SECRET)
    assert problems_of(place, SECRET) == []
    there = another_host(sqlite_site.settings, tmp_path)
    done = bring_back(there, place, SECRET)

    assert done.objects == taken.snapshot.objects
    assert objects_of(there) == objects_of(workshop_of(sqlite_site))
    there.database.close()
