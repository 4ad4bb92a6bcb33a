"""From the click on a recording to its first moving picture.  `python -m bench.click_to_picture [clicks]`

Minutes of the real 720p clip in a library as `videolib serve` serves it, on this host; Chromium at 1440 px. The clock
runs from the click on a card of the first page until a picture that moves has been presented
(`requestVideoFrameCallback`); play is pressed by the page's own `play()` as soon as the player says that it can. Cold:
a browser that has seen the first page only. Warm: one that has watched something before. The 95th percentile is what
counts; at most one second is wanted.
"""

from __future__ import annotations

import shutil
import sys
from statistics import median, quantiles
from typing import Any

from playwright.sync_api import sync_playwright

from bench.first_picture import FLAGS
from bench.poor_link import LONGEST_WAIT_S, log_in, served

PORT = 8796
LENGTHS_S = (30, 60, 90)
WANTED_MS = 1000.0
WATCH = """
addEventListener('click', () => sessionStorage.setItem('clicked', Date.now()), true);
const look = () => {
  const player = document.querySelector('vl-player media-player[data-can-play]');
  const video = player?.querySelector('video');
  if (!video) { requestAnimationFrame(look); return; }
  video.addEventListener('playing', () => {
    const shown = (now, { mediaTime }) => {
      if (mediaTime > 0) window.tookMs = Date.now() - Number(sessionStorage.getItem('clicked'));
      else video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  }, { once: true });
  player.play();
};
if (location.pathname.startsWith('/entries/')) requestAnimationFrame(look);
"""


def main(clicks: int) -> int:
    """Print a line for a cold and for a warm browser; 1 where one of them is too slow."""
    slowest = 0.0
    print("| browser | clicks | median, ms | p95, ms | most, ms |\n|---|---|---|---|---|")
    with served(PORT, LENGTHS_S) as (address, entries), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        size: Any = {"width": 1440, "height": 900}
        known = browser.new_context(viewport=size)
        log_in(known.new_page(), address)
        for kind in ("cold", "warm"):
            times = []
            for number in range(clicks + (kind == "warm")):
                cold = browser.new_context(viewport=size, storage_state=known.storage_state())
                times.append(click(cold if kind == "cold" else known, address, entries[number % len(entries)]))
                cold.close()
            if kind == "warm":
                del times[0]  # which brought the scripts
            p95 = quantiles(times, n=20)[-1]
            print(f"| {kind} | {clicks} | {median(times):.0f} | {p95:.0f} | {max(times):.0f} |", flush=True)
            slowest = max(slowest, p95)
        browser.close()
    return int(slowest > WANTED_MS)


def click(context: Any, address: str, entry_id: str) -> float:
    """Milliseconds of one click, on a page of its own."""
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(address, wait_until="networkidle")
    page.locator(f"main a[href*='{entry_id}']").first.click()
    page.wait_for_url("**/entries/**")
    page.locator("vl-player media-player[data-playing]").wait_for(timeout=LONGEST_WAIT_S * 1000)
    while (took_ms := page.evaluate("window.tookMs")) is None:
        page.wait_for_timeout(20)
    page.close()
    return float(took_ms)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
