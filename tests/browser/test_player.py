"""The player on the watch page, as a trainee uses it: keys, frames, speed, quality, thumbnails, captions, a loop."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.browser.conftest import Served, log_in
from tests.browser.test_story_watch import PLAY_WAIT_MS, VIDEO, play, wait_for_time, wait_until
from tests.browser.watching import PLAYER, add_described_entry, open_entry, stands_at

FRAME_S = 1 / 25


@pytest.fixture(scope="module")
def watched(served: Served) -> str:
    return add_described_entry(served)


def test_comma_and_dot_go_by_one_frame_however_fast_they_come(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 20."""
    open_entry(page, served, watched, query="?t=2.02")
    wait_until(page, stands_at(2.02))
    page.evaluate(
        "(() => { const video = document.querySelector('vl-player video');"
        " const look = (_, frame) => { window.shownS = frame.mediaTime; video.requestVideoFrameCallback(look); };"
        " video.requestVideoFrameCallback(look); })()"
    )

    page.keyboard.press(".")
    wait_until(page, stands_at(2.06))
    wait_until(page, "Math.abs(window.shownS - 2.04) < 0.002")
    # pressed while it seeks: none is lost, in either direction
    page.evaluate(
        "for (const key of '.......,,') document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))"
    )
    wait_until(page, stands_at(2.06 + 5 * FRAME_S))
    wait_until(page, f"Math.abs(window.shownS - {2.04 + 5 * FRAME_S}) < 0.002")

    assert page.locator("vl-frame-time output").inner_text() == "0:02.260 · 第 57 帧"
    page.locator("vl-frame-time button[data-step='-1']").click()
    wait_until(page, stands_at(2.06 + 4 * FRAME_S))


