"""`entries`: all entries as a table or JSON, out and in."""

from __future__ import annotations

from pathlib import Path

import click

from videolib.commands.opening import opened_database, print_json, read_settings


@click.group()
def entries() -> None:
    """All entries as CSV, XLSX or JSON: export, change in Excel, import with a report per row."""


@entries.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--as", "email", help="Only what this person may see; without it everything.")
def export_file(file: Path, email: str | None) -> None:
    """Write all entries to FILE; its ending says how: .csv, .xlsx, .json."""
    from videolib.catalogue.exchange import export_entries
    from videolib.catalogue.people import get_user

    form = _form(file)
    with opened_database(read_settings()) as database, database.reading() as session:
        person = get_user(session, email) if email else None
        file.write_bytes(export_entries(session, form, by=person, everything=not email))
    click.echo(f"Written to {file.name}.")


@entries.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would become of each row.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row.")
def import_file(file: Path, *, dry_run: bool, as_json: bool) -> None:
    """Take in the rows of FILE: a row with an id changes that entry, one without adds a draft."""
    from videolib.catalogue.exchange import import_rows, read_rows

    settings = read_settings()
    rows = read_rows(file.read_bytes(), _form(file), file.name)
    with opened_database(settings) as database, database.writing() as session:
        reports = import_rows(session, rows, threshold=settings.review_threshold, by=None)
        if dry_run:
            session.rollback()
    for report in reports:
        if as_json:
            print_json({**vars(report), "problems": dict(report.problems), "dry_run": dry_run})
        else:
            said = " ".join([report.message, *(f"{name}: {text}" for name, text in report.problems.items())])
            click.echo(f"row {report.number}: {report.what} {', '.join(report.fields)}{said}".rstrip())
    refused = sum(report.what == "refused" for report in reports)
    click.echo(f"{len(reports)} rows, {refused} refused{', nothing was written' if dry_run else ''}.", err=True)
    raise SystemExit(1 if refused else 0)


def _form(file: Path) -> str:
    form = file.suffix.lower().lstrip(".")
    if form not in {"csv", "xlsx", "json"}:
        raise click.BadParameter("name a file that ends with .csv, .xlsx or .json", param_hint="FILE")
    return form
