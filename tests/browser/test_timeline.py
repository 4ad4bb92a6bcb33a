"""The annotation desk in the system's Chromium: the same work by mouse and by keyboard, undone, and saved by itself."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.browser.annotating import DESK, add_bare_entry, mark, open_desk, show, wait_until_saved
from tests.browser.conftest import Served, log_in, sticking_out
from tests.browser.test_story_watch import PLAY_WAIT_MS, problems, wait_until
from tests.browser.watching import request

FIRST, SECOND = "step.stent_iliac.01", "step.stent_iliac.02"


@pytest.fixture
def entry_id(served: Served) -> str:
    """An entry of its own, of the served recording, with nothing marked yet."""
    return add_bare_entry(served)


def saved(served: Served, entry_id: str, *, layer: str = "main") -> list[tuple[str, str, str]]:
    """Kind, time and first term of what the library has, in the order of time."""
    page = request(served, "GET", f"/api/v1/entries/{entry_id}/annotations?layer={layer}")
    return [
        (
            item["kind"],
            item["target"]["selector"]["value"],
            next((b["source"].rpartition(":")[2] for b in item["body"] if "source" in b), ""),
        )
        for item in page["items"]
    ]


def span(term: str, at: str) -> dict[str, Any]:
    body = {"type": "SpecificResource", "source": f"urn:videolib:term:{term}"}
    return {"type": "Annotation", "body": body, "target": f"urn:x#{at}"}


def delete(served: Served, path: str) -> None:
    headers = {"Authorization": f"Bearer {served.token}"}
    asked = urllib.request.Request(served.url + path, method="DELETE", headers=headers)  # noqa: S310
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - our own loopback address
        assert answer.status == 204


def test_by_keyboard_alone_steps_are_marked_in_their_order_to_the_frame_undone_and_saved(
    page: Any, served: Served, entry_id: str, no_outside_requests: set[str]
) -> None:
    """Checklist 47."""
    open_desk(page, served, entry_id)
    show(page, 2)
    page.locator("[data-part=slider]").focus()

    page.keyboard.press("[")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.locator("[data-part=slider]").get_attribute("aria-valuetext") == "0:02.120"
    show(page, 5)
    page.keyboard.press("]")
    page.keyboard.press("Enter")
    show(page, 8)
    page.keyboard.press("]")
    page.keyboard.press("Enter")
    wait_until_saved(page)

    assert saved(served, entry_id) == [
        ("phase", "t=2,5", "ph.access"), ("step", "t=2,5", FIRST),
        ("phase", "t=5,8", "ph.baseline_img"), ("step", "t=5,8", SECOND),
    ]  # fmt: skip
    page.keyboard.press("Tab")  # the first phase
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("阶段: ")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    assert "主髂动脉造影" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("Alt+Shift+ArrowLeft")  # its end, a frame earlier
    wait_until_saved(page)
    assert ("step", "t=5,7.96", SECOND) in saved(served, entry_id)
    show(page, 7)
    page.keyboard.press("]")
    wait_until_saved(page)
    assert ("step", "t=5,7", SECOND) in saved(served, entry_id)
    page.keyboard.press("Delete")
    wait_until_saved(page)
    assert not [one for one in saved(served, entry_id) if one[2] == SECOND]
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    wait_until_saved(page)
    assert ("step", "t=5,7.96", SECOND) in saved(served, entry_id)
    page.keyboard.press("Control+Shift+z")
    wait_until_saved(page)
    assert ("step", "t=5,7", SECOND) in saved(served, entry_id)


def test_by_mouse_alone_steps_are_marked_dragged_undone_and_saved(
    page: Any, served: Served, entry_id: str, no_outside_requests: set[str]
) -> None:
    """Checklist 47."""
    open_desk(page, served, entry_id)
    ruler = page.locator("[data-part=slider]").bounding_box()

    def click_at(seconds: float) -> None:
        page.mouse.click(ruler["x"] + ruler["width"] * seconds / 20, ruler["y"] + 10)
        wait_until(page, f"Math.abs({DESK}.frames.time - {seconds}) < 0.1")

    click_at(2)
    page.locator("[data-deed=in]").click()
    click_at(6)
    page.locator("[data-deed=out]").click()
    page.locator(f'[data-step="{FIRST}"]').click()
    wait_until_saved(page)
    ((_, first, _), _) = saved(served, entry_id)
    start, end = (float(part) for part in first.removeprefix("t=").split(","))
    assert start == pytest.approx(2, abs=0.1)
    assert end == pytest.approx(6, abs=0.1)

    # its end is dragged to 10 s, and the phase goes along; then all of it 2 s further
    mark(page, "step").scroll_into_view_if_needed()
    box = mark(page, "step").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(ruler["x"] + ruler["width"] * 8 / 20, box["y"] + 10)
    page.mouse.move(ruler["x"] + ruler["width"] * 10 / 20, box["y"] + 10)
    page.mouse.up()
    wait_until_saved(page)
    times = [[float(part) for part in one[1].removeprefix("t=").split(",")] for one in saved(served, entry_id)]
    assert [end for _, end in times] == [pytest.approx(10, abs=0.15)] * 2
    page.locator("[data-deed=undo]").click()
    wait_until_saved(page)
    assert {one[1] for one in saved(served, entry_id)} == {first}
    page.locator("[data-deed=redo]").click()
    wait_until_saved(page)
    assert {one[1] for one in saved(served, entry_id)} != {first}
    mark(page, "step").click()
    page.locator("[data-deed=delete]").click()
    wait_until_saved(page)
    assert [one[0] for one in saved(served, entry_id)] == ["phase"]


def test_what_else_there_is_to_mark_has_its_row_and_its_fields(page: Any, served: Served, entry_id: str) -> None:
    """Checklist 47: events with severity, instruments, notes; a change of a field is saved and can be undone."""
    open_desk(page, served, entry_id)
    show(page, 4)
    page.keyboard.press("[")
    page.select_option("#add-kind", "event")
    page.select_option("#add-event", "comp.spasm")
    page.locator("[data-part=add]").click()
    page.select_option("#mark-severity", "cls.cirse2")
    page.fill("#mark-note-zh", "给予硝酸甘油")
    wait_until_saved(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    show(page, 6)
    page.keyboard.press("[")
    show(page, 9)
    page.keyboard.press("]")
    page.select_option("#add-kind", "instrument")
    page.select_option("#add-instrument", "dev.microcatheter")
    page.locator("[data-part=add]").click()
    wait_until_saved(page)

    items = request(served, "GET", f"/api/v1/entries/{entry_id}/annotations")["items"]
    assert [(item["kind"], item["target"]["selector"]["value"]) for item in items] == [
        ("event", "t=4"), ("instrument", "t=6,9"),
    ]  # fmt: skip
    assert {body.get("source", body.get("value")) for body in items[0]["body"]} == {
        "urn:videolib:term:comp.spasm", "urn:videolib:term:cls.cirse2", "给予硝酸甘油",
    }  # fmt: skip
    assert items[0]["generator"]["name"] == "videolib studio"
    page.fill("#mark-start", "0:07.5")
    page.keyboard.press("Tab")
    wait_until_saved(page)
    assert saved(served, entry_id)[1][1] == "t=7.5,9"


def test_edges_snap_to_the_edges_of_others_unless_they_are_told_not_to(
    page: Any, served: Served, entry_id: str
) -> None:
    """Checklist 47."""
    for target in ("t=2,5", "t=9,12"):
        body = {"type": "TextualBody", "value": target, "language": "en"}
        request(served, "POST", f"/api/v1/entries/{entry_id}/annotations",
                {"type": "Annotation", "kind": "note", "body": body, "target": f"urn:x#{target}"})  # fmt: skip
    open_desk(page, served, entry_id)
    per_second = page.locator("[data-part=slider]").bounding_box()["width"] / 20

    def drag_end(to: float) -> None:
        mark(page, "note").scroll_into_view_if_needed()
        box = mark(page, "note").bounding_box()
        page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 10)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 3 + 20, box["y"] + 10)
        page.mouse.move(box["x"] - 3 + (to - 2) * per_second, box["y"] + 10)
        page.mouse.up()
        wait_until_saved(page)

    drag_end(9 + 5 / per_second)
    assert saved(served, entry_id)[0][1] == "t=2,9"
    page.locator("[data-part=snap]").uncheck()
    drag_end(9 + 7 / per_second)
    assert saved(served, entry_id)[0][1] != "t=2,9"


def test_an_edge_snaps_to_a_change_of_scene(page: Any, served: Served, entry_id: str) -> None:
    """Checklist 47: a storyboard of two scenes, the second from 8 s on, in the place of the recording's own."""
    sheet = Image.new("RGB", (160 * 10, 90), "#202020")
    sheet.paste("#d0d0d0", (160 * 4, 0, 160 * 10, 90))
    picture = BytesIO()
    sheet.save(picture, "JPEG")
    cues = [
        f"00:{at * 2:02}.000 --> 00:{at * 2 + 2:02}.000\nstoryboard.jpg#xywh={at * 160},0,160,90\n" for at in range(10)
    ]
    page.route("**/storyboard.vtt", lambda route: route.fulfill(body="WEBVTT\n\n" + "\n".join(cues)))
    page.route("**/storyboard.jpg", lambda route: route.fulfill(body=picture.getvalue(), content_type="image/jpeg"))
    body = {"type": "TextualBody", "value": "x", "language": "en"}
    note = {"type": "Annotation", "kind": "note", "body": body, "target": "urn:x#t=2,5"}
    request(served, "POST", f"/api/v1/entries/{entry_id}/annotations", note)
    open_desk(page, served, entry_id)
    wait_until(page, f"{DESK}.track.scenes.length > 0")
    assert page.evaluate(f"{DESK}.track.scenes") == [8]
    per_second = page.locator("[data-part=slider]").bounding_box()["width"] / 20
    mark(page, "note").scroll_into_view_if_needed()
    box = mark(page, "note").bounding_box()

    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 20, box["y"] + 10)
    page.mouse.move(box["x"] - 3 + 6 * per_second + 5, box["y"] + 10)
    page.mouse.up()

    wait_until_saved(page)
    assert saved(served, entry_id)[0][1] == "t=2,8"


