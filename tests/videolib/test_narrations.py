"""Who hears a narration: viewers once a second person has accepted it, nobody once it is taken away."""

from __future__ import annotations

import io

import m3u8
import pytest
from sqlalchemy import delete

from ingest.erasing import erase
from ingest.sweeping import sweep_narrations
from tests.backups import workshop_of
from tests.narrations import SOUND, add_made_narration
from tests.visitors import Site, Visitor, media_path
from videolib.backup.reapplying import reapply
from videolib.catalogue import holding
from videolib.catalogue.audit import AuditEvent
from videolib.catalogue.entries import Entry
from videolib.catalogue.ledger import ledger_key, read_ledger, write_ledger
from videolib.catalogue.narrations import Narration
from videolib.catalogue.people import User
from videolib.web import media_texts, narrations


def sounds_of(visitor: Visitor, entry: Entry) -> tuple[list[str], str]:
    """The narrations that a player is offered, and the address beside which they lie."""
    master = media_path(visitor.get(f"/api/v1/entries/{entry.id}/playback").json or {})
    offered = [one.uri for one in m3u8.loads(visitor.get(master).text).media if "Narration" in (one.name or "")]
    return offered, master.removesuffix("master.m3u8")


def accept(visitor: Visitor, entry: Entry, narration_id: str) -> int:
    return visitor.post(f"/studio/entries/{entry.id}/narrations/{narration_id}/accept").status_code


def test_viewers_hear_it_when_somebody_else_has_accepted_it_and_not_before(site: Site) -> None:
    entry, editor = site.add_published(), site.add_person("editor")
    narration_id = add_made_narration(site, entry.id, by=editor)
    trainee, sender, other = site.visitor("trainee"), site.visitor("editor"), site.visitor("admin")
    sound = f"narrations/{narration_id}/sound-a1.mp4"

    offered, base = sounds_of(trainee, entry)
    assert offered == []
    assert trainee.get(base + sound).status_code == 404
    assert other.get(sounds_of(other, entry)[1] + sound).data == SOUND, "who is to accept it listens to it"
    assert f"/studio/entries/{entry.id}/narrations" in other.get(f"/entries/{entry.id}").text
    assert f"/studio/entries/{entry.id}/narrations" not in trainee.get(f"/entries/{entry.id}").text
    assert accept(sender, entry, narration_id) == 403
    assert accept(trainee, entry, narration_id) == 403
    assert accept(other, entry, narration_id) == 303

    offered, base = sounds_of(trainee, entry)
    assert offered == [f"narrations/{narration_id}/index.m3u8"]
    playlist = m3u8.loads(trainee.get(base + offered[0]).text)
    assert playlist.segment_map[0].byterange == "4@0"
    assert (playlist.segments[0].byterange, playlist.is_endlist) == ("200@4", True)
    assert site.anonymous().get(base + sound, headers={"Range": "bytes=4-203"}).data == SOUND[4:]
    foreign = sounds_of(trainee, site.add_published())[1]
    assert trainee.get(foreign + sound).status_code == 404


def test_it_is_gone_at_once_when_it_is_removed_reported_replaced_or_erased(sqlite_site: Site) -> None:
    site, entry = sqlite_site, sqlite_site.add_published()
    editor, admin, trainee = site.add_person("editor"), site.visitor("admin"), site.visitor("trainee")
    first = add_made_narration(site, entry.id, by=editor)
    assert accept(admin, entry, first) == 303
    second = add_made_narration(site, entry.id, by=editor)
    assert sounds_of(trainee, entry)[0] == [f"narrations/{first}/index.m3u8"], "until the new one is accepted"
    assert accept(admin, entry, second) == 303
    offered, base = sounds_of(trainee, entry)
    assert offered == [f"narrations/{second}/index.m3u8"]
    assert trainee.get(f"{base}narrations/{first}/sound-a1.mp4").status_code == 404

    with site.database.writing() as session:
        holding.hold(session, session.get_one(Entry, entry.id), 1.0, by=session.get_one(User, editor.id))
        assert session.get_one(Narration, second).accepted_at is None
    workshop = workshop_of(site)
    sweep_narrations(workshop)
    assert [item.key for item in site.store.list("narrations/")] == [f"narrations/{second}/sound-a1.mp4"]
    assert erase(workshop, entry.id).receipt["objects"]["narration_objects"] == 1
    assert list(site.store.list("narrations/")) == []


def test_a_file_of_many_megabytes_is_taken_from_editors(sqlite_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, editor, trainee = sqlite_site.add_published(), sqlite_site.visitor("editor"), sqlite_site.visitor("trainee")
    monkeypatch.setattr(narrations, "LARGEST_BYTES", 5 * 2**20)
    address = f"/studio/entries/{entry.id}/narrations"

    def send(visitor: Visitor, size: int) -> int:
        answer = visitor.post(address, language="en", file=(io.BytesIO(bytes(size)), "讲解.wav"))
        answer.request.environ["wsgi.input"].close()  # a file of the test's client
        return answer.status_code

    assert send(editor, 4 * 2**20) == 303
    assert send(editor, 6 * 2**20) == 413
    assert send(trainee, 4 * 2**20) == 413
    assert "讲解" not in editor.get(address).text


def test_a_playlist_without_any_sound_gets_the_group_and_the_codec() -> None:
    sound = {"path": "s.mp4", "init_bytes": 4, "codec": "mp4a.40.2", "segments": []}
    segment = {"uri": "s.mp4", "start_s": 0.0, "duration_s": 4.0, "bytes": 64000, "samples": 1, "keys": [], "offset": 4}
    narration = Narration(id="x", language="en", sound={**sound, "segments": [segment]})
    plain = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,AVERAGE-BANDWIDTH=700000,CODECS="avc1.64001f"\nv.m3u8\n'

    (variant,) = m3u8.loads(media_texts.with_narrations(plain, [narration])).playlists

    assert variant.stream_info.codecs == "avc1.64001f,mp4a.40.2"
    assert (variant.stream_info.bandwidth, variant.stream_info.average_bandwidth) == (928000, 828000)
    assert [media.name for media in variant.media] == ["解说 / Narration · English"]


@pytest.mark.parametrize("deed", ["remove", "refuse"])
def test_no_restored_backup_brings_back_what_was_taken_away(sqlite_site: Site, deed: str) -> None:
    site, entry = sqlite_site, sqlite_site.add_published()
    narration_id = add_made_narration(site, entry.id, by=site.add_person("editor"))
    workshop, key = workshop_of(site), ledger_key(site.settings)
    address = f"/studio/entries/{entry.id}/narrations/{narration_id}/{deed}"
    assert site.visitor("admin").post(address, reason="A name is said.").status_code == 303
    write_ledger(site.database, workshop.ledger, key)
    with site.database.writing() as session:  # rows as a backup has them: from before, and without the event
        row = session.get_one(Narration, narration_id)
        row.state, row.accepted_at = "made", row.uploaded_at
        session.execute(delete(AuditEvent).where(AuditEvent.action == f"{deed}_narration"))
    assert len(sounds_of(site.visitor("trainee"), entry)[0]) == 1

    done = reapply(workshop, list(read_ledger(workshop.ledger, key)))

    assert done.counts[f"{deed}_narration"] == 1
    assert sounds_of(site.visitor("trainee"), entry)[0] == []
