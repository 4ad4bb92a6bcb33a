"""Playback protection: short-lived addresses that outlive a pause, revocations within a minute, the watcher's name."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import m3u8
import pytest
import requests

from tests.servers import new_s3_store
from tests.visitors import PACKAGE, Site, Visitor, make_site, media_path
from videolib.catalogue import people, publishing
from videolib.catalogue.entries import Entry
from videolib.catalogue.packages import Package
from videolib.children import S3Server
from videolib.db import Database
from videolib.web.media_gate import REMEMBERED_S, MediaGate
from videolib.web.media_links import MediaLinks

HOUR_S = 3600
MINUTE_S = 60.0
SEGMENT = "video/360p/0001.m4s"


@pytest.fixture(params=["folder", "nginx", "s3"])
def stored(request: pytest.FixtureRequest, sqlite_database: Database) -> Iterator[Site]:
    """A site on each store, and behind nginx."""
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        made = make_site(sqlite_database, new_s3_store(server))
    else:
        made = make_site(sqlite_database, accel_prefix="/stored/" if request.param == "nginx" else None)
    yield made
    made.index.close()


def move_clocks(site: Site, by_s: float) -> None:
    """Let so much time go by for signed addresses and for what the gate remembers."""
    found = site.app.extensions["videolib"]
    links = MediaLinks(site.settings, clock=lambda: time.time() + by_s)
    gate = MediaGate(site.database, clock=lambda: time.monotonic() + by_s)
    # what was remembered is remembered still, as by a process that went on
    gate._allowed.update(found.gate._allowed)
    site.app.extensions["videolib"] = replace(found, links=links, gate=gate)


def is_served(visitor: Visitor, path: str) -> bool:
    """Whether a segment comes: its bytes, or the order to nginx, or a store's own address that answers them."""
    answer = visitor.get(path)
    if answer.status_code == 302:
        lasts_s = int(parse_qs(urlsplit(answer.headers["Location"]).query)["X-Amz-Expires"][0])
        assert lasts_s <= MINUTE_S
        return requests.get(answer.headers["Location"], timeout=10).content == PACKAGE[SEGMENT]
    if "X-Accel-Redirect" in answer.headers:
        return answer.headers["X-Accel-Redirect"].endswith(SEGMENT)
    return answer.data == PACKAGE[SEGMENT]


def set_length(site: Site, entry: Entry, length_s: float) -> None:
    with site.database.writing() as session:
        session.get_one(Package, entry.package_id).duration_s = length_s


def test_a_player_paused_for_two_hours_at_the_end_of_a_long_recording_goes_on(stored: Site) -> None:
    """As Safari does, which reads the playlists once and never asks for another address."""
    entry, person = stored.add_published(), stored.visitor("trainee")
    set_length(stored, entry, 3 * HOUR_S)
    playback = person.get(f"/api/v1/entries/{entry.id}/playback").json
    assert playback is not None
    nobody = stored.anonymous()
    listed = m3u8.loads(nobody.get(media_path(playback, "video/360p/index.m3u8")).text)
    segment = media_path(playback, f"video/360p/{listed.segments[0].uri}")
    assert is_served(nobody, segment)

    move_clocks(stored, 3 * HOUR_S + 2 * HOUR_S)

    assert is_served(nobody, segment)
    # but not for ever; whoever still may gets another
    move_clocks(stored, 9 * HOUR_S)
    assert nobody.get(segment).status_code == 410
    again = person.get(f"/api/v1/entries/{entry.id}/playback").json
    assert again is not None
    assert is_served(nobody, media_path(again, SEGMENT))


@pytest.mark.parametrize("deed", ["withdrawn", "barred", "restricted"])
def test_what_is_revoked_by_another_process_is_out_of_reach_within_a_minute(stored: Site, deed: str) -> None:
    entry = stored.add_published()
    playback = stored.visitor("trainee").get(f"/api/v1/entries/{entry.id}/playback").json
    assert playback is not None
    nobody = stored.anonymous()
    segment, playlist = media_path(playback, SEGMENT), media_path(playback, "video/360p/index.m3u8")
    kept = nobody.get(segment)
    assert is_served(nobody, segment)

    with stored.database.writing() as session:  # not through the application: it forgets nothing by itself
        row = session.get_one(Entry, entry.id)
        if deed == "withdrawn":
            publishing.withdraw_entry(session, row, "A name is heard.", by=None)
        elif deed == "barred":
            people.disable_user(session, "trainee@hospital.example")
        else:
            row.audience = "people"

    # a playlist is asked about each time; of a segment the answer is remembered for some seconds
    assert nobody.get(playlist).status_code == 404
    move_clocks(stored, REMEMBERED_S)
    assert nobody.get(segment).status_code == 404
    # what was given at the last of these seconds: a browser's copy, or the store's own address
    told = kept.headers.get("Cache-Control", "") + kept.headers.get("Location", "")
    lives_s = max((int(found) for found in re.findall(r"(?:max-age|X-Amz-Expires)=(\d+)", told)), default=0)
    assert REMEMBERED_S + lives_s < MINUTE_S


def test_the_watchers_name_and_number_stand_in_what_a_player_is_told_where_the_library_wants_it(
    sqlite_database: Database,
) -> None:
    site = make_site(sqlite_database, watermark=True)
    entry = site.add_published(audience="public")
    person = site.add_person("trainee")
    with site.database.writing() as session:
        row = session.get_one(people.User, person.id)
        row.display_name, row.staff_number = "张伟", "A-17"
    visitor, nobody = site.visitor("trainee"), site.anonymous()
    playback = f"/api/v1/entries/{entry.id}/playback"

    told = visitor.get(playback).json
    assert told is not None
    assert told["watermark"].startswith("张伟 · A-17 · ")
    assert "watermark" not in (nobody.get(playback).json or {})
    # without a script nothing could draw it: then nothing plays
    assert 'src="http' not in visitor.get(f"/entries/{entry.id}").text.partition("<video")[2].partition(">")[0]
    assert 'src="http' in nobody.get(f"/entries/{entry.id}").text.partition("<video")[2].partition(">")[0]


def test_no_name_is_asked_for_unless_it_is_set(sqlite_site: Site) -> None:
    entry = sqlite_site.add_published()

    told = sqlite_site.visitor("trainee").get(f"/api/v1/entries/{entry.id}/playback").json

    assert told is not None
    assert "watermark" not in told
