"""The engine for large libraries: tantivy, a search library in Rust. This module writes, tantivy_reader.py reads.

A token stands in a bag as it is, by which it is found and counted, and once more with its level ("stent" + U+001F +
"2"), by which it is ranked: ranking is search/scoring.py's and not tantivy's, whose statistics know of entries that the
reader does not. Safe for threads.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import tantivy

from search.engine import BAGS, EXACT, EngineReader, PreparedEntry
from search.tantivy_reader import LEVEL, TantivyReader

REBUILD_MEMORY = 256_000_000
CHANGE_MEMORY = 15_000_000  # the least it takes
MANY_AT_ONCE = 1000  # entries in one commit from which more memory pays


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in ("id", "newest", "shortest"):
        builder.add_text_field(name, stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    for name in ("audience", "lang", "trait"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("facet", fast=True, tokenizer_name="raw", index_option="basic")
    for bag in BAGS:
        builder.add_text_field(bag, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(EXACT, tokenizer_name="raw", index_option="position")
    builder.add_integer_field("year", fast=True)
    builder.add_float_field("duration", fast=True)
    builder.add_unsigned_field("version", stored=True)
    builder.add_bytes_field("record", stored=True)
    return builder.build()


class TantivyEngine:
    """Writes and opens folders of tantivy's files."""

    name = "tantivy"
    version = 3
    mapped = True
    damage: tuple[type[Exception], ...] = (OSError, ValueError, RuntimeError, LookupError)

    def create(self, folder: Path) -> None:
        """Make an empty index in an empty folder; its entries will lie newest first, which settles ties."""
        tantivy.Index(_schema(), str(folder), reuse=False, sort_by_field="newest")

    def write(self, folder: Path, entries: Iterable[PreparedEntry], deleted_ids: Iterable[str]) -> int:
        """Delete, replace and add in one commit; the number of entries there are then."""
        index = tantivy.Index.open(str(folder))
        known = index.searcher().num_docs > 0
        entries = iter(entries)
        few = list(_first(entries, MANY_AT_ONCE)) if known else []
        memory = CHANGE_MEMORY if known and len(few) < MANY_AT_ONCE else REBUILD_MEMORY
        writer = index.writer(memory, num_threads=1)
        try:
            for entry_id in deleted_ids if known else ():
                writer.delete_documents_by_term("id", entry_id)
            for part in (few, entries):
                for entry in part:
                    if known:
                        writer.delete_documents_by_term("id", entry.card.entry_id)
                    writer.add_document(_document(entry))
            writer.commit()
        except BaseException:
            writer.rollback()
            raise
        writer.garbage_collect_files()
        writer.wait_merging_threads()
        for lock in folder.glob(".tantivy-*.lock"):
            lock.unlink()
        index.reload()
        return int(index.searcher().num_docs)

    def open(self, folder: Path, before: EngineReader | None = None) -> "TantivyReader":  # noqa: ARG002
        """Open for searching."""
        return TantivyReader(folder)


def _first(entries: Iterable[PreparedEntry], count: int) -> Iterator[PreparedEntry]:
    """The first entries of a stream, the rest of which stays where it is."""
    rows = iter(entries)
    for _, entry in zip(range(count), rows, strict=False):
        yield entry


def _document(entry: PreparedEntry) -> tantivy.Document:
    card = entry.card
    document = tantivy.Document(
        id=card.entry_id,
        newest=card.newest_key,
        shortest=card.shortest_key,
        version=card.version,
        duration=float(card.duration_s),
        audience=sorted(card.audiences),
        lang=sorted(card.langs),
        trait=sorted(card.traits),
        facet=[f"{scheme}:{concept_id}" for scheme, concept_id in sorted(card.facets)],
    )
    if card.year is not None:
        document.add_integer("year", card.year)
    document.add_bytes("record", entry.record)
    for bag, levels in entry.bags.items():
        for token, level in levels.items():
            document.add_text(bag, token)
            document.add_text(bag, f"{token}{LEVEL}{level}")
    tokens = [tantivy.Token(token, at, 0, 0) for at, here in enumerate(entry.exact) for token in here]
    document.add_pre_tokenized_text(EXACT, tantivy.PreTokenizedString("", tokens))
    return document