def break_network(page: Any, is_broken: Callable[[], bool]) -> None:
    page.route("**/api/v1/entries/*/annotations**", lambda route: route.abort() if is_broken() else route.continue_())


def test_without_the_network_the_state_says_so_and_nothing_is_lost(page: Any, served: Served, entry_id: str) -> None:
    """Checklist 47: the state of saving."""
    open_desk(page, served, entry_id)
    cut = [True]
    break_network(page, lambda: cut[0])
    show(page, 2)
    page.keyboard.press("[")
    page.locator(f'[data-step="{FIRST}"]').click()
    wait_until(page, f"{DESK}.part('state').dataset.state === 'offline'")
    assert "未保存" in page.locator("[data-part=state]").inner_text()
    cut[0] = False

    page.evaluate("window.dispatchEvent(new Event('online'))")

    wait_until_saved(page)
    assert [one[2] for one in saved(served, entry_id)] == ["ph.access", FIRST]


@pytest.mark.parametrize(("lang", "theme"), [("zh", "light"), ("en", "dark")])
def test_axe_finds_nothing_on_the_desk_and_a_phone_needs_no_sideways_scrolling(
    page: Any, served: Served, entry_id: str, lang: str, theme: str
) -> None:
    """Checklist 53, 59."""
    spans = [span(term, at) for term, at in (("ph.access", "t=0,6"), (FIRST, "t=1,5"), ("comp.spasm", "t=8"))]
    request(served, "POST", f"/api/v1/entries/{entry_id}/annotations", {"type": "AnnotationPage", "items": spans})
    log_in(page, served, "editor")
    page.goto(f"{served.url}/preferences?lang={lang}&theme={theme}&next=/")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        open_desk(page, served, entry_id, role=None)
        assert sticking_out(page) == []
        mark(page, "event").click()
        page.locator("[data-part=form]").wait_for()
        assert sticking_out(page) == []
        assert problems(page) == []


