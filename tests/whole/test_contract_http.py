"""The contract's section 5 over a real socket: a recording that was really made, played by a real player."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from ingest.ffmpeg import find_tools
from ingest.intake import Item, take_in
from ingest.worker import run_worker
from ingest.workshop import Workshop
from tests.samples import make_recording
from tests.servers import new_s3_store
from tests.visitors import Site, answering, make_site
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.job_lists import list_open_jobs
from videolib.children import S3Server
from videolib.db import Database
from videolib.storage import GrowingStore, open_store

VALUES = {
    "title": {"zh": "髂动脉支架植入术", "en": "Iliac artery stenting"},
    "procedures": ["proc.stent_iliac"],
    "content_type": "ct.simulation",
}
SECONDS = 6
VTT = "WEBVTT\n\n00:01.000 --> 00:03.000\n置入覆膜支架\n"
PLAYBACK = {"hls_url", "expires_at", "duration_s", "poster_url", "storyboard_url", "captions", "chapters", "views"}


@dataclass
class Served:
    """A library that answers at `base`, with one published entry in it."""

    site: Site
    base: str
    entry_id: str
    recording_id: str

    def get(self, path: str, role: str | None = None, **headers: str) -> requests.Response:
        given = self.site.bearer(role) if role else {}
        return requests.get(self.base + path, headers={**given, **headers}, timeout=30)


def make_watchable(site: Site, originals: GrowingStore, folder: Path) -> tuple[str, str]:
    """Take a recording in, publish it when it is ready; gives the ids of entry and recording."""
    recording = make_recording(folder / "髂动脉 支架.mp4", seconds=SECONDS, size="640x360")
    item = Item(recording, parse_values(VALUES), captions={"zh-Hans": VTT}, generated=True)
    taken = take_in(site.database, originals, item, by=None, publish=True)

    def is_done() -> bool:
        with site.database.reading() as session:
            return not list_open_jobs(session)

    run_worker(Workshop(site.settings, site.database, site.store, originals), index=None, stop=is_done)
    site.reindex()
    return taken.entry_id, taken.recording_id


def answered_by(site: Site, folder: Path) -> Iterator[Served]:
    originals = open_store(f"file:{folder / 'originals'}")
    originals.prepare(None)
    entry_id, recording_id = make_watchable(site, originals, folder)
    with answering(site.app) as base:
        yield Served(site, base, entry_id, recording_id)
    site.index.close()


@pytest.fixture
def served(sqlite_database: Database, tmp_path: Path) -> Iterator[Served]:
    yield from answered_by(make_site(sqlite_database), tmp_path)


@pytest.fixture
def served_from_bucket(sqlite_database: Database, tmp_path: Path, s3_server: S3Server) -> Iterator[Served]:
    yield from answered_by(make_site(sqlite_database, new_s3_store(s3_server)), tmp_path)


def decoded_s(url: str) -> float:
    """The seconds of picture that ffmpeg decodes from an address, with no cookie and no header."""
    command = [
        str(find_tools().ffmpeg),
        "-v",
        "error",
        "-nostdin",
        "-i",
        url,
        "-map",
        "0:v:0",
        "-progress",
        "-",
        "-f",
        "null",
        "-",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    times = [line.partition("=")[2] for line in done.stdout.splitlines() if line.startswith("out_time_us=")]
    return int(times[-1]) / 1e6


def as_json(answer: requests.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def test_an_entry_s_address_plays_in_ffmpeg_with_no_cookie_and_no_header(served: Served) -> None:
    playback = as_json(served.get(f"/api/v1/entries/{served.entry_id}/playback", "trainee"))

    assert set(playback) == PLAYBACK
    assert playback["hls_url"].startswith(served.base + "/media/")
    assert playback["duration_s"] == pytest.approx(SECONDS, abs=0.05)
    assert decoded_s(playback["hls_url"]) == pytest.approx(SECONDS, abs=0.1)
    poster = requests.get(playback["poster_url"], timeout=10)
    assert poster.headers["Content-Type"] == "image/jpeg"
    assert poster.content.startswith(b"\xff\xd8")
    storyboard = requests.get(playback["storyboard_url"], timeout=10).text
    picture = next(line for line in storyboard.splitlines() if "#xywh=" in line).partition("#")[0]
    assert requests.get(served.base + picture, timeout=10).content.startswith(b"\xff\xd8")
    captions = requests.get(playback["captions"][0]["url"], timeout=10)
    assert "置入覆膜支架" in captions.content.decode()


def test_an_entry_in_a_bucket_plays_in_ffmpeg_too(served_from_bucket: Served) -> None:
    playback = as_json(served_from_bucket.get(f"/api/v1/entries/{served_from_bucket.entry_id}/playback", "trainee"))

    assert decoded_s(playback["hls_url"]) == pytest.approx(SECONDS, abs=0.1)


def test_every_address_inside_the_playlists_carries_the_signature(served: Served) -> None:
    playback = as_json(served.get(f"/api/v1/entries/{served.entry_id}/playback", "trainee"))
    master = requests.get(playback["hls_url"], timeout=10).text
    lists = [line for line in master.splitlines() if line and not line.startswith("#")]
    assert lists

    for name in lists:
        address = playback["hls_url"].rpartition("/")[0] + "/" + name
        playlist = requests.get(address, timeout=10)
        assert playlist.headers["Content-Type"] == "application/vnd.apple.mpegurl"
        for line in playlist.text.splitlines():
            if line and not line.startswith("#"):
                assert "://" not in line
                assert not line.startswith("/")
                segment = requests.get(
                    address.rpartition("/")[0] + "/" + line, headers={"Range": "bytes=0-15"}, timeout=10
                )
                assert (segment.status_code, len(segment.content)) == (206, 16)


def test_health_is_open_and_numbers_answer_loopback(served: Served) -> None:
    assert as_json(served.get("/healthz")) == {"status": "ok"}
    assert as_json(served.get("/readyz"))["failing"] == []
    assert "videolib_requests_total" in served.get("/metrics").text
    passed_on = {"X-Forwarded-For": "127.0.0.1"}
    assert served.get("/metrics", **passed_on).status_code == 401
    assert served.get("/metrics", "trainee", **passed_on).status_code == 200


def test_nobody_gets_lists_without_and_404_for_what_is_not_public(served: Served) -> None:
    for path in ("/", "/search", "/api/v1/entries", "/api/v1/search"):
        answer = served.get(path)
        assert answer.status_code == 200
        assert served.entry_id not in answer.text
    for path in (
        f"/entries/{served.entry_id}",
        f"/api/v1/entries/{served.entry_id}",
        f"/api/v1/recordings/{served.recording_id}",
    ):
        assert served.get(path).status_code == 404
    answer = requests.post(served.base + "/api/v1/entries", json={}, timeout=10)
    assert as_json(answer, 401)["code"] == "login_required"


def test_a_recording_tells_how_far_it_is(served: Served) -> None:
    answer = as_json(served.get(f"/api/v1/recordings/{served.recording_id}", "editor"))

    assert {"state", "stage", "progress", "reason"} <= set(answer)
    assert (answer["state"], answer["progress"], answer["reason"]) == ("ready", 1.0, None)
    assert answer["entry_id"] == served.entry_id


@pytest.mark.parametrize("query", ["支架", "stent", "覆膜支架"])
def test_a_search_in_both_languages_finds_it_with_the_contract_s_shape(served: Served, query: str) -> None:
    answer = as_json(served.get(f"/api/v1/search?q={query}&lang=en&limit=5", "trainee"))

    assert {"total", "took_ms", "next_cursor", "hits", "facets", "did_you_mean"} <= set(answer)
    assert [hit["entry_id"] for hit in answer["hits"]] == [served.entry_id]
    assert {"title", "snippet", "score", "moments"} <= set(answer["hits"][0])
    for facet in answer["facets"].values():
        assert all({"term", "label", "count"} <= set(item) for item in facet)
    narrowed = as_json(served.get("/api/v1/search?facet=procedure:proc.stent_iliac", "trainee"))
    assert narrowed["total"] == 1


def test_lists_and_vocabulary_have_the_contract_s_shape(served: Served) -> None:
    assert set(as_json(served.get("/api/v1/entries", "trainee"))) == {"items", "next_cursor"}
    assert len(as_json(served.get("/api/v1/entries", "trainee"))["items"]) == 1
    terms = as_json(served.get("/api/v1/vocabulary/procedure"))["items"]
    assert {"zh", "en"} <= set(terms[0]["labels"])
    assert "items" in as_json(served.get("/api/v1/suggest?q=st", "trainee"))
    document = as_json(served.get("/api/v1/openapi.json"))
    assert document["openapi"].startswith("3.")
    assert "/api/v1/entries/{entry_id}/playback" in document["paths"]
