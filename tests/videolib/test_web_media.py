"""Media addresses: they play without cookies, for whom and for as long as they were given, and nothing else does."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.libraries import let_in
from tests.servers import new_s3_store
from tests.visitors import PACKAGE, Site, Visitor, make_site, media_path
from videolib.catalogue import captions, people
from videolib.catalogue.entries import Entry
from videolib.catalogue.recordings import Recording
from videolib.children import S3Server
from videolib.db import Database
from videolib.errors import NotFound
from videolib.web.media_gate import REMEMBERED_S, MediaGate
from videolib.web.media_links import Grant, LinkExpired, MediaLinks

VTT = "WEBVTT\n\n00:00.500 --> 00:02.000\n置入支架\n"


def playback_of(visitor: Visitor, entry: Entry) -> dict[str, Any]:
    answer = visitor.get(f"/api/v1/entries/{entry.id}/playback")
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return dict(answer.json)


def token_in(playback: dict[str, Any]) -> str:
    return str(playback["hls_url"]).split("/media/")[1].split("/")[0]


def test_a_package_plays_with_no_cookie_and_no_header(site: Site) -> None:
    entry = site.add_published()
    playback = playback_of(site.visitor("trainee"), entry)
    assert playback["hls_url"].startswith("http://localhost/media/")

    nobody = site.anonymous()
    master = nobody.get(media_path(playback))
    playlist = nobody.get(media_path(playback, "video/360p/index.m3u8"))
    segment = nobody.get(media_path(playback, "video/360p/0001.m4s"))

    assert (master.status_code, master.mimetype) == (200, "application/vnd.apple.mpegurl")
    assert master.data == PACKAGE["master.m3u8"]
    assert playlist.data == PACKAGE["video/360p/index.m3u8"]
    assert (segment.status_code, segment.data) == (200, PACKAGE["video/360p/0001.m4s"])
    assert not any("Set-Cookie" in answer.headers for answer in (master, playlist, segment))
    for answer in (playlist, segment):
        assert answer.headers["Cache-Control"].startswith("private, max-age=")
    # it names the entry's captions, which may change
    assert master.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("path", "mimetype"),
    [
        ("master.m3u8", "application/vnd.apple.mpegurl"),
        ("video/360p/init.mp4", "video/mp4"),
        ("video/360p/0001.m4s", "video/iso.segment"),
        ("poster.jpg", "image/jpeg"),
        ("storyboard.vtt", "text/vtt"),
    ],
)
def test_each_kind_of_object_has_its_type_and_a_tag(sqlite_site: Site, path: str, mimetype: str) -> None:
    playback = playback_of(sqlite_site.visitor("trainee"), sqlite_site.add_published())
    nobody = sqlite_site.anonymous()

    answer = nobody.get(media_path(playback, path))
    again = nobody.get(media_path(playback, path), headers={"If-None-Match": answer.headers["ETag"]})

    assert answer.mimetype == mimetype
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "status", "start", "stop"),
    [
        ("bytes=0-99", 206, 0, 100),
        ("bytes=2000-", 206, 2000, 2048),
        ("bytes=-48", 206, 2000, 2048),
        ("bytes=9999-", 416, 0, 0),
    ],
)
def test_segments_answer_ranges(sqlite_site: Site, asked: str, status: int, start: int, stop: int) -> None:
    playback = playback_of(sqlite_site.visitor("trainee"), sqlite_site.add_published())

    answer = sqlite_site.anonymous().get(media_path(playback, "video/360p/0001.m4s"), headers={"Range": asked})

    assert answer.status_code == status
    if status == 206:
        assert answer.data == PACKAGE["video/360p/0001.m4s"][start:stop]
        assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/2048"


def test_pictures_of_the_storyboard_are_absolute_and_signed(sqlite_site: Site) -> None:
    playback = playback_of(sqlite_site.visitor("trainee"), sqlite_site.add_published())
    nobody = sqlite_site.anonymous()

    text = nobody.get(media_path(playback, "storyboard.vtt")).text

    lines = [line for line in text.splitlines() if "#xywh=" in line]
    assert [line.rpartition("#")[2] for line in lines] == ["xywh=0,0,160,90"]
    assert lines[0].startswith("/media/")
    assert nobody.get(lines[0].partition("#")[0]).data == PACKAGE["storyboard.jpg"]


def test_captions_come_by_the_same_token(site: Site) -> None:
    entry = site.add_published()
    with site.database.writing() as session:
        captions.add_captions(session, session.get_one(Entry, entry.id), "zh-Hans", VTT, by=None)
    playback = playback_of(site.visitor("trainee"), entry)

    (track,) = playback["captions"]
    answer = site.anonymous().get("/" + track["url"].split("/", 3)[3])

    assert track["lang"] == "zh-Hans"
    assert track["default"] is True
    assert (answer.status_code, answer.mimetype) == (200, "text/vtt")
    assert "置入支架" in answer.text
    assert site.anonymous().get(media_path(playback, "captions/en.vtt")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "package.json",
        "video/360p/9999.m4s",
        "../../originals/k",
        "..%2f..%2foriginals%2fk",
        "video/../../secret.m4s",
        "video//360p/0001.m4s",
        "%2e%2e/%2e%2e/videolib.db",
        "video/360p/0001.m4s%00.jpg",
        "/etc/passwd",
        "master.m3u8/",
        "",
    ],
)
def test_nothing_but_the_packages_own_objects_is_answered(sqlite_site: Site, path: str) -> None:
    playback = playback_of(sqlite_site.visitor("trainee"), sqlite_site.add_published())

    answer = sqlite_site.anonymous().get(media_path(playback, "") + path)

    assert answer.status_code in {404, 422}


def test_an_altered_token_is_nothing_and_an_old_one_is_gone(sqlite_site: Site) -> None:
    playback = playback_of(sqlite_site.visitor("trainee"), sqlite_site.add_published())
    token = token_in(playback)
    nobody = sqlite_site.anonymous()

    altered = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(0, len(token) - 1, 7)]
    altered += [token[:-4], token + "AAAA", token.lower(), "", "é", "A" * 76, "." * 76]
    for other in altered:
        assert nobody.get(f"/media/{other}/master.m3u8").status_code == 404, other

    grant = MediaLinks(sqlite_site.settings).read(token)
    past = MediaLinks(sqlite_site.settings, clock=lambda: time.time() - 2 * 86400)
    old, expired_at = past.make(grant.person_id, grant.entry_id, grant.package_id)
    answer = nobody.get(f"/media/{old}/master.m3u8", headers={"Accept": "application/json"})
    assert expired_at < time.time()
    assert (answer.status_code, answer.json and answer.json["code"]) == (410, "link_expired")


def test_a_token_signed_with_another_key_is_nothing(sqlite_site: Site) -> None:
    playback = playback_of(sqlite_site.visitor("trainee"), sqlite_site.add_published())
    grant = MediaLinks(sqlite_site.settings).read(token_in(playback))
    other_key = sqlite_site.settings.model_copy(update={"secret_key": type(sqlite_site.settings.secret_key)("k" * 40)})

    forged, _ = MediaLinks(other_key).make(grant.person_id, grant.entry_id, grant.package_id)

    assert sqlite_site.anonymous().get(f"/media/{forged}/master.m3u8").status_code == 404


def test_a_token_opens_its_own_package_only(sqlite_site: Site) -> None:
    mine, other = sqlite_site.add_published(), sqlite_site.add_published()
    visitor = sqlite_site.visitor("trainee")
    grant = MediaLinks(sqlite_site.settings).read(token_in(playback_of(visitor, mine)))
    links = MediaLinks(sqlite_site.settings)

    assert other.package_id
    crossed, _ = links.make(grant.person_id, mine.id, other.package_id)
    invented, _ = links.make(grant.person_id, mine.id, uuid4().hex)
    nowhere, _ = links.make(grant.person_id, str(uuid4()), other.package_id)

    assert sqlite_site.anonymous().get(f"/media/{crossed}/master.m3u8").status_code == 410
    assert sqlite_site.anonymous().get(f"/media/{invented}/master.m3u8").status_code == 410
    assert sqlite_site.anonymous().get(f"/media/{nowhere}/master.m3u8").status_code == 404


@pytest.mark.parametrize("state", ["ready", "awaiting_review"])
def test_what_is_not_published_is_not_reachable_by_any_address(site: Site, state: str) -> None:
    entry = site.add_watchable(state=state)
    with site.database.reading() as session:
        recording = session.get_one(Recording, entry.recording_id)
    assert recording.package_id
    people_by_role = [site.add_person(role) for role in ("trainee", "instructor")]

    for person_id in [0, *(person.id for person in people_by_role)]:
        token, _ = site.app.extensions["videolib"].links.make(person_id, entry.id, recording.package_id)
        for path in PACKAGE:
            assert site.anonymous().get(f"/media/{token}/{path}").status_code == 404
    for role in (None, "trainee", "instructor"):
        visitor = site.visitor(role)
        assert visitor.get(f"/api/v1/entries/{entry.id}/playback").status_code == 404
        assert visitor.get(f"/entries/{entry.id}").status_code == 404


def test_an_assigned_editor_previews_what_nobody_has_signed_off(site: Site) -> None:
    entry = site.add_watchable(state="awaiting_review")
    assert site.visitor("editor").get(f"/api/v1/entries/{entry.id}/playback").status_code == 404
    let_in(site.database, str(entry.recording_id), site.add_person("editor"))

    playback = playback_of(site.visitor("editor"), entry)

    assert site.anonymous().get(media_path(playback)).data == PACKAGE["master.m3u8"]
    with site.database.writing() as session:
        demoted = people.get_user(session, "editor@hospital.example")
        demoted.roles.clear()
    site.app.extensions["videolib"].gate.forget()
    assert site.anonymous().get(media_path(playback)).status_code == 404


def test_a_withdrawal_stops_playback_at_once(site: Site) -> None:
    entry = site.add_published()
    playback = playback_of(site.visitor("trainee"), entry)
    assert site.anonymous().get(media_path(playback)).status_code == 200

    answer = site.visitor("editor").send("POST", f"/api/v1/entries/{entry.id}/withdraw", {"reason": "A name is heard."})

    assert answer.status_code == 200
    for path in (*PACKAGE, "captions/en.vtt"):
        assert site.anonymous().get(media_path(playback, path)).status_code == 404


def test_a_change_by_another_process_is_seen_within_seconds(site: Site) -> None:
    entry = site.add_published()
    now = [100.0]
    gate = MediaGate(site.database, clock=lambda: now[0])
    person = site.add_person("trainee")
    grant = Grant(person.id, entry.id, str(entry.package_id), int(time.time()) + 3600)
    gate.require(grant)
    with site.database.writing() as session:
        people.disable_user(session, person.email)

    gate.require(grant)
    now[0] += REMEMBERED_S

    with pytest.raises(NotFound):
        gate.require(grant)


def test_a_replaced_package_says_that_its_address_is_old(site: Site) -> None:
    entry = site.add_published()
    links = MediaLinks(site.settings)
    token, _ = links.make(site.add_person("trainee").id, entry.id, str(entry.package_id))
    newer = site.add_published()
    with site.database.writing() as session:
        session.get_one(Entry, entry.id).package_id = newer.package_id
    gate = MediaGate(site.database)

    with pytest.raises(LinkExpired):
        gate.find_file(links.read(token), "master.m3u8")


def test_posters_keep_their_address_for_an_hour(sqlite_site: Site) -> None:
    entry = sqlite_site.add_published()
    now = [1_800_000_100.0]
    links = MediaLinks(sqlite_site.settings, clock=lambda: now[0])
    first, first_until = links.make(1, entry.id, str(entry.package_id))
    now[0] += 600
    second, _ = links.make(1, entry.id, str(entry.package_id))
    now[0] += 3600
    third, third_until = links.make(1, entry.id, str(entry.package_id))

    assert first == second
    assert third != second
    lasts_s = sqlite_site.settings.media_link_s
    assert 1_800_000_100 + lasts_s <= first_until < 1_800_000_100 + lasts_s + 3600
    assert third_until - first_until == 3600


def test_a_public_entry_plays_for_everybody(site: Site) -> None:
    entry = site.add_published(audience="public")

    playback = playback_of(site.anonymous(), entry)

    assert site.anonymous().get(media_path(playback)).status_code == 200


def test_no_route_leads_to_an_original(sqlite_site: Site) -> None:
    sqlite_site.store.put_bytes("originals/k", b"the original")
    entry = sqlite_site.add_published()
    playback = playback_of(sqlite_site.visitor("admin"), entry)
    admin = sqlite_site.visitor("admin")

    for path in ("/originals/k", "/store/originals/k", "/media/originals/k", media_path(playback, "originals/k")):
        assert admin.get(path).status_code == 404
    assert not any("original" in rule.rule for rule in sqlite_site.app.url_map.iter_rules())


def test_segments_in_a_bucket_are_signed_for_half_a_minute_and_all_else_is_ours(
    sqlite_database: Database, s3_server: S3Server
) -> None:
    site = make_site(sqlite_database, new_s3_store(s3_server))
    playback = playback_of(site.visitor("trainee"), site.add_published())
    nobody = site.anonymous()

    for path in ("master.m3u8", "video/360p/index.m3u8", "poster.jpg", "storyboard.jpg"):
        assert nobody.get(media_path(playback, path)).data == PACKAGE[path]
    assert "/media/" in nobody.get(media_path(playback, "storyboard.vtt")).text
    answer = nobody.get(media_path(playback, "video/360p/0001.m4s"))

    assert answer.status_code == 302
    assert answer.headers["Cache-Control"] == "no-store"
    location = answer.headers["Location"]
    assert requests.get(location, timeout=10).content == PACKAGE["video/360p/0001.m4s"]
    ranged = requests.get(location, headers={"Range": "bytes=10-19"}, timeout=10)
    assert (ranged.status_code, ranged.content) == (206, PACKAGE["video/360p/0001.m4s"][10:20])
    assert requests.get(location.partition("?")[0], timeout=10).status_code == 403
    policy = nobody.get("/").headers["Content-Security-Policy"]
    assert s3_server.endpoint in policy
    assert "script-src 'self';" in policy
