"""How long a whole search page takes: ours on both engines beside raw tantivy, SQLite FTS5 and PostgreSQL `simple`.

Checklist 14, its timed part; that no question breaks a page is shown by tests/search/test_index_life.py.

    bench/search.py [--entries 1000 10000 100000] [--queries 40] [--postgres URL] [--threads] [--keep FOLDER]

Builds a bilingual library from the project's own vocabulary (captions for a tenth; no two entries alike), asks sets of
queries of nine kinds, interleaved so that a busy machine is busy for all, and prints percentiles in milliseconds by the
clock and by this thread's CPU (on a shared machine the second is the one to compare), what building took, and what it
takes on disk. Each query is asked three times, the rounds one after another; the best counts, so that what else the
machine does counts less (`--rounds`). With `--keep` what was built is found again. `--relevance` prints nDCG@10,
recall@100 and MRR of the tests' known answers instead.

Ours is the whole page: reading the query, hits, total, all facets, marks and moments, permissions. Raw tantivy gets our
words (else it would find no Chinese, and be fast at it) in two fields, its own query parser, the same filters, facets
chosen and orders, and gives the same page of hits, the total, counts of five facets, and snippets of one field. The
others give the page's ids, the total and (SQLite) snippets. `--threads` asks 10 000 queries from 8 threads and compares
every answer with that of one thread.

Item 14 of the checklist of pages (95th percentile under 200 ms at 10 000 records) is `--entries 10000`.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache, partial
from itertools import zip_longest
from pathlib import Path
from statistics import mean
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.search_corpus import POOL, documents, query_sets, read_vocabulary  # noqa: E402 - the path is set just above
from search.documents import EntryDocument, Vocabulary  # noqa: E402
from search.index import ENGINES, SearchIndex, index_folder, open_index, rebuild  # noqa: E402
from search.pages import SearchRequest  # noqa: E402
from search.tools import Tools, tools_for  # noqa: E402
from tests.search.library import found  # noqa: E402
from tests.search.test_relevance import ndcg, read_known_answers, recall, reciprocal_rank  # noqa: E402

READER = frozenset({"public", "signed_in"})
RAW_FACETS = ("procedure", "anatomy", "pathology", "device", "access")
SHARES = (0.5, 0.95, 0.99)
WHOOSH_SERVES = 20_000  # entries; above, only the other engines are asked
Ask = Callable[[str, dict[str, Any]], object]


def ours(index: SearchIndex) -> Ask:
    """The whole page by our path."""

    def ask(text: str, options: dict[str, Any]) -> object:
        return index.search(SearchRequest(text, lang="zh", **{"audiences": READER, **options}))

    return ask


def raw_tantivy(folder: Path, entries: Iterator[EntryDocument], words_of: Callable[[str], str]) -> Ask:
    """Tantivy as its tutorial uses it, on words cut by us."""
    import tantivy  # noqa: PLC0415 - only the engines measured are loaded

    builder = tantivy.SchemaBuilder()
    for name in ("title", "body"):
        builder.add_text_field(name, stored=True)
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    for scheme in RAW_FACETS:
        builder.add_text_field(scheme, fast=True, tokenizer_name="raw")
    for name in ("year", "published", "duration"):
        builder.add_integer_field(name, fast=True, indexed=True)
    schema = builder.build()
    is_new = not (folder / "meta.json").exists()
    index = tantivy.Index(schema, str(folder))
    if is_new:
        writer = index.writer(256_000_000, 1)
        for entry in entries:
            texts = {"title": words_of(_title(entry)), "body": " ".join(map(words_of, _texts(entry)))}
            numbers = {"published": int(entry.published_at.timestamp()), "duration": int(entry.duration_s)}
            terms = {scheme: list(entry.terms.get(scheme, ())) for scheme in RAW_FACETS}
            writer.add_document(tantivy.Document(id=entry.id, year=entry.year or 0, **texts, **numbers, **terms))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
    searcher = index.searcher()
    facets = {scheme: {"terms": {"field": scheme, "size": 50}} for scheme in RAW_FACETS}
    Query, Occur, Integer = tantivy.Query, tantivy.Occur, tantivy.FieldType.Integer  # noqa: N806 - tantivy's names

    def ask(text: str, options: dict[str, Any]) -> object:
        typed = " ".join(word for word in text.split() if ":" not in word)
        words = f'"{words_of(typed)}"' if typed.startswith('"') else words_of(typed)
        query = index.parse_query_lenient(words, ["title", "body"], conjunction_by_default=True)[0]
        parts = [(Occur.Must, query if typed else Query.all_query())]
        if "year:" in text:
            parts.append((Occur.Must, Query.range_query(schema, "year", Integer, 2015, 2020)))
            parts.append((Occur.Must, Query.range_query(schema, "duration", Integer, 0, 1800)))
        for scheme, ids in options.get("facets", {}).items():
            parts += [(Occur.Must, Query.term_query(schema, scheme, id_, "basic")) for id_ in ids]
        whole = Query.boolean_query(parts)
        order = "published" if options.get("sort") == "newest" or not typed else None
        found: Any = searcher.search(whole, options.get("limit", 20), order_by_field=order)
        counts = searcher.aggregate(whole, facets)
        snippets = tantivy.SnippetGenerator.create(searcher, whole, schema, "body")
        texts = [snippets.snippet_from_doc(searcher.doc(address)).to_html() for _, address in found.hits]
        return found.count, counts, texts

    return ask


def fts5(path: Path, entries: Iterator[EntryDocument]) -> Ask:
    """SQLite's full-text index with its default tokenizer."""
    is_new = not path.exists()
    database = sqlite3.connect(path)
    if is_new:
        database.execute("CREATE VIRTUAL TABLE entries USING fts5(id UNINDEXED, title, body)")
        rows = ((entry.id, _title(entry), _body(entry)) for entry in entries)
        database.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
        database.commit()

    def ask(text: str, _: dict[str, Any]) -> object:
        words = " ".join(f'"{word}"' for word in text.replace('"', " ").split() if ":" not in word) or '"支架"'
        total = database.execute("SELECT count(*) FROM entries WHERE entries MATCH ?", (words,)).fetchone()
        snippet = "snippet(entries, 2, '<', '>', '…', 20)"
        page = f"SELECT id, {snippet} FROM entries WHERE entries MATCH ? ORDER BY rank LIMIT 20"  # noqa: S608
        return total, database.execute(page, (words,)).fetchall()

    return ask