def test_two_editors_change_the_same_mark_see_both_values_and_lose_nothing(
    page: Any, served: Served, entry_id: str, browser: Any
) -> None:
    """Checklist 48."""
    body = {"type": "TextualBody", "value": "Before", "language": "en"}
    note = {"type": "Annotation", "kind": "note", "body": body, "target": "urn:x#t=2,5"}
    request(served, "POST", f"/api/v1/entries/{entry_id}/annotations", note)
    other = browser.new_context(locale="zh-CN").new_page()
    open_desk(page, served, entry_id)
    open_desk(other, served, entry_id, role="admin")
    # what the other writes meanwhile does not reach this page by itself
    page.route("**/annotations?layer=main", lambda route: route.abort())
    mark(other, "note").click()
    other.fill("#mark-note-en", "Theirs")
    other.fill("#mark-note-zh", "对方的备注")
    wait_until_saved(other)

    mark(page, "note").click()
    page.fill("#mark-note-en", "Mine")
    page.fill("#mark-end", "0:06")
    page.keyboard.press("Tab")
    wait_until(page, f"{DESK}.part('state').dataset.state === 'conflict'")

    # both values of what both changed; what only one of them changed is there already
    rows = page.locator(".conflict-item tbody tr:visible")
    assert rows.all_inner_texts() == ["英文备注\tMine\tTheirs"]
    page.locator(".conflict-item [data-part=mine]").click()
    wait_until_saved(page)
    (item,) = request(served, "GET", f"/api/v1/entries/{entry_id}/annotations")["items"]
    assert {body["value"] for body in item["body"]} == {"Mine", "对方的备注"}
    assert item["target"]["selector"]["value"] == "t=2,6"
    assert page.locator("[data-part=conflicts]").is_hidden()
    other.context.close()


