"""`doctor`: is everything there that the library stands on?"""

from __future__ import annotations

import click

from videolib.commands.opening import print_json, read_settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a check.")
def doctor(*, as_json: bool) -> None:
    """Check everything the library stands on, and say how to mend it."""
    from videolib.doctor import examine

    all_well = True
    for finding in examine(read_settings()):
        all_well = all_well and finding.ok
        if as_json:
            print_json(finding.as_json())
        else:
            click.echo(f"{'ok  ' if finding.ok else 'FAIL'} {finding.check}: {finding.message}")
            if finding.fix:
                click.echo(f"       {finding.fix}")
    raise SystemExit(0 if all_well else 1)