def postgres(url: str, entries: Iterator[EntryDocument]) -> Ask:
    """PostgreSQL with the `simple` configuration and ts_rank, as MediaCMS searches."""
    import psycopg  # noqa: PLC0415

    connection = psycopg.connect(url, autocommit=True)
    connection.execute("DROP TABLE IF EXISTS bench_search")
    connection.execute("CREATE TABLE bench_search (id text, words tsvector)")
    with connection.cursor() as cursor:
        insert = "INSERT INTO bench_search VALUES (%s, to_tsvector('simple', %s))"
        cursor.executemany(insert, ((entry.id, f"{_title(entry)} {_body(entry)}") for entry in entries))
    connection.execute("CREATE INDEX ON bench_search USING gin (words)")
    connection.execute("ANALYZE bench_search")

    def ask(text: str, _: dict[str, Any]) -> object:
        match = "FROM bench_search, plainto_tsquery('simple', %s) wanted WHERE words @@ wanted"
        total = connection.execute(f"SELECT count(*) {match}", (text,)).fetchone()
        page = f"SELECT id {match} ORDER BY ts_rank(words, wanted) DESC LIMIT 20"
        return total, connection.execute(page, (text,)).fetchall()

    return ask


def _title(entry: EntryDocument) -> str:
    return " ".join(entry.titles.values())


def _texts(entry: EntryDocument) -> list[str]:
    return [*entry.summaries.values(), *(moment.text for moment in entry.moments)]


def _body(entry: EntryDocument) -> str:
    return "\n".join(_texts(entry))


def built(name: str, folder: Path, make: Callable[[], Ask]) -> Ask:
    """Build, and print what it took."""
    clock, cpu = time.perf_counter(), time.process_time()
    ask = make()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  built {name:12} {time.perf_counter() - clock:7.1f} s  {time.process_time() - cpu:7.1f} CPU s  "
        f"{size / 2**20:7.1f} MiB on disk  {memory:6.0f} MiB most so far",
        flush=True,
    )
    return ask


