"""Takes the README's pictures from a running demo: `python docs/screenshots.py http://127.0.0.1:8000`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from videolib.commands.demo import LOGINS

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PLAYED_TO_S = 4.5  # contrast fills the iliac arteries


def main(address: str) -> None:
    """Log in as the trainee, take home in light and the watch page in dark."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 860}, locale="en-GB")
        log_in(page, address)
        page.goto(f"{address}/preferences?lang=en&theme=light&next=/")
        page.wait_for_load_state("networkidle")
        save(page, "home")
        page.goto(f"{address}/preferences?lang=zh&theme=dark&next=/search?q=stent")
        page.locator("main a[href*='/entries/']").first.click()
        page.locator("vl-player media-player[data-can-play]").wait_for()
        page.keyboard.press("k")  # the poster lies over the picture until it has played
        page.wait_for_timeout(3000)
        page.evaluate(
            "at => { const video = document.querySelector('vl-player video'); video.pause(); video.currentTime = at; }",
            PLAYED_TO_S,
        )
        page.wait_for_timeout(1500)
        save(page, "watch")
        browser.close()


def log_in(page: Any, address: str, role: str = "trainee") -> None:
    """Through the page, as a person does."""
    email, password = LOGINS[role]
    page.goto(f"{address}/login")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("button[name=submit]")
    page.wait_for_url(lambda url: "/login" not in url)


def save(page: Any, name: str) -> None:
    """JPEG: the pictures are photographs."""
    page.screenshot(path=IMAGES / f"{name}.jpg", type="jpeg", quality=82)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
