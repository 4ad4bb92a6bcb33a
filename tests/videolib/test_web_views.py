"""Views, runs and the frame map of a DICOM recording, as the playback answer gives them."""

from __future__ import annotations

from typing import Any

from tests.visitors import DESCRIPTION, PACKAGE, Site, media_path
from videolib.catalogue.entries import Entry
from videolib.catalogue.packages import Chunk, Package

CINE: dict[str, Any] = {
    "views": [{"name": "subtracted", "multivariant": "views/subtracted/master.m3u8", "renditions": []}],
    "runs": [
        {"number": 1, "start_s": 0.0, "end_s": 2.5, "angle": "LAO 30 CRAN 15"},
        {"number": 2, "start_s": 2.5, "end_s": 4.0, "angle": None},
    ],
    "frame_steps": [[0.0, 0.1, 25], [2.5, 0.5, 3]],
}


def add_cine(site: Site) -> Entry:
    """A published entry whose package has a subtracted view, which is the same files once more."""
    entry = site.add_published()
    with site.database.writing() as session:
        package = session.get_one(Package, entry.package_id)
        package.description = {**DESCRIPTION, **CINE}
        chunk = session.query(Chunk).filter_by(package_id=package.id).one()
        objects = list(chunk.objects)
        for item in chunk.objects:
            path = f"views/subtracted/{item['path']}"
            site.store.put_bytes(f"{package.prefix}/{path}", PACKAGE[item["path"]])
            objects.append({**item, "path": path})
        chunk.objects = objects
    return entry


def playback_of(site: Site, entry: Entry, language: str = "en") -> dict[str, Any]:
    answer = site.visitor("trainee").get(f"/api/v1/entries/{entry.id}/playback", headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def test_every_view_has_an_address_that_plays_by_itself(site: Site) -> None:
    playback = playback_of(site, add_cine(site))

    views = {view["name"]: view for view in playback["views"]}
    assert list(views) == ["native", "subtracted"]
    assert views["native"]["hls_url"] == playback["hls_url"]
    address = views["subtracted"]["hls_url"].removeprefix("http://localhost")
    nobody = site.anonymous()
    assert nobody.get(address).data == PACKAGE["master.m3u8"]
    assert nobody.get(address.replace("master.m3u8", "video/360p/0001.m4s")).status_code == 200
    storyboard = nobody.get(address.replace("master.m3u8", "storyboard.vtt")).text
    (picture,) = (line for line in storyboard.splitlines() if line.startswith("/media/"))
    assert picture.endswith("/views/subtracted/storyboard.jpg#xywh=0,0,160,90")
    assert nobody.get(picture.split("#")[0]).mimetype == "image/jpeg"


def test_runs_are_chapters_with_the_angle_of_the_c_arm(site: Site) -> None:
    entry = add_cine(site)

    assert playback_of(site, entry)["chapters"] == [
        {"start_s": 0.0, "end_s": 2.5, "title": "Run 1 · LAO 30 CRAN 15"},
        {"start_s": 2.5, "end_s": 4.0, "title": "Run 2"},
    ]
    assert playback_of(site, entry, "zh")["views"][1]["label"] == "减影"


def test_the_player_learns_when_each_frame_comes(site: Site) -> None:
    assert playback_of(site, add_cine(site))["frame_steps"] == CINE["frame_steps"]


def test_a_player_begins_with_the_view_that_the_recording_recommends(site: Site) -> None:
    entry = add_cine(site)
    first = [view["name"] for view in playback_of(site, entry)["views"] if view["recommended"]]

    with site.database.writing() as session:
        package = session.get_one(Package, entry.package_id)
        package.description = {**package.description, "recommended_view": "subtracted"}

    assert first == ["native"]
    assert [view["recommended"] for view in playback_of(site, entry)["views"]] == [False, True]
    page = site.visitor("trainee").get(f"/entries/{entry.id}").text
    assert 'value="subtracted" checked' in page
    assert 'value="native" checked' not in page


def test_a_recording_without_views_offers_none(site: Site) -> None:
    playback = playback_of(site, site.add_published())

    assert (playback["views"], playback["chapters"]) == ([], [])
    assert "frame_steps" not in playback
    assert site.anonymous().get(media_path(playback, "views/subtracted/master.m3u8")).status_code == 404
