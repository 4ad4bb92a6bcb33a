"""`package` and `inspect`: the pipeline alone, with no library at all."""

from __future__ import annotations

from pathlib import Path

import click

from videolib.commands.opening import print_json, progress_bar, set_up_logging


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def package(file: Path, out: Path, *, as_json: bool) -> None:
    """Make an HLS package of FILE in folder OUT (absent or empty)."""
    from ingest.pipeline import package_recording, refused_report

    set_up_logging("WARNING")
    _require_file(file)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise click.UsageError(f"{out} is not an empty folder; name one that does not exist yet.")
    with progress_bar(file.name) as bar:
        answer = refused_report(file, lambda: package_recording(file, out, on_progress=bar))
    if as_json:
        print_json(answer)
    else:
        _tell_package(answer, out)
    raise SystemExit(0 if answer["state"] == "ready" else 1)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--full", is_flag=True, help="Decode all of it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def inspect(file: Path, *, full: bool, as_json: bool) -> None:
    """Say what FILE is, whether it would be accepted, and if not why."""
    from ingest.pipeline import inspect_report

    set_up_logging("WARNING")
    _require_file(file)
    answer = inspect_report(file, full=full)
    if as_json:
        print_json(answer)
    elif answer["reason"]:
        click.echo(f"Refused ({answer['reason']['code']}): {answer['reason']['message']}")
    else:
        for name, value in answer["source"].items():
            click.echo(f"{name:16} {value}")
        for sentence in answer["warnings"]:
            click.echo(f"Note: {sentence}")
    raise SystemExit(1 if answer["reason"] else 0)


def _tell_package(answer: dict[str, object], out: Path) -> None:
    reason, made = answer["reason"], answer["package"]
    if isinstance(reason, dict):
        click.echo(f"Refused ({reason['code']}): {reason['message']}", err=True)
    elif isinstance(made, dict):
        sizes = ", ".join(f"{item['width']}×{item['height']}" for item in made["renditions"])
        click.echo(f"{out / made['multivariant']}: {made['duration_s']:.1f} s in {sizes}")
        for sentence in answer["warnings"] if isinstance(answer["warnings"], list) else []:
            click.echo(f"Note: {sentence}")


def _require_file(file: Path) -> None:
    if not file.is_file():
        raise click.UsageError(f"There is no file {file}.")