def test_every_key_does_what_the_list_says_and_none_in_a_text_field(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 19 (theatre, full screen), 21."""
    open_entry(page, served, watched)
    page.keyboard.press("k")
    wait_until(page, f"!{PLAYER}.paused")
    page.keyboard.press("Space")
    wait_until(page, f"{PLAYER}.paused")
    page.keyboard.press("5")
    wait_until(page, stands_at(10))
    page.keyboard.press("ArrowLeft")
    wait_until(page, f"{PLAYER}.currentTime < 6 && !{VIDEO}.seeking")
    page.keyboard.press("l")
    wait_until(page, f"{PLAYER}.currentTime > 9 && !{VIDEO}.seeking")
    page.keyboard.press("0")
    wait_until(page, f"{PLAYER}.currentTime < 0.1 && !{VIDEO}.seeking")
    page.keyboard.press("ArrowRight")
    wait_until(page, f"{PLAYER}.currentTime > 4 && !{VIDEO}.seeking")
    page.keyboard.press("j")
    wait_until(page, f"{PLAYER}.currentTime < 1 && !{VIDEO}.seeking")
    page.keyboard.press("m")
    wait_until(page, f"{PLAYER}.state.muted")
    page.keyboard.press("m")
    page.keyboard.press("<")
    wait_until(page, f"{PLAYER}.playbackRate === 0.75")
    page.keyboard.press(">")
    wait_until(page, f"{PLAYER}.playbackRate === 1")
    showing = f"{PLAYER}.textTracks.toArray().some(one => one.mode === 'showing' && one.kind !== 'chapters')"
    before = page.evaluate(showing)
    page.keyboard.press("c")
    wait_until(page, f"{showing} !== {json.dumps(before)}")
    page.keyboard.press("t")
    wait_until(page, "document.querySelector('.watch__grid--theatre') !== null")
    assert page.evaluate("localStorage.getItem('videolib-theatre')") == "1"
    page.keyboard.press("f")
    wait_until(page, "document.fullscreenElement?.localName === 'media-player'")
    assert page.evaluate("document.fullscreenElement.querySelector('svg.overlays') !== null")
    page.keyboard.press("f")
    wait_until(page, "document.fullscreenElement === null")
    page.evaluate(f"{PLAYER}.focus()")
    volume = page.evaluate(f"{PLAYER}.volume")
    page.keyboard.press("ArrowDown")
    wait_until(page, f"{PLAYER}.volume < {volume}")
    page.keyboard.press("ArrowUp")
    wait_until(page, f"Math.abs({PLAYER}.volume - {volume}) < 0.001")


def test_full_screen_ends_and_begins_by_a_press_that_comes_before_the_player_knows_of_the_last(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 21."""
    open_entry(page, served, watched)
    for _ in range(4):  # most often the press comes between the document and the player
        press_again_when(page, "document.fullscreenElement")
        wait_until(page, f"window.pressed && !document.fullscreenElement && !{PLAYER}.state.fullscreen")
        page.keyboard.press("f")
        wait_until(page, f"document.fullscreenElement && {PLAYER}.state.fullscreen")
        press_again_when(page, "!document.fullscreenElement")
        wait_until(page, f"window.pressed && document.fullscreenElement && {PLAYER}.state.fullscreen")
        page.keyboard.press("f")
        wait_until(page, f"!document.fullscreenElement && !{PLAYER}.state.fullscreen")


def press_again_when(page: Any, condition: str) -> None:
    """Press f, and once more, in the page, as soon as the condition holds there."""
    page.evaluate(
        f"(() => {{ window.pressed = 0; const look = () => {{ if (!({condition})) return setTimeout(look);"
        " document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'f', bubbles: true}));"
        " window.pressed = 1; }; look(); })()"
    )
    page.keyboard.press("f")


def test_a_place_that_is_chosen_before_the_first_picture_is_where_it_begins(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    playlists = "**/media/*/video/*/*.m3u8*"
    page.route(playlists, lambda _route: None)
    log_in(page, served, "trainee")
    with page.expect_request(playlists):
        page.goto(f"{served.url}/entries/{watched}?t=15")
    page.evaluate("document.querySelector('vl-player').seek(0, { play: false })")
    page.unroute(playlists)  # lets go what was held, too

    wait_until(page, f"{VIDEO}.readyState >= 2 && !{VIDEO}.seeking")
    assert page.evaluate(f"{VIDEO}.currentTime") < 0.1


def test_keys_act_in_no_text_field_and_can_be_switched_off(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 21 (the list, text fields, the switch)."""
    open_entry(page, served, watched)
    page.keyboard.press("?")
    page.get_by_role("tab", name="快捷键", selected=True).wait_for()
    page.get_by_role("tab", name="我的笔记").click()
    page.fill("#note-text", "kjl mfct")
    assert page.evaluate(f"{PLAYER}.paused && !{PLAYER}.state.muted && document.fullscreenElement === null")
    page.get_by_role("tab", name="快捷键").click()
    page.locator("vl-shortcut-list input").uncheck()
    page.locator("h1").click()
    page.keyboard.press("m")
    assert page.evaluate(f"{PLAYER}.state.muted") is False
    page.reload()
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    page.keyboard.press("m")
    assert page.evaluate(f"{PLAYER}.state.muted") is False


def test_speed_is_remembered_and_quality_goes_back_to_auto(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 19."""
    open_entry(page, served, watched)
    for _ in range(3):
        page.keyboard.press(">")
    wait_until(page, f"{PLAYER}.playbackRate === 1.75")
    for _ in range(8):
        page.keyboard.press("<")
    wait_until(page, f"{PLAYER}.playbackRate === 0.25")
    for _ in range(9):
        page.keyboard.press(">")
    wait_until(page, f"{PLAYER}.playbackRate === 2")
    page.keyboard.press("<")
    page.reload()
    play(page)
    wait_until(page, f"{VIDEO}.playbackRate === 1.75")
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "/media/" not in kept, "an address with a signature, and the place of whoever sat here before"

    qualities = f"{PLAYER}.qualities"
    assert page.evaluate(f"{qualities}.auto")
    page.evaluate(f"{qualities}.toArray()[0].selected = true")
    wait_until(page, f"!{qualities}.auto")
    page.evaluate(f"{qualities}.autoSelect()")
    wait_until(page, f"{qualities}.auto")


def test_the_thumbnail_shows_the_hovered_time(page: Any, served: Served, watched: str) -> None:
    """Checklist 18."""
    open_entry(page, served, watched)
    play(page)
    wait_for_time(page, 0.2)
    page.evaluate(f"{PLAYER}.pause()")
    slider = page.locator("vl-player media-time-slider").first
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2)
    wait_until(page, "document.querySelector('media-slider-thumbnail img')?.complete === true")
    wait_until(page, "/translate/.test(document.querySelector('media-slider-thumbnail img').style.transform)")

    found = page.evaluate(
        """async () => {
          const element = document.querySelector('media-slider-thumbnail');
          const image = element.querySelector('img');
          const scale = image.getBoundingClientRect().width / image.naturalWidth;
          const [left, top] = image.style.transform.match(/-?[\\d.]+(?=px)/g).map(Number);
          const playback = document.querySelector('vl-player').playback;
          const text = await (await fetch(playback.storyboard_url)).text();
          const clock = part => part.split(':').reduce((sum, one) => sum * 60 + Number(one), 0);
          const cues = [...text.matchAll(/([\\d:.]+) --> ([\\d:.]+)\\n\\S+#xywh=(\\d+),(\\d+)/g)]
            .map(([, from, to, x, y]) => ({ from: clock(from), to: clock(to), x: Number(x), y: Number(y) }));
          const cue = cues.find(one => Math.abs(one.x * scale + left) < 2 && Math.abs(one.y * scale + top) < 2);
          return { cue, count: cues.length };
        }"""
    )

    tile_s = found["cue"]["to"] - found["cue"]["from"]
    assert found["count"] > 1
    assert found["cue"]["from"] - tile_s <= 0.6 * 20 <= found["cue"]["to"] + tile_s


def test_captions_keep_their_look_and_never_lie_under_the_bar(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 16."""
    open_entry(page, served, watched, query="?t=2")
    page.evaluate(f"{PLAYER}.textTracks.toArray().find(one => one.language === 'zh-Hans').mode = 'showing'")
    play(page)
    caption = page.locator("vl-player .vds-captions [data-part='cue']", has_text="穿刺股动脉").first
    caption.wait_for(timeout=PLAY_WAIT_MS)
    page.evaluate(f"{PLAYER}.pause()")
    page.evaluate(f"{PLAYER}.controls.show()")
    wait_until(
        page,
        "(() => { const cue = document.querySelector('vl-player [data-part=cue]').getBoundingClientRect();"
        " const bar = document.querySelector('vl-player media-time-slider').getBoundingClientRect();"
        " return cue.bottom <= bar.top + 1; })()",
    )

    page.evaluate("localStorage.setItem('vds-player:font-size', '150%')")
    page.reload()
    play(page)
    size = (
        "getComputedStyle(document.querySelector('vl-player media-player')).getPropertyValue('--media-user-font-size')"
    )
    wait_until(page, f"{size} !== ''")


def test_a_manoeuvre_is_looped_and_its_link_brings_the_loop_along(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 25 (loop)."""
    open_entry(page, served, watched, query="?t=4&end=5")
    play(page)

    wait_for_time(page, 4.5)
    wait_until(page, f"{VIDEO}.currentTime < 4.4")
    assert page.locator("vl-loop output").inner_text() == "0:04.000 – 0:05.000"
    page.locator("vl-loop button").click()
    wait_for_time(page, 5.3)

    page.evaluate(f"{PLAYER}.pause()")
    page.locator("vl-loop button").click()
    page.keyboard.press("ArrowRight")
    wait_until(page, f"{PLAYER}.currentTime > 9 && !{VIDEO}.seeking")
    page.locator("vl-loop button").click()
    wait_until(page, f"{PLAYER}.currentTime < 7")
    assert page.locator("vl-loop button").get_attribute("aria-pressed") == "true"


def test_marks_lie_over_the_picture_at_their_time_and_can_be_hidden(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 24."""
    open_entry(page, served, watched, query="?t=2")
    marks = page.locator("svg.overlays rect")
    assert marks.count() == 0

    page.evaluate(f"{PLAYER}.currentTime = 7")
    wait_until(page, "document.querySelectorAll('svg.overlays rect').length === 1")
    picture, drawn = page.locator("vl-player video").bounding_box(), marks.first.bounding_box()
    assert drawn["x"] + drawn["width"] / 2 == pytest.approx(picture["x"] + picture["width"] * 0.5, abs=6)
    assert drawn["y"] + drawn["height"] / 2 == pytest.approx(picture["y"] + picture["height"] * 0.425, abs=6)
    # what it says stands in the list as text
    assert page.locator("#outline").get_by_text("肿瘤染色").is_visible()

    page.locator("vl-overlays button").click()
    wait_until(page, "document.querySelector('svg.overlays').hasAttribute('hidden')")
    page.evaluate(f"{PLAYER}.currentTime = 11")
    wait_until(page, "document.querySelectorAll('svg.overlays rect').length === 0")


def test_the_picture_plays_in_a_window_of_its_own(page: Any, served: Served, watched: str) -> None:
    """Checklist 19 (picture in picture)."""
    open_entry(page, served, watched)
    play(page)
    wait_for_time(page, 0.3)

    if page.evaluate("document.pictureInPictureEnabled"):
        page.keyboard.press("p")
        wait_until(page, "document.pictureInPictureElement !== null")
        page.evaluate("document.exitPictureInPicture()")
    else:  # a browser without it shows no button for it
        assert page.locator("vl-player media-pip-button:visible").count() == 0


def test_all_scripts_that_the_page_really_loads_before_play_stay_below_300_kilobytes(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 5 (the weight of the page; its scores are measured)."""
    scripts: dict[str, int] = {}
    page.on(
        "response",
        lambda answer: (
            scripts.update({answer.url: len(gzip.compress(answer.body()))}) if answer.url.endswith(".js") else None
        ),
    )

    open_entry(page, served, watched)
    page.wait_for_load_state("networkidle")

    assert len(scripts) > 5
    assert sum(scripts.values()) <= 300_000


def test_who_has_begun_to_watch_in_the_pages_own_video_goes_on_in_the_player(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """On a slow line the browser's own controls are there for a while; a stand-in for native HLS plays."""
    log_in(page, served)
    held: list[Any] = []
    page.route("**/static/built/player-*.js", lambda route: held.append(route))  # noqa: PLW0108 - a method of C takes no note
    page.goto(f"{served.url}/entries/{watched}", wait_until="commit")
    native = "document.querySelector('.stage__native')"
    page.locator("h1").click()
    page.evaluate(
        "(video) => { const canvas = document.createElement('canvas'); canvas.getContext('2d').fillRect(0, 0, 9, 9);"
        " Object.assign(video, { muted: true, srcObject: canvas.captureStream(25) }); video.play();"
        " setInterval(() => canvas.getContext('2d').fillRect(0, 0, 9, 9), 40); }",
        page.query_selector(".stage__native"),
    )
    wait_until(page, f"{native}.currentTime > 1.5")

    for route in held:
        route.continue_()

    wait_until(page, f"{native} === null")
    wait_until(page, f"!{PLAYER}.paused && {VIDEO}?.currentTime > 1.5")
