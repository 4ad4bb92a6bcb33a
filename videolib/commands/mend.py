"""`reconcile` and `gc`: mend and clean rows and store, saying why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from videolib.commands.opening import opened_workshop, print_json, read_settings

if TYPE_CHECKING:
    from ingest.reconcile import Finding


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding.")
def reconcile(*, dry_run: bool, as_json: bool) -> None:
    """Find where rows and store contradict each other, and mend each."""
    from ingest.reconcile import reconcile as find

    with opened_workshop(read_settings()) as workshop:
        _tell(find(workshop, dry_run=dry_run), dry_run=dry_run, as_json=as_json)


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option(
    "--grace-hours", default=168.0, show_default=True, type=click.FloatRange(0), help="Leave alone what is younger."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding.")
def gc(*, dry_run: bool, grace_hours: float, as_json: bool) -> None:
    """Remove objects that nothing refers to any more."""
    from ingest.garbage import collect_garbage

    with opened_workshop(read_settings()) as workshop:
        findings = collect_garbage(workshop, grace_s=grace_hours * 3600, dry_run=dry_run)
        _tell(findings, dry_run=dry_run, as_json=as_json)


def _tell(findings: Iterable[Finding], *, dry_run: bool, as_json: bool) -> None:
    """Say each; status 1 where something was found that nobody can mend here."""
    count, is_left = 0, False
    for finding in findings:
        count += 1
        is_left = is_left or not (finding.mended or dry_run)
        print_json(finding.as_json()) if as_json else click.echo(f"{finding.kind} {finding.subject}: {finding.message}")
    if not as_json and not count:
        click.echo("Nothing to do.")
    raise SystemExit(1 if is_left else 0)