def test_theirs_can_be_taken_and_what_they_deleted_is_kept_until_it_is_decided(
    page: Any, served: Served, entry_id: str
) -> None:
    """Checklist 48."""
    body = {"type": "TextualBody", "value": "Before", "language": "en"}
    note = {"type": "Annotation", "kind": "note", "body": body, "target": "urn:x#t=2,5"}
    url = f"/api/v1/entries/{entry_id}/annotations"
    ids = [request(served, "POST", url, note)["id"].rpartition("/")[2] for _ in range(2)]
    open_desk(page, served, entry_id)
    page.route("**/annotations?layer=main", lambda route: route.abort())
    request(served, "PATCH", f"{url}/{ids[0]}", {"body": {**body, "value": "Theirs"}})
    delete(served, f"{url}/{ids[1]}")
    for number in range(2):
        mark(page, "note", number).focus()
        page.keyboard.press("e")
        page.fill("#mark-note-en", f"Mine {number}")
        page.keyboard.press("Escape")
    wait_until(page, "document.querySelectorAll('.conflict-item').length === 2")

    gone = page.locator(".conflict-item", has_text="他人已将其删除")
    gone.locator("[data-part=mine]").click()
    page.locator(".conflict-item [data-part=theirs]").click()
    wait_until_saved(page)

    values = {item["body"][0]["value"] for item in request(served, "GET", url)["items"]}
    assert "Theirs" in values
    assert values & {"Mine 0", "Mine 1"}
    assert len(values) == 2


def test_another_editors_marks_come_in_by_themselves(page: Any, served: Served, entry_id: str) -> None:
    """Checklist 48: nobody has to load the page again to see what the other one did."""
    open_desk(page, served, entry_id)
    body = {"type": "SpecificResource", "source": "urn:videolib:term:comp.spasm"}
    made = request(served, "POST", f"/api/v1/entries/{entry_id}/annotations",
                   {"type": "Annotation", "body": body, "target": "urn:x#t=8"})  # fmt: skip
    mark(page, "event").wait_for(timeout=PLAY_WAIT_MS)
    delete(served, f"/api/v1/entries/{entry_id}/annotations/{made['id'].rpartition('/')[2]}")

    wait_until(page, "document.querySelectorAll('.mark').length === 0")
