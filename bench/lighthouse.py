"""Lighthouse's four scores of the pages that everybody opens.  `python -m bench.lighthouse [times]`

Home, search and the watch page of a library as an operator serves it, for somebody who is signed in, by Lighthouse 12
in the system's Chromium (`npm exec` fetches Lighthouse): its phone, with a slow line and a processor slowed down four
times, and its desk. The median of so many runs; at least 95 are wanted of each.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import sync_playwright

from bench.first_picture import FLAGS
from bench.poor_link import log_in, served

PORT = 8794
LIGHTHOUSE = "lighthouse@12"
PAGES = {"home": "/", "search": "/search?q=stent", "watch": "/entries/{entry}"}
FORMS = {"phone": [], "desk": ["--preset=desktop"]}
SCORES = ("performance", "accessibility", "best-practices", "seo")
WANTED = 95
TRIES = 3


def main(times: int) -> int:
    """Print a line for each page and form; 1 where a score is below what is wanted."""
    lowest = 100.0
    print(f"| page | form | {' | '.join(SCORES)} |\n|---|---|{'---|' * len(SCORES)}")
    with served(PORT) as (address, [entry_id]):
        cookie = cookie_of(address)
        for form, options in FORMS.items():
            for name, path in PAGES.items():
                url = address + path.format(entry=entry_id)
                runs = [scores_of(url, cookie, options) for _ in range(times)]
                found = [median(run[score] for run in runs) for score in SCORES]
                print(f"| {name} | {form} | {' | '.join(f'{score:.0f}' for score in found)} |", flush=True)
                lowest = min(lowest, *found)
    return int(lowest < WANTED)


def cookie_of(address: str) -> str:
    """The cookies of somebody who is signed in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page()
        log_in(page, address)
        cookies = page.context.cookies()
        browser.close()
    return "; ".join(f"{one['name']}={one['value']}" for one in cookies)


def scores_of(url: str, cookie: str, options: list[str]) -> dict[str, float]:
    """One run of Lighthouse: its scores from 0 to 100. A run that it calls broken itself is made again."""
    for _ in range(TRIES):
        if (report := report_of(url, cookie, options)) is not None:
            return {score: 100 * report["categories"][score]["score"] for score in SCORES}
    raise SystemExit("Lighthouse could not measure the page.")


def report_of(url: str, cookie: str, options: list[str]) -> dict[str, Any] | None:
    """What Lighthouse writes; None where it gave up."""
    with tempfile.TemporaryDirectory(prefix="videolib-bench-") as name:
        out, chrome = Path(name) / "report.json", f"--headless=new {' '.join(FLAGS)} --user-data-dir={name}/profile"
        headers = json.dumps({"Cookie": cookie})
        command = ["npm", "exec", "--yes", "--", LIGHTHOUSE, url, "--quiet", "--output=json", f"--output-path={out}"]
        done = subprocess.run(
            [*command, *options, f"--extra-headers={headers}", f"--chrome-flags={chrome}"],
            env={**os.environ, "CHROME_PATH": str(shutil.which("chromium"))},
            stdout=subprocess.DEVNULL,
            check=False,
        )
        report: dict[str, Any] | None = json.loads(out.read_text("utf-8")) if done.returncode == 0 else None
    return report


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
