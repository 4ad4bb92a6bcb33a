"""axe over every page of every role in both languages and both themes, all unfolded.  `python -m bench.accessibility`

(Checklist 53: `tests/browser/test_axe_everywhere.py` sees each page in one of the four looks.) None may be found.
"""

from __future__ import annotations

import shutil
import sys
import tempfile

from playwright.sync_api import sync_playwright

from bench.first_picture import FLAGS
from config.settings import load_settings, set_environment
from tests.axe_walk import LOOKS, opened, walk
from tests.visitors import make_site
from videolib.commands.library import prepare_library
from videolib.commands.opening import set_up_logging
from videolib.db import Database


def main() -> int:
    """Print what is found in each look; 1 where anything is."""
    count = 0
    with tempfile.TemporaryDirectory(prefix="videolib-bench-") as name, sync_playwright() as playwright:
        set_environment(VIDEOLIB_HOME=name, VIDEOLIB_LOG_LEVEL="ERROR")
        set_up_logging("ERROR")
        prepare_library(load_settings())
        site = make_site(Database(load_settings().database_url))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        with opened(site) as (address, pages):
            for look in LOOKS:
                found = walk(site, browser, address, pages, look)
                count += len(found)
                print(f"{' '.join(look)}: {len(pages)} pages, {len(found)} with findings", flush=True)
                for path, texts in found.items():
                    print(path, *texts, sep="\n  ")
        browser.close()
        site.index.close()
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
