"""`vocabulary`: load and check the lists of terms."""

from __future__ import annotations

from pathlib import Path

import click

from videolib.commands.opening import opened_database, read_settings


@click.group()
def vocabulary() -> None:
    """Load and check the vocabulary."""


@vocabulary.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
def load(file: Path) -> None:
    """Load terms from a YAML FILE or a folder of them; terms already there are brought up to date."""
    from videolib.catalogue.vocabulary import load_vocabulary

    settings = read_settings()
    with opened_database(settings) as database, database.writing() as session:
        count = load_vocabulary(session, file)
    click.echo(f"{count} terms loaded.")


@vocabulary.command()
def check() -> None:
    """Say what is wrong with the vocabulary in the library."""
    from videolib.catalogue.vocabulary import check_vocabulary, list_all_terms

    settings = read_settings()
    with opened_database(settings) as database, database.reading() as session:
        problems, count = check_vocabulary(session), len(list_all_terms(session))
    for sentence in problems:
        click.echo(sentence)
    click.echo(f"{count} terms, {len(problems)} problems.")
    raise SystemExit(1 if problems else 0)
