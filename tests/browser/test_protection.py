"""Playback protection in the system's Chromium: addresses renewed unnoticed, the watcher's name over the picture."""

from __future__ import annotations

import json
import time
from typing import Any

from config.settings import load_settings
from tests.browser.conftest import Served, log_in
from tests.browser.test_story_watch import QUALITIES, VIDEO, wait_for_time, wait_until
from videolib.web.media_links import MediaLinks

PLAYER = "document.querySelector('vl-player')"
MARK = "张伟 · A-17 · 2026-11-26"


def test_addresses_are_renewed_ahead_and_who_watches_does_not_notice(page: Any, served: Served) -> None:
    log_in(page, served)
    page.goto(f"{served.url}/entries/{served.entry_id}?t=0")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=60_000)
    playback = page.evaluate(f"{PLAYER}.playback")
    old = playback["hls_url"].split("/media/")[1].split("/")[0]
    links = MediaLinks(load_settings({"VIDEOLIB_HOME": str(served.home)}))
    grant = links.read(old)
    later = MediaLinks(load_settings({"VIDEOLIB_HOME": str(served.home)}), clock=lambda: time.time() + 7200)
    new, _ = later.make(grant.person_id, grant.entry_id, grant.package_id)
    asked: list[str] = []
    fresh = json.loads(json.dumps(playback).replace(old, new))
    page.route("**/playback", lambda route: route.fulfill(json=fresh))
    page.evaluate(
        f"window.breaks = []; for (const name of ['error', 'source-change', 'waiting'])"
        f" {PLAYER}.player.addEventListener(name, () => window.breaks.push(name))"
    )

    page.evaluate(f"{PLAYER}.renew({{ ahead: true }})")
    wait_until(page, f"{PLAYER}.playback.hls_url.includes('{new}')")
    # from now on the old address is worth nothing
    page.route(f"**/media/{old}/**", lambda route: route.fulfill(status=410, body=""))
    page.on("request", lambda request: asked.append(request.url) if "/media/" in request.url else None)
    # what was loaded before is not asked for again: another size is
    page.evaluate(
        f"{QUALITIES}.toArray().find(one => one.height !== {VIDEO}.videoHeight && one.height < 720).selected = true"
    )
    page.evaluate(f"{VIDEO}.currentTime = 14")
    page.keyboard.press("k")

    wait_for_time(page, 15)
    # pictures of the seek bar come by the address that they were first given; they are not waited for
    assert [url for url in asked if old in url and ("/video/" in url or "/audio/" in url)] == []
    assert [url for url in asked if new in url and "/video/" in url]
    assert {"error", "source-change"} & set(page.evaluate("window.breaks")) == set()


def test_the_watchers_name_stands_over_the_picture_moves_and_stays_in_full_screen(page: Any, served: Served) -> None:
    def with_mark(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(
            response=answer, body=answer.text().replace('"duration_s"', f'"watermark": "{MARK}", "duration_s"')
        )

    log_in(page, served)
    page.clock.install()
    page.route(f"**/entries/{served.entry_id}*", with_mark)
    page.goto(f"{served.url}/entries/{served.entry_id}?t=0")
    mark = page.locator("vl-player .watermark")
    mark.wait_for()
    assert mark.text_content() == MARK
    before = mark.get_attribute("style")
    page.evaluate(f"{PLAYER}.querySelector('.watermark').remove()")

    page.clock.run_for(25_000)

    mark.wait_for()
    assert mark.get_attribute("style") != before
    picture, box = page.locator("vl-player media-player").bounding_box(), mark.bounding_box()
    for start, length in (("x", "width"), ("y", "height")):
        assert picture[start] <= box[start]
        assert box[start] + box[length] <= picture[start] + picture[length]
    page.keyboard.press("f")
    wait_until(page, "document.fullscreenElement !== null")
    assert page.evaluate("document.fullscreenElement.contains(document.querySelector('.watermark'))")
    assert page.evaluate(f"{VIDEO}.disablePictureInPicture")
