"""`doctor`: is everything there that the library stands on?"""

from __future__ import annotations

from pathlib import Path

import click

from videolib.commands.opening import print_json, read_settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a check.")
@click.option(
    "--bundle",
    "bundle_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a ZIP for whoever helps: checks, versions, states and counts; no patient data, no names, no secrets.",
)
def doctor(*, as_json: bool, bundle_file: Path | None) -> None:
    """Check everything the library stands on, and say how to mend it."""
    from videolib.doctor import examine

    if bundle_file is not None:
        from videolib.support_bundle import write_bundle

        write_bundle(read_settings(), bundle_file)
        click.echo(f"Written to {bundle_file.name}; look into it before you send it.")
        return
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
