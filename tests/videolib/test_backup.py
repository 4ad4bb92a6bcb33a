"""Backups: each object once, sealed, of one moment; half a one is never whole, and what is damaged is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from ingest.erasing import erase
from tests.backups import (
    MASTER,
    SECRET,
    Failing,
    PowerCut,
    add_kept,
    another_host,
    back_up,
    bring_back,
    first_problem,
    problems_of,
    silent,
    workshop_of,
)
from tests.visitors import Site
from videolib.backup import taking
from videolib.backup.checking import verify
from videolib.backup.pruning import prune
from videolib.backup.sealing import Damaged, Plain, Sealed, read_key
from videolib.backup.vault import Vault, make_vault, open_vault
from videolib.catalogue.recordings import Recording
from videolib.errors import Conflict, InvalidInput, NotFound, Unavailable
from videolib.storage import DirectoryStore, GrowingStore


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 1024 * 1024 + 1, 3 * 1024 * 1024])
def test_what_is_sealed_opens_again_and_is_as_long_as_was_said(size: int) -> None:
    sealing, content = Sealed(SECRET, b"salt" * 4), bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    stored = b"".join(sealing.seal(iter([content[:7], content[7:]]), "a name"))

    assert b"".join(sealing.unseal([stored[:20], stored[20:]], "a name")) == content
    assert len(stored) == sealing.size_of(len(content))
    assert content[:64] not in stored or len(content) < 16


@pytest.mark.parametrize(
    "spoil",
    [
        lambda stored: stored[:-1],
        lambda stored: stored[: -(1024 * 1024 + 16) + 0] if len(stored) > 2**21 else stored[:40],
        lambda stored: stored[:60] + bytes([stored[60] ^ 1]) + stored[61:],
        lambda stored: stored[:0],
    ],
)
def test_what_was_changed_or_cut_short_does_not_open(spoil: Callable[[bytes], bytes]) -> None:
    sealing = Sealed(SECRET, b"salt" * 4)
    stored = b"".join(sealing.seal([b"content" * 400_000], "name"))

    for wrong, name in ((spoil(stored), "name"), (stored, "another name")):
        with pytest.raises(Damaged):
            list(sealing.unseal([wrong], name))
    with pytest.raises(Damaged):
        list(Sealed(SECRET + b"!", b"salt" * 4).unseal([stored], "name"))


def test_a_key_file_needs_enough_in_it(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("too little", encoding="ascii")
    (tmp_path / "key").write_bytes(SECRET + b"\n")

    assert read_key(tmp_path / "key") == SECRET
    for name in ("short", "none"):
        with pytest.raises(InvalidInput):
            read_key(tmp_path / name)
    assert Plain().name_of("ab") == "ab"


def test_an_object_is_read_and_written_once_whatever_number_of_snapshots_name_it(
    sqlite_site: Site, tmp_path: Path
) -> None:
    add_kept(sqlite_site)
    place = DirectoryStore(tmp_path / "backup")
    first = back_up(sqlite_site, place)
    add_kept(sqlite_site)

    vault = make_vault(place, None, first.snapshot.library_id)
    predicted = taking.predict(workshop_of(sqlite_site), vault, renditions=True)
    second = back_up(sqlite_site, place)
    third = back_up(sqlite_site, place)

    # the second recording has a master of its own, and the same package, byte by byte
    # (and that a backup was made is an event, where the audit is anchored anew)
    assert (second.new_objects, third.new_objects) == (2, 1)
    assert predicted.new_objects >= 1
    assert predicted.new_bytes >= len(MASTER)
    assert third.snapshot.objects - 1 == second.snapshot.objects > first.snapshot.objects
    assert len([*place.list("objects/")]) == first.snapshot.objects + 3


def test_without_renditions_masters_are_kept_and_packages_are_made_again(sqlite_site: Site, tmp_path: Path) -> None:
    entry = add_kept(sqlite_site)
    with sqlite_site.database.writing() as session:
        session.execute(update(Recording).values(original_key=""))  # carried in from elsewhere: there is no master
    other = add_kept(sqlite_site)
    place = DirectoryStore(tmp_path / "backup")

    back_up(sqlite_site, place, renditions=False)
    assert problems_of(place) == []
    there = another_host(sqlite_site.settings, tmp_path)
    bring_back(there, place)

    assert list(there.store.list(f"packages/{entry.package_id}/"))
    assert not list(there.store.list(f"packages/{other.package_id}/"))
    assert len(list(there.originals.list(""))) == 1  # the first master is nobody's: no ledger could say it is erased
    there.database.close()


def test_a_backup_that_breaks_off_at_any_step_is_no_backup_and_the_next_goes_on(
    sqlite_site: Site, tmp_path: Path
) -> None:
    add_kept(sqlite_site)
    cut = 0
    # each run is an event of the audit, and so one object more: the end is reached all the same
    for after in range(0, 200, 3):
        place = tmp_path / f"backup-{after}"
        try:
            back_up(sqlite_site, Failing(place, after), secret=SECRET)
        except PowerCut:
            cut += 1
            whole: GrowingStore = DirectoryStore(place)
            with pytest.raises(NotFound):
                problems_of(whole, SECRET)
            back_up(sqlite_site, whole, secret=SECRET)
        vault = open_vault(DirectoryStore(place), SECRET)
        if after % 12 == 0:
            assert list(verify(vault, vault.get_snapshot(None), progress=silent)) == []
        shutil.rmtree(place)
        if cut <= after // 3:
            break

    assert 5 < cut < 60  # and at last it went through


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_lost_or_changed_file_is_found_and_nothing_of_it_is_restored(
    sqlite_site: Site, tmp_path: Path, secret: bytes | None
) -> None:
    add_kept(sqlite_site)
    folder = tmp_path / "backup"
    back_up(sqlite_site, DirectoryStore(folder), secret=secret)
    for path in [path for path in sorted(folder.rglob("*")) if path.is_file() and "ledger" not in path.parts]:
        content = path.read_bytes()
        for wrong in (content[:-1], content[:20] + bytes([content[20] ^ 1]) + content[21:], None):
            path.unlink()
            if wrong is not None:
                path.write_bytes(wrong)

            assert first_problem(DirectoryStore(folder), secret), path
            path.unlink(missing_ok=True)
            path.write_bytes(content)
    assert problems_of(DirectoryStore(folder), secret) == []


def test_a_wrong_key_and_another_librarys_place_are_refused(sqlite_site: Site, tmp_path: Path) -> None:
    place = DirectoryStore(tmp_path / "backup")
    back_up(sqlite_site, place, secret=SECRET)

    for secret in (None, SECRET + b"?"):
        with pytest.raises(InvalidInput):
            open_vault(place, secret)
    with pytest.raises(Conflict):
        make_vault(place, SECRET, "another library")
    (tmp_path / "photos" / "holiday").mkdir(parents=True)
    (tmp_path / "photos" / "holiday" / "1.jpg").write_bytes(b"x")
    with pytest.raises(Conflict):
        make_vault(DirectoryStore(tmp_path / "photos"), None, "a library")
    # nothing in it says what the library holds
    held = b"".join(path.read_bytes() for path in (tmp_path / "backup").rglob("*") if path.is_file())
    assert MASTER[:60] not in held
    assert sqlite_site.settings.secret_key.get_secret_value().encode() not in held


def test_where_the_room_is_not_there_nothing_is_begun(sqlite_site: Site, tmp_path: Path) -> None:
    add_kept(sqlite_site)
    vault = make_vault(DirectoryStore(tmp_path / "backup"), None, "a library")

    predicted = taking.predict(workshop_of(sqlite_site), vault, renditions=True)

    taking.require_room(predicted)
    with pytest.raises(Unavailable) as refused:
        taking.require_room(taking.Prediction(**{**vars(predicted), "free_bytes": 5}))
    assert refused.value.code == "no_space"
    assert "GB" in refused.value.message
    assert not list(vault.store.list("objects/"))


def test_what_the_library_itself_has_lost_is_said_and_the_rest_is_kept(sqlite_site: Site, tmp_path: Path) -> None:
    entry, damaged = add_kept(sqlite_site), add_kept(sqlite_site)
    workshop = workshop_of(sqlite_site)
    workshop.store.delete([f"packages/{entry.package_id}/video/360p/init.mp4"])
    with sqlite_site.database.reading() as session:
        key = session.get_one(Recording, damaged.recording_id).original_key
    path = workshop.originals.local_path(key)
    assert path is not None
    path.write_bytes(b"x" * path.stat().st_size)

    taken = back_up(sqlite_site, DirectoryStore(tmp_path / "backup"))

    assert len(taken.problems) == 2
    assert f"{entry.package_id}/video/360p/init.mp4" in "".join(taken.problems)
    assert key in "".join(taken.problems)


def test_old_snapshots_go_with_what_only_they_name_and_the_newest_stays(
    sqlite_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, kept = add_kept(sqlite_site), add_kept(sqlite_site)
    place = DirectoryStore(tmp_path / "backup")
    back_up(sqlite_site, place)
    with sqlite_site.database.reading() as session:
        digests = {
            name: session.get_one(Recording, entry.recording_id).sha256
            for name, entry in (("gone", gone), ("kept", kept))
        }
    workshop = workshop_of(sqlite_site)
    erase(workshop, gone.id)
    back_up(sqlite_site, place)
    vault = open_vault(place, None)
    sizes = {name: len(MASTER) + len(str(entry.recording_id)) for name, entry in (("gone", gone), ("kept", kept))}
    assert vault.has(digests["gone"], sizes["gone"])

    # erased: its bytes leave the backup at once, though a snapshot names them, and that one is still whole
    prune(sqlite_site.settings, vault, keep_days=None)
    assert [vault.has(digests[name], sizes[name]) for name in ("gone", "kept")] == [False, True]
    first = vault.list_snapshots()[0]
    assert list(verify(vault, first, progress=silent)) == []

    prune(sqlite_site.settings, vault, keep_days=0)
    assert len(vault.list_snapshots()) == 1
    assert problems_of(place) == []


@pytest.mark.parametrize("secret", [None, SECRET])
@pytest.mark.parametrize("is_shorter", [True, False])
def test_what_is_damaged_in_the_backup_is_written_anew_by_the_next(
    sqlite_site: Site, tmp_path: Path, secret: bytes | None, *, is_shorter: bool
) -> None:
    add_kept(sqlite_site)
    place = DirectoryStore(tmp_path / "backup")
    back_up(sqlite_site, place, secret=secret)
    damaged = max((tmp_path / "backup" / "objects").rglob("*"), key=lambda path: path.is_file() and path.stat().st_size)
    content = damaged.read_bytes()
    damaged.unlink()
    damaged.write_bytes(content[:-9] if is_shorter else content[:50] + bytes([content[50] ^ 1]) + content[51:])
    if not is_shorter:  # of the right length it is not looked at: who verifies finds it
        assert back_up(sqlite_site, place, secret=secret).new_objects <= 1
        assert len(problems_of(place, secret)) == 1

    taken = back_up(sqlite_site, place, secret=secret)

    assert taken.new_objects >= 1
    assert problems_of(place, secret) == []
    assert list(place.list("damaged/")) == []


def test_damaged_content_stays_where_the_library_has_nothing_better(tmp_path: Path) -> None:
    vault = Vault(DirectoryStore(tmp_path / "backup"), Plain(), "a library")
    digest = taking._digest_of([b"content"])
    vault.keep(digest, 7, lambda: iter([b"content"]))
    vault.mark_damaged(digest)

    with pytest.raises(Damaged):
        vault.keep(digest, 7, lambda: iter([b"c0ntent"]))

    assert vault.names() == {digest}
    assert not vault.has(digest, 7)


@pytest.mark.parametrize("name", ["snapshot.json", "objects"])
def test_one_damaged_snapshot_stops_no_backup_and_is_said(sqlite_site: Site, tmp_path: Path, name: str) -> None:
    add_kept(sqlite_site)
    place = DirectoryStore(tmp_path / "backup")
    back_up(sqlite_site, place)
    (path,) = (tmp_path / "backup" / "snapshots").glob(f"*/{name}")
    path.unlink()
    path.write_bytes(b"not what it was")
    names = open_vault(place, None).names()

    taken = back_up(sqlite_site, place)

    assert [path.parent.name in sentence for sentence in taken.problems] == [True]
    vault = open_vault(place, None)
    assert list(verify(vault, vault.get_snapshot(taken.snapshot.id), progress=silent)) == []
    prune(sqlite_site.settings, vault, keep_days=None)
    assert path.exists(), "it is kept, for who can mend it"
    assert vault.names() >= names, "and so is what it may name"


def test_large_objects_go_in_pieces_and_what_is_wrong_at_the_end_leaves_nothing(tmp_path: Path) -> None:
    content = [bytes([number]) * 1024 * 1024 for number in range(20)]
    place = DirectoryStore(tmp_path / "backup")
    digest, size = taking._digest_of(content), sum(map(len, content))
    for secret in (None, SECRET):
        vault = Vault(place, Sealed(secret, b"s" * 16) if secret else Plain(), "a library")

        with pytest.raises(Damaged):
            vault.keep("0" * 64, size, lambda: iter(content))
        assert not vault.has("0" * 64, size)
        assert vault.keep(digest, size, lambda: iter(content))
        assert not vault.keep(digest, size, lambda: iter(content))

        assert b"".join(vault.read(digest, size)) == b"".join(content)
    assert not list((tmp_path / "backup" / ".incoming").iterdir())
