"""Completions while typing, end to end: `python -m bench.suggest FOLDER`, with an index that bench/search.py has kept.

    bench/search.py --entries 100000 --keep FOLDER ; python -m bench.suggest FOLDER/100000/tantivy

The service answers over a real socket, one request after another on one connection, as somebody types each query letter
by letter. The index is the large one; the rows, which are asked for every title whether it may be shown, are those of
an empty library, so only terms and names come back. Prints percentiles in milliseconds by the clock.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit

from bench.search_corpus import query_sets, read_vocabulary
from config.settings import load_settings
from search.index import open_index
from tests.visitors import answering
from videolib.catalogue.indexing import HostIndex
from videolib.commands.library import prepare_library
from videolib.commands.opening import set_up_logging
from videolib.web import create_app

READER = frozenset({"public", "signed_in"})
QUERIES = 40  # of each kind
TYPED = 2000


class LargeIndex:
    """The kept index in the place of the library's own."""

    def __init__(self, folder: Path) -> None:
        self._index = open_index(f"tantivy:{folder}", folder.parent, read_vocabulary())

    def suggest(self, text: str, **asked: Any) -> object:
        """What somebody signed in is offered."""
        return self._index.suggest(text, **{**asked, "audiences": READER})


def main(folder: Path) -> None:
    """Print one line."""
    typed = [text[:end] for of in query_sets(QUERIES).values() for text, _ in of for end in range(1, min(len(text), 9))]
    with tempfile.TemporaryDirectory(prefix="bench-suggest-") as home:
        os.environ |= {"VIDEOLIB_HOME": home, "VIDEOLIB_LOG_LEVEL": "ERROR"}
        settings = load_settings()
        set_up_logging(settings.log_level)
        prepare_library(settings)
        app = create_app(settings)
        own = app.extensions["videolib"]
        app.extensions["videolib"] = replace(own, index=cast("HostIndex", LargeIndex(folder)))
        with answering(app) as address, closing(HTTPConnection(urlsplit(address).netloc)) as connection:
            times = sorted(asked_s(connection, text) * 1000 for text in typed[:TYPED])
    shares = (f"p{share:.0%}".rstrip("%") + f" {times[int(len(times) * share)]:.1f}" for share in (0.5, 0.95, 0.99))
    print(f"{len(times)} typed, ms: {', '.join(shares)}")


def asked_s(connection: HTTPConnection, text: str) -> float:
    """Seconds from the question to the whole answer."""
    started = time.perf_counter()
    connection.request("GET", f"/api/v1/suggest?q={quote(text)}")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status
    return time.perf_counter() - started


if __name__ == "__main__":
    main(Path(sys.argv[1]))