def build_ours(url: str, vocabulary: Vocabulary, count: int) -> None:
    """Our index, as `reindex` builds it; texts that come again are read once."""
    name, _, root = url.partition(":")
    preparer = reading_once(vocabulary, Path(root)).preparer
    entries = (preparer.prepare(document) for document in documents(vocabulary, count))
    index_folder(ENGINES[name], Path(root), vocabulary).rebuild(entries, 1)


def reading_once(vocabulary: Vocabulary, root: Path) -> Tools:
    """The language tools, which remember all texts of the pool; real texts do not come again so often."""
    tools = tools_for(vocabulary, root)
    if tools.preparer.read.cache_info().maxsize != 5 * POOL:
        tools.preparer.read = lru_cache(maxsize=5 * POOL)(tools.preparer.read.__wrapped__)
    return tools


def open_all(count: int, root: Path, arguments: argparse.Namespace) -> dict[str, Ask]:
    """Every engine with the same entries."""
    vocabulary = read_vocabulary()
    tools = reading_once(vocabulary, root)
    engines: dict[str, Ask] = {}
    for name in ("tantivy", "whoosh"):
        if name == "whoosh" and count > WHOOSH_SERVES:
            continue
        url = f"{name}:{root / name}"

        def make(url: str = url) -> Ask:
            if not Path(url.partition(":")[2]).exists():
                build_ours(url, vocabulary, count)
            return ours(open_index(url, root, vocabulary))

        engines[name] = built(name, root / name, make)

    def words_of(text: str) -> str:
        return " ".join(word.text for word in tools.preparer.read(text).words)

    (root / "raw").mkdir(exist_ok=True)
    make_raw = partial(raw_tantivy, root / "raw", documents(vocabulary, count), words_of)
    engines["raw tantivy"] = built("raw tantivy", root / "raw", make_raw)
    engines["fts5"] = built("fts5", root / "fts5", partial(fts5, root / "fts5", documents(vocabulary, count)))
    if arguments.postgres:
        make_postgres = partial(postgres, arguments.postgres, documents(vocabulary, count))
        engines["postgres"] = built("postgres", root / "none", make_postgres)
    return engines


def measure(engines: dict[str, Ask], sets: dict[str, list[tuple[str, dict[str, Any]]]], rounds: int) -> None:
    """Ask everything, one engine after another for each query, and print percentiles of the best of some rounds."""
    for ask in engines.values():
        for rows in sets.values():
            ask(*rows[0])  # the first answer opens files
    asked = [(kind, row) for rows in zip_longest(*_kinds(sets)) for kind, row in filter(None, rows)]
    best: dict[tuple[str, int], tuple[float, float]] = {}
    for _ in range(rounds):
        for number, (_, row) in enumerate(asked):
            for name, ask in engines.items():
                clock, cpu = time.perf_counter(), time.thread_time()
                ask(*row)
                spent = (time.perf_counter() - clock) * 1000, (time.thread_time() - cpu) * 1000
                known = best.get((name, number), spent)
                best[name, number] = min(spent[0], known[0]), min(spent[1], known[1])
    print(f"  {'engine':12} {'queries':12} {'p50':>7} {'p95':>7} {'p99':>7}   CPU {'p50':>6} {'p95':>7} {'p99':>7}")
    for name in engines:
        for kind in ("all", *sets):
            spent_all = [best[name, n] for n, (of, _) in enumerate(asked) if kind in ("all", of)]
            clocks, cpus = (sorted(values) for values in zip(*spent_all, strict=True))
            shares = [row[min(len(row) - 1, int(len(row) * part))] for row in (clocks, cpus) for part in SHARES]
            print(f"  {name:12} {kind:12} {shares[0]:7.2f} {shares[1]:7.2f} {shares[2]:7.2f}       "
                  f"{shares[3]:6.2f} {shares[4]:7.2f} {shares[5]:7.2f}", flush=True)  # fmt: skip


