"""Takes the pictures of the guides from a running demo: `python docs/guide_pictures.py http://127.0.0.1:8000`.

The library must be filled (`./run demo` says so). Each picture is of the product itself, in the guide's language.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright
from screenshots import FLAGS, log_in

IMAGES = Path(__file__).parent / "guide" / "images"
SIZE = {"width": 1200, "height": 800}
QUALITY = 62
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
ENTRY = "main a[href*='/entries/']"
PLAYED_TO_S, LOOKED_AT_MS = 4.5, 6000


def main(address: str) -> None:
    """All pictures of both languages."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for language, locale in LANGUAGES.items():
            for role, take in STORIES.items():
                with closing(browser.new_context(viewport=SIZE, locale=locale)) as context:
                    page = context.new_page()
                    log_in(page, address, role)
                    page.goto(f"{address}/preferences?lang={language}&theme=light&next=/")
                    take(page, address, lambda name, page=page, language=language: save(page, f"{name}.{language}"))
        browser.close()


def of_trainee(page: Any, address: str, keep: Callable[[str], None]) -> None:
    """The first page, watching, and a lesson that asks."""
    keep("home")
    page.goto(f"{address}/search?q=iliac")
    page.locator(ENTRY).first.click()
    play_to(page, PLAYED_TO_S)
    keep("watch")
    page.goto(f"{address}/playlists")
    page.locator("main a[href*='/playlists/']").first.click()
    page.locator("vl-player media-player[data-can-play]").wait_for()
    page.keyboard.press("k")
    page.wait_for_timeout(LOOKED_AT_MS)
    page.locator("dialog.ask[open]").or_(page.locator("main")).first.wait_for()
    keep("playlist")


def of_editor(page: Any, address: str, keep: Callable[[str], None]) -> None:
    """Uploading, describing, saying what happens when."""
    page.goto(f"{address}/studio/upload")
    keep("upload")
    page.goto(f"{address}/studio")
    page.locator("main a[href*='/studio/entries/']").first.wait_for()
    page.goto(f"{address}/search?q=iliac")
    entry = page.locator(ENTRY).first.get_attribute("href").split("?")[0].rsplit("/", 1)[1]
    page.goto(f"{address}/studio/entries/{entry}")
    keep("entry")
    page.goto(f"{address}/studio/entries/{entry}/timeline")
    page.locator("vl-timeline[data-ready]").wait_for()
    page.wait_for_timeout(2000)
    keep("timeline")


def of_instructor(page: Any, address: str, keep: Callable[[str], None]) -> None:
    """Building a playlist, and its results."""
    page.goto(f"{address}/teach")
    page.locator("main a[href*='/teach/playlists/']").first.click()
    page.wait_for_load_state("load")
    keep("build")
    page.goto(f"{page.url.split('?')[0].split('#')[0]}/results")
    keep("results")


def of_admin(page: Any, address: str, keep: Callable[[str], None]) -> None:
    """People, vocabulary, audit."""
    for name, path in (("people", "/admin"), ("vocabulary", "/admin/vocabulary/procedure"), ("audit", "/admin/audit")):
        page.goto(address + path)
        keep(name)


STORIES: dict[str, Callable[[Any, str, Callable[[str], None]], None]] = {
    "trainee": of_trainee,
    "editor": of_editor,
    "instructor": of_instructor,
    "admin": of_admin,
}


def play_to(page: Any, seconds: float) -> None:
    """A picture of that moment: the poster lies over it until it has played."""
    page.locator("vl-player media-player[data-can-play]").wait_for()
    page.keyboard.press("k")
    page.wait_for_timeout(2500)
    page.evaluate(
        "at => { const { player } = document.querySelector('vl-player'); player.pause(); player.currentTime = at; }",
        seconds,
    )
    page.wait_for_timeout(1500)


def save(page: Any, name: str) -> None:
    """A small WebP of what is seen."""
    page.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").save(IMAGES / f"{name}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
