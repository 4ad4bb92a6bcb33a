"""`package` and `inspect`: the pipeline alone, with no library at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from videolib.commands.opening import print_json, progress_bar, set_up_logging

if TYPE_CHECKING:
    from ingest.pipeline import PackageReport

_T = TypeVar("_T")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def package(file: Path, out: Path, *, as_json: bool) -> None:
    """Make an HLS package of FILE in folder OUT (absent or empty).

    FILE may be a folder with the DICOM files of one study.
    Caption files beside it (FILE's name with .vtt, .srt or .ass, or .zh.srt and so on) become subtitles.
    """
    from ingest.pipeline import Method, package_recording, refused_report
    from ingest.subtitles import find_beside

    set_up_logging("WARNING")
    _require_input(file)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise click.UsageError(f"{out} is not an empty folder; name one that does not exist yet.")
    with progress_bar(file.name) as bar:
        method = Method(beside=find_beside(file) if file.is_file() else ())

        def make(one: Path) -> PackageReport:
            return replace(package_recording(one, out, on_progress=bar, method=method), path=str(file))

        answer = refused_report(file, lambda: _on_one_file(file, make))
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
    """Say what FILE is, whether it would be accepted, and if not why.

    FILE may be a folder with the DICOM files of one study.
    """
    set_up_logging("WARNING")
    _require_input(file)
    answer = _inspected(file, full=full)
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


def _inspected(path: Path, *, full: bool) -> dict[str, Any]:
    from ingest.errors import IngestError
    from ingest.pipeline import inspect_report, refused_report

    try:
        return _on_one_file(path, lambda file: {**inspect_report(file, full=full), "path": str(path)})
    except IngestError as error:
        refusal = error

        def refuse() -> PackageReport:
            raise refusal

        return refused_report(path, refuse)


def _on_one_file(path: Path, work: Callable[[Path], _T]) -> _T:
    """Do the work on a file, or on the study in a folder, packed for the while."""
    if not path.is_dir():
        return work(path)
    from ingest.studies import StudyFolder, find_recordings, packed

    found = find_recordings(path)
    refusal = next((one[1] for one in found if isinstance(one, tuple)), None)
    if refusal is not None:
        raise refusal
    if len(found) != 1:
        raise click.UsageError(f"{path} holds {len(found)} recordings; name one of them.")
    (one,) = found
    if not isinstance(one, StudyFolder):
        return work(one)  # type: ignore[arg-type]
    with packed(one) as file:
        return work(file)


def _require_input(path: Path) -> None:
    if not path.exists():
        raise click.UsageError(f"There is no file {path}.")