def _kinds(sets: dict[str, list[tuple[str, dict[str, Any]]]]) -> list[list[tuple[str, tuple[str, dict[str, Any]]]]]:
    return [[(kind, row) for row in rows] for kind, rows in sets.items()]


def suggest(index: SearchIndex, sets: dict[str, list[tuple[str, dict[str, Any]]]]) -> None:
    """Every beginning of every query, as it is typed."""
    typed = [text[:end] for rows in sets.values() for text, _ in rows for end in range(1, min(len(text), 9))]
    times: list[tuple[float, float]] = []
    for text in typed[:2000]:
        clock, cpu = time.perf_counter(), time.thread_time()
        index.suggest(text, lang="zh", audiences=READER)
        times.append(((time.perf_counter() - clock) * 1000, (time.thread_time() - cpu) * 1000))
    clocks, cpus = (sorted(values) for values in zip(*times, strict=True))
    at = int(len(clocks) * 0.95)
    print(f"  suggest      {len(times)} typed: p95 {clocks[at]:.2f} ms, CPU p95 {cpus[at]:.2f} ms")


def compare_threads(ask: Ask, sets: dict[str, list[tuple[str, dict[str, Any]]]], count: int = 10_000) -> None:
    """Many threads against one: no error, no other answer."""
    rows = [row for of in sets.values() for row in of]
    alone = [_timeless(ask(*row)) for row in rows]

    def again(number: int) -> bool:
        return _timeless(ask(*rows[number % len(rows)])) == alone[number % len(rows)]

    clock = time.perf_counter()
    with ThreadPoolExecutor(8) as threads:
        same = list(threads.map(again, range(count)))
    print(f"  8 threads    {count} queries in {time.perf_counter() - clock:.0f} s: {same.count(False)} other answers")


def relevance(folder: Path) -> None:
    """The known-answer queries of the tests, class by class, on both engines."""
    entries, answers = read_known_answers()
    vocabulary = read_vocabulary()
    for name in ENGINES:
        url = f"{name}:{folder / name}"
        rebuild(url, folder, vocabulary, entries, 1)
        index = open_index(url, folder, vocabulary)
        ranked = {text: found(index, text, limit=100) for of in answers.values() for text in of}
        index.close()
        print(f"  {name:12} {'class':14} {'queries':>7} {'nDCG@10':>8} {'recall@100':>11} {'MRR':>6}")
        every = {text: grades for of in answers.values() for text, grades in of.items()}
        for kind, known in {**answers, "all": every}.items():
            rows = [(ranked[text], grades) for text, grades in known.items()]
            marks = [mean(measure(*row) for row in rows) for measure in (ndcg, recall, reciprocal_rank)]
            print(f"  {'':12} {kind:14} {len(rows):7} {marks[0]:8.3f} {marks[1]:11.3f} {marks[2]:6.3f}", flush=True)


def _timeless(page: Any) -> object:
    return replace(page, took_ms=0.0)


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", nargs="+", type=int, default=[1000, 10_000, 100_000])
    parser.add_argument("--queries", type=int, default=40, help="of each kind")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgres", help="a database to make a table in, as libpq writes it")
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--relevance", action="store_true", help="the known-answer set of the tests, instead")
    parser.add_argument("--keep", type=Path, help="a folder in which what is built is left, and found again")
    arguments = parser.parse_args()
    if arguments.relevance:
        with tempfile.TemporaryDirectory(prefix="bench-search-") as name:
            relevance(Path(name))
        return
    for count in arguments.entries:
        print(f"{count} entries", flush=True)
        root = arguments.keep / str(count) if arguments.keep else Path(tempfile.mkdtemp(prefix="bench-search-"))
        root.mkdir(parents=True, exist_ok=True)
        try:
            engines = open_all(count, root, arguments)
            sets = query_sets(arguments.queries)
            measure(engines, sets, arguments.rounds)
            suggest(open_index(f"tantivy:{root / 'tantivy'}", root, read_vocabulary()), sets)
            for name in ("tantivy", "whoosh") if arguments.threads else ():
                if name in engines:
                    print(f"  {name}")
                    compare_threads(engines[name], sets)
        finally:
            if not arguments.keep:
                shutil.rmtree(root)


if __name__ == "__main__":
    main()
