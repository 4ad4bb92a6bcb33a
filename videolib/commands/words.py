"""`vocabulary`: load, check and export the lists of terms."""

from __future__ import annotations

from pathlib import Path

import click

from videolib.commands.opening import opened_database, print_json, read_settings

# the end of a file's name -> the form in which it is written
FORMS = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".csv": "csv",
    ".ttl": "turtle",
    ".rdf": "xml",
    ".xml": "xml",
    ".jsonld": "json-ld",
}
FILE = click.Path(exists=True, path_type=Path)


@click.group()
def vocabulary() -> None:
    """Load, check and export the vocabulary."""


@vocabulary.command()
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def load(file: Path, *, dry_run: bool, as_json: bool) -> None:
    """Load terms from FILE: YAML, CSV, or SKOS (.ttl, .rdf, .jsonld), or a folder of YAML files.

    Terms already there are brought up to date; what FILE does not name stays as it is.
    """
    from videolib.catalogue.vocabulary_loading import describe, load_vocabulary

    settings = read_settings()
    with opened_database(settings) as database, database.writing() as session:
        done = load_vocabulary(session, file)
        if dry_run:
            session.rollback()
    if as_json:
        print_json({**vars(done), "dry_run": dry_run})
    else:
        click.echo(("Nothing was written. It would be: " if dry_run else "") + describe(done))


@vocabulary.command()
@click.argument("file", type=FILE, required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a problem.")
def check(file: Path | None, *, as_json: bool) -> None:
    """Say what is wrong with the vocabulary in the library, or with FILE if it were loaded."""
    from videolib.catalogue.vocabulary import list_all_terms
    from videolib.catalogue.vocabulary_loading import check_file, check_vocabulary

    settings = read_settings()
    with opened_database(settings) as database, database.reading() as session:
        if file is not None:
            problems, count = check_file(session, file)
        else:
            problems, count = check_vocabulary(session), len(list_all_terms(session))
    for sentence in problems:
        print_json({"message": sentence}) if as_json else click.echo(sentence)
    click.echo(f"{count} terms, {len(problems)} problems.", err=as_json)
    raise SystemExit(1 if problems else 0)


@vocabulary.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--scheme", "schemes", multiple=True, help="Only this list of terms; may be given several times.")
def export(file: Path, schemes: tuple[str, ...]) -> None:
    """Write the vocabulary to FILE; its ending says how: .yaml, .csv, .ttl, .rdf, .jsonld."""
    from videolib.catalogue.vocabulary import get_scheme, list_schemes, list_terms
    from videolib.catalogue.vocabulary_files import scheme_of, write_schemes

    form = FORMS.get(file.suffix.lower())
    if form is None:
        raise click.BadParameter(f"name a file that ends with {', '.join(FORMS)}", param_hint="FILE")
    with opened_database(read_settings()) as database, database.reading() as session:
        rows = [get_scheme(session, name) for name in schemes] or list_schemes(session)
        found = [scheme_of(row, list_terms(session, row.id)) for row in rows]
    file.write_bytes(write_schemes(found, form))
    click.echo(f"{sum(len(scheme['terms']) for scheme in found)} terms written.")
