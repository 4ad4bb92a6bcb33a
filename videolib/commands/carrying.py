"""`entry`: one entry with its package, carried from one library to another."""

from __future__ import annotations

from pathlib import Path

import click

from videolib.commands.opening import opened_workshop, print_json, read_settings


@click.group()
def entry() -> None:
    """One entry with its package in a file: export here, import elsewhere."""


@entry.command("export")
@click.argument("entry_id", metavar="ID")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export_entry(entry_id: str, file: Path) -> None:
    """Write entry ID with its package, captions and terms to FILE. What was uploaded is not in it."""
    from videolib.catalogue.entries import Entry
    from videolib.catalogue.entry_files import write_entry
    from videolib.errors import NotFound

    with opened_workshop(read_settings()) as workshop, workshop.database.reading() as session:
        found = session.get(Entry, entry_id)
        if found is None:
            raise NotFound("There is no such entry.", code="entry_not_found")
        write_entry(session, workshop.store, found, file)
    click.echo(f"Written to {file.name}.")


@entry.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def import_entry(file: Path, *, as_json: bool) -> None:
    """Make a draft of FILE. Nothing is seen of it until all of it is here and checked."""
    from videolib.catalogue.entry_files import read_entry

    with opened_workshop(read_settings()) as workshop:
        done = read_entry(workshop.database, workshop.store, file, by=None)
    if as_json:
        print_json(vars(done))
        return
    click.echo(f"Entry {done.entry_id} is a draft now.")
    if done.new_terms:
        click.echo(f"Terms that were not known here are proposed now: {', '.join(done.new_terms)}.")
    for sentence in done.missing:
        click.echo(sentence)
