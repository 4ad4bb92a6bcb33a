"""Drawing on the picture at the annotation desk, in the system's Chromium: by the mouse and by keys alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browser.annotating import add_bare_entry, mark, open_desk, show, wait_until_saved
from tests.browser.conftest import Served
from tests.browser.test_story_watch import problems, wait_until
from tests.browser.watching import open_entry, request


@pytest.fixture
def entry_id(served: Served) -> str:
    """An entry of its own with nothing marked yet."""
    return add_bare_entry(served)


def drawings(served: Served, entry: str) -> list[str]:
    """The drawings that the library keeps."""
    items = request(served, "GET", f"/api/v1/entries/{entry}/annotations")["items"]
    return [
        item["target"]["selector"]["refinedBy"]["value"] for item in items if "refinedBy" in item["target"]["selector"]
    ]


def test_by_keyboard_alone_an_arrow_a_polygon_and_a_text_are_drawn(
    page: Any,
    served: Served,
    entry_id: str,
    no_outside_requests: set[str],
) -> None:
    """Checklist 24, 47: the crosshair goes by arrows, Enter sets points."""
    open_desk(page, served, entry_id)
    show(page, 4)
    page.locator("[data-tool=arrow]").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # from the middle of the picture
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    wait_until_saved(page)
    (drawing,) = drawings(served, entry_id)
    line = re.search(r'<line class="arrow" x1="([\d.]+)" x2="([\d.]+)" y1="([\d.]+)" y2="([\d.]+)"', drawing)
    assert line is not None, drawing
    assert [float(part) for part in line.groups()] == [640, 640 + 4 * 64, 360, 360]

    # the same mark gets a polygon and a word
    page.locator("[data-tool=polygon]").focus()
    page.keyboard.press("Enter")
    for keys in (("Enter",), ("Shift+ArrowDown", "Enter"), ("Shift+ArrowLeft", "Enter", "Control+Enter")):
        for key in keys:
            page.keyboard.press(key)
    page.locator("[data-tool=text]").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("膈下动脉")
    page.locator(".drawing-pad").focus()
    page.keyboard.press("Enter")
    wait_until_saved(page)
    (drawing,) = drawings(served, entry_id)
    assert "<polygon" in drawing
    assert ">膈下动脉</text>" in drawing
    page.keyboard.press("Control+z")
    wait_until_saved(page)
    assert "<text" not in drawings(served, entry_id)[0]


@pytest.mark.parametrize("tool", ["box", "ellipse", "freehand", "polygon"])
def test_by_mouse_each_shape_is_drawn_where_the_pointer_was(
    page: Any,
    served: Served,
    entry_id: str,
    tool: str,
) -> None:
    """Checklist 24, 47; what is drawn is seen on the watch page at its time, as wide as it was drawn."""
    open_desk(page, served, entry_id)
    show(page, 6)
    page.locator(f"[data-tool={tool}]").click()
    picture = page.locator("vl-player .overlays").first.bounding_box()

    def at(x: float, y: float) -> tuple[float, float]:
        return picture["x"] + picture["width"] * x, picture["y"] + picture["height"] * y

    if tool == "polygon":
        for place in ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75)):
            page.mouse.click(*at(*place))
        page.mouse.dblclick(*at(0.25, 0.75))
    else:
        page.mouse.move(*at(0.25, 0.25))
        page.mouse.down()
        page.mouse.move(*at(0.5, 0.6))
        page.mouse.move(*at(0.75, 0.75))
        page.mouse.up()
    wait_until_saved(page)

    items = request(served, "GET", f"/api/v1/entries/{entry_id}/annotations")["items"]
    assert [(item["kind"], item["target"]["selector"]["value"]) for item in items] == [("mark", "t=6,9")]
    assert mark(page, "mark").get_attribute("aria-current") == "true"
    assert problems(page) == []
    open_entry(page, served, entry_id, role=None, query="?t=7")
    wait_until(page, "document.querySelector('vl-player .overlays svg *') !== null")
    whole, drawn = (page.locator(f"vl-player .overlays{inner}").first.bounding_box() for inner in ("", " svg > *"))
    assert drawn["width"] / whole["width"] == pytest.approx(0.5, abs=0.03)
    assert drawn["height"] / whole["height"] == pytest.approx(0.5, abs=0.03)
