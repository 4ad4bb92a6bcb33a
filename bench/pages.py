"""How long the service takes for a page of a large library.  `python -m bench.pages [entries] [--keep FOLDER]`

A library of so many entries, half of them published and each with terms, a summary and a whole package, is asked page
by page, each time as the role whose page it is, without a network between. Prints percentiles in milliseconds; at most
100 are wanted at 10 000 entries. Kept in a folder, the library is filled once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import select

from bench.search_corpus import documents, read_vocabulary
from config.settings import load_settings, set_environment
from tests.libraries import WAYS
from tests.visitors import DESCRIPTION, Visitor, make_site
from videolib.catalogue.entries import Entry, create_entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.packages import begin_package, complete_package
from videolib.catalogue.publishing import publish_entry
from videolib.catalogue.recordings import add_recording, move
from videolib.commands.library import prepare_library
from videolib.commands.opening import set_up_logging
from videolib.db import Database

TIMES, ALLOWED_MS = 40, 100.0
PAGES = {
    "trainee": ("/", "/search?q=TACE", "/search?q=支架", "/browse", "/entries/{entry}", "/me", "/playlists"),
    "editor": ("/studio", "/studio/entries/{entry}", "/studio/reviews"),
    "instructor": ("/teach",),
    "admin": ("/admin", "/admin/audit"),
}
BATCH = 200


def main(count: int, folder: Path) -> int:
    """Print a line for each page; 1 where one is not met."""
    set_environment(VIDEOLIB_HOME=str(folder), VIDEOLIB_LOG_LEVEL="ERROR")
    settings = load_settings()
    set_up_logging(settings.log_level)
    is_new = not (folder / "videolib.db").exists()
    prepare_library(settings)
    database = Database(settings.database_url)
    if is_new:
        fill(database, count)
    site = make_site(database)
    site.reindex()
    entry = newest(database)
    is_met = True
    print("| page | as | p50 ms | p95 ms |\n|---|---|---|---|")
    for role, paths in PAGES.items():
        visitor = site.visitor(role)
        for path in paths:
            times = asked_ms(visitor, path.format(entry=entry))
            p50, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
            is_met = is_met and p50 <= ALLOWED_MS
            print(f"| `{path}` | {role} | {p50:.0f} | {p95:.0f} |", flush=True)
    site.index.close()
    database.close()
    return int(not is_met)


def fill(database: Database, count: int) -> None:
    """So many entries with recordings that are ready; every second one is published."""
    vocabulary = read_vocabulary()
    made = documents(vocabulary, count)
    for start in range(0, count, BATCH):
        with database.writing() as session:
            for number in range(start, min(count, start + BATCH)):
                document = next(made)
                key = f"{number:064d}"
                recording = add_recording(session, source_name="x", original_key=key, size=9, sha256=key, by=None)
                for event in WAYS["ready"]:
                    move(session, recording, event)
                package = begin_package(session, recording.id)
                complete_package(session, package, description=DESCRIPTION, duration_s=4.0, objects=[])
                recording.package_id = package.id
                values = {
                    "title": dict(document.titles),
                    "summary": dict(document.summaries),
                    "procedures": list(document.terms.get("procedure", ())),
                    "anatomy": list(document.terms.get("anatomy", ())),
                    "content_type": "ct.simulation",
                }
                entry = create_entry(session, parse_values(values), recording=recording, by=None)
                if number % 2:
                    publish_entry(session, entry, by=None)


def newest(database: Database) -> str:
    """The id of an entry that everybody may watch."""
    with database.reading() as session:
        found = session.scalars(select(Entry.id).where(Entry.status == "published").order_by(Entry.published_at.desc()))
        return str(found.first())


def asked_ms(visitor: Visitor, path: str) -> list[float]:
    """Sorted times of answers, after one that warms what is kept."""
    times = []
    for _ in range(TIMES + 1):
        started = time.perf_counter()
        answer = visitor.get(path)
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
    return sorted(times[1:])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("entries", nargs="?", type=int, default=10_000)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
        sys.exit(main(asked.entries, asked.keep))
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as name:
        sys.exit(main(asked.entries, Path(name)))
