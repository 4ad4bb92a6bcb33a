"""`ingest`, `status`, `retry`, `cancel`: recordings on their way in."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from videolib.commands.opening import (
    opened_database,
    opened_workshop,
    print_json,
    progress_bar,
    read_settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from config.settings import Settings
    from ingest.intake import Intake, Item
    from ingest.workshop import Workshop
    from videolib.catalogue.recordings import Recording
    from videolib.errors import VideolibError

LOOK_EVERY_S = 0.5


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--meta",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML with the entry's fields.",
)
@click.option("--publish", is_flag=True, help="Publish what passes the gate; the rest stays a draft.")
@click.option("--hospital", help="Of which hospital it is: its reviewers look at it first. Default: the only one.")
@click.option("--join", is_flag=True, help="Files that a camera has cut into numbered parts are one recording.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of each input; keep nothing.")
@click.option("--no-wait", is_flag=True, help="Only queue; a worker does the rest.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an input.")
def ingest(paths: tuple[Path, ...], meta: Path | None, hospital: str | None, **how: bool) -> None:
    """Take in PATHS: videos, DICOM files, folders of either, or a manifest (.csv, .yaml)."""
    from ingest.inputs import find_inputs, read_meta_file
    from ingest.intake import Intake

    settings = read_settings()
    as_json = how["as_json"]
    items = find_inputs(paths, read_meta_file(meta) if meta else {}, join=how["join"])
    if how["dry_run"]:
        raise SystemExit(_try_all(settings, items, as_json=as_json))
    with opened_workshop(settings) as workshop:
        if hospital:
            items = [item if isinstance(item, tuple) else replace(item, hospital_id=hospital) for item in items]
            _require_hospital(workshop, hospital)
        taken = [(item, _take(workshop, item, publish=how["publish"])) for item in items]
        if not how["no_wait"]:
            work_off(workshop, [done.recording_id for _, done in taken if isinstance(done, Intake)])
        worst = 0
        with workshop.database.reading() as session:
            for item, done in taken:
                answer = _answer(session, item, done, threshold=settings.review_threshold)
                worst = max(worst, 1 if answer["state"] in {"rejected", "failed"} else 0)
                print_json(answer) if as_json else _tell(answer)
    raise SystemExit(worst)


@click.command()
@click.argument("recording_id", metavar="[ID]", required=False)
@click.option("--watch", is_flag=True, help="Go on until nothing moves any more.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a recording.")
def status(recording_id: str | None, *, watch: bool, as_json: bool) -> None:
    """Recordings and jobs, stage by stage; ID limits it to one recording."""
    from videolib.catalogue.recordings import SETTLED, get_recording, list_recordings

    settings = read_settings()
    told: dict[str, dict[str, Any]] = {}
    with opened_database(settings) as database:
        while True:
            with database.reading() as session:
                rows = [get_recording(session, recording_id)] if recording_id else list_recordings(session)
                answers = [_describe(session, row) for row in rows]
            for answer in answers:
                if told.get(answer["recording_id"]) != answer:  # each piece of news once
                    told[answer["recording_id"]] = answer
                    print_json(answer) if as_json else _tell_status(answer)
            if not watch or all(answer["state"] in SETTLED for answer in answers):
                return
            time.sleep(LOOK_EVERY_S)


@click.command()
@click.argument("recording_id", metavar="ID")
def retry(recording_id: str) -> None:
    """Try recording ID again."""
    from videolib.catalogue.jobs import start_work
    from videolib.catalogue.recordings import get_recording

    with opened_database(read_settings()) as database, database.writing() as session:
        start_work(session, get_recording(session, recording_id), by=None)
    click.echo("Queued.")


@click.command()
@click.argument("recording_id", metavar="ID")
def cancel(recording_id: str) -> None:
    """Stop the work on recording ID."""
    from videolib.catalogue.jobs import stop_work
    from videolib.catalogue.recordings import get_recording

    with opened_database(read_settings()) as database, database.writing() as session:
        stop_work(session, get_recording(session, recording_id), by=None)
    click.echo("Cancelled; what runs stops within seconds.")


def _require_hospital(workshop: Workshop, hospital_id: str) -> None:
    from videolib.catalogue.groups import get_group

    with workshop.database.reading() as session:
        get_group(session, hospital_id, "hospital")


def _try_all(settings: Settings, items: list[Item | tuple[Path, VideolibError]], *, as_json: bool) -> int:
    """Say of each input what would become of it; gives the exit status."""
    worst = 0
    with opened_workshop(settings) as workshop:
        for item in items:
            answer = _try(workshop, item)
            worst = max(worst, 1 if answer["state"] == "rejected" else 0)
            print_json(answer) if as_json else _tell(answer)
    click.echo("Nothing was kept: this was a dry run.", err=True)
    return worst


def _try(workshop: Workshop, item: Item | tuple[Path, VideolibError]) -> dict[str, Any]:
    """The contract's object for an input that is only looked at: queued stands for would be taken in."""
    from ingest.inputs import as_one_file
    from ingest.intake import try_out
    from ingest.pipeline import inspect_report
    from videolib.errors import VideolibError

    if isinstance(item, tuple):
        return {**_refused(*item), "dry_run": True}
    try:
        with as_one_file(workshop, item) as whole:
            known = try_out(workshop.database, whole.path)
            answer = inspect_report(whole.path)
    except VideolibError as error:
        return {**_refused(item.path, error), "dry_run": True}
    answer |= {"path": str(item.path), "dry_run": True}
    if answer["state"] != "rejected":
        answer["state"] = "queued"
    if known is not None:
        answer |= {"recording_id": known[0], "entry_id": known[1] or None, "duplicate_of": known[0]}
    answer["warnings"] = [*item.notes, *answer["warnings"]]
    return answer


def _take(workshop: Workshop, item: Item | tuple[Path, VideolibError], *, publish: bool) -> Intake | VideolibError:
    from ingest.inputs import as_one_file
    from ingest.intake import take_in
    from videolib.errors import VideolibError

    if isinstance(item, tuple):
        return item[1]
    try:
        with progress_bar(item.path.name) as bar, as_one_file(workshop, item) as whole:
            return take_in(
                workshop.database,
                workshop.originals,
                replace(whole, review_threshold=workshop.settings.review_threshold),
                by=None,
                publish=publish,
                on_progress=lambda fraction: bar("reading", fraction),
            )
    except VideolibError as error:
        return error


def work_off(workshop: Workshop, recording_ids: list[str]) -> None:
    """Work, beside any other worker, until these recordings have settled."""
    from ingest.worker import run_worker
    from videolib.catalogue.indexing import HostIndex

    def settled() -> bool:
        with workshop.database.reading() as session:
            return all(row["is_settled"] for row in _look(session, recording_ids))

    if recording_ids:
        with _watched(workshop, recording_ids):
            run_worker(
                workshop,
                index=HostIndex(workshop.settings, workshop.database),
                stop=settled,
                recording_ids=recording_ids,
            )


@contextmanager
def _watched(workshop: Workshop, recording_ids: list[str]) -> Iterator[None]:
    """A bar that shows what the rows say while the work goes on."""
    from ingest.surviving import beside

    def look(over: threading.Event) -> None:
        with progress_bar(f"{len(recording_ids)} recordings" if len(recording_ids) > 1 else "recording") as bar:
            while not over.wait(LOOK_EVERY_S):
                with workshop.database.reading() as session:
                    rows = _look(session, recording_ids)
                stages = [row["stage"] for row in rows if row["stage"]]
                bar(stages[0] if stages else "waiting", sum(row["progress"] for row in rows) / len(rows))

    with beside("progress", look):
        yield


def _look(session: Session, recording_ids: list[str]) -> list[dict[str, Any]]:
    from videolib.catalogue.recordings import SETTLED, get_recording

    rows = [get_recording(session, identifier) for identifier in recording_ids]
    return [
        {
            "stage": row.stage,
            "progress": 1.0 if row.state in SETTLED else row.progress,
            "is_settled": row.state in SETTLED,
        }
        for row in rows
    ]


def _answer(
    session: Session, item: Item | tuple[Path, VideolibError], done: Intake | VideolibError, *, threshold: int
) -> dict[str, Any]:
    """The contract's object for one input."""
    from ingest.intake import Intake
    from videolib.catalogue.entries import Entry
    from videolib.catalogue.gate import find_missing
    from videolib.catalogue.packages import Package
    from videolib.catalogue.recordings import get_recording

    path = item[0] if isinstance(item, tuple) else item.path
    if not isinstance(done, Intake):
        return _refused(path, done)
    recording = get_recording(session, done.recording_id)
    entry = session.get(Entry, done.entry_id)
    package = session.get(Package, recording.package_id) if recording.package_id else None
    reason = {"code": recording.reason_code, "message": recording.reason_message} if recording.reason_code else None
    asked = entry is not None and entry.status == "draft" and entry.publish_requested
    missing = find_missing(session, entry, threshold=threshold) if entry is not None and asked else {}
    return {
        "path": str(path),
        "recording_id": recording.id,
        "entry_id": done.entry_id,
        "state": recording.state,
        "published": entry is not None and entry.status == "published",
        "duplicate_of": done.duplicate_of,
        "reason": reason,
        "source": recording.source,
        "package": package.description if package else None,
        "timing": {"first_playable_s": None, "total_s": None, "cpu_s": None, **recording.timing},
        "warnings": [
            *(() if isinstance(item, tuple) else item.notes),
            *recording.warnings,
            *(f"{field}: {sentence}" for field, sentence in missing.items()),
        ],
    }


def _refused(path: Path, error: VideolibError) -> dict[str, Any]:
    """The contract's object for an input of which nothing was kept."""
    from ingest.errors import IngestError, Refused
    from ingest.pipeline import PackageReport, refused_report
    from videolib.errors import Unavailable

    reason = error
    if isinstance(error, Unavailable):
        reason = IngestError("store_unavailable", error.message)
    elif not isinstance(error, IngestError):
        reason = Refused("unsupported", error.message)

    def refuse() -> PackageReport:
        raise reason

    hints = reason.hints if isinstance(reason, Refused) else ()
    return {**refused_report(path, refuse), "warnings": list(hints)}


def _describe(session: Session, recording: Recording) -> dict[str, Any]:
    from videolib.catalogue.progress import describe_work

    return {
        "recording_id": recording.id,
        "state": recording.state,
        "stage": recording.stage,
        "progress": recording.progress,
        "reason": {"code": recording.reason_code, "message": recording.reason_message}
        if recording.reason_code
        else None,
        "work": describe_work(session, recording).as_json() if recording.state in {"queued", "processing"} else None,
        "updated_at": recording.updated_at.isoformat(),
    }


def _tell(answer: dict[str, Any]) -> None:
    reason = f" ({answer['reason']['message']})" if answer["reason"] else ""
    published = ", published" if answer["published"] else ""
    click.echo(f"{Path(answer['path']).name}: {answer['state']}{published}{reason}")
    for sentence in answer["warnings"]:
        click.echo(f"  {sentence}")


def _tell_status(answer: dict[str, Any]) -> None:
    stage = f" {answer['stage']} {answer['progress']:.0%}" if answer["stage"] else ""
    reason = f" {answer['reason']['message']}" if answer["reason"] else ""
    work = "".join(f" · {words}" for words in _work_words(answer["work"] or {}))
    click.echo(f"{answer['recording_id']} {answer['state']}{stage}{reason}{work}")


def _work_words(work: dict[str, Any]) -> Iterator[str]:
    """What `status` says of the work on a recording."""
    if work.get("waits_message"):
        yield work["waits_message"]
    if work.get("place"):
        yield f"number {work['place']} in the queue"
    if work.get("chunks"):
        yield f"{work['chunks_done']} of {work['chunks']} chunks"
    yield from (f"{one['name']} {one['progress']:.0%}" for one in work.get("renditions", ()))
    if work.get("speed"):
        yield f"{work['speed']:.1f}x"
    if work.get("time_left_s") is not None:
        yield f"{work['time_left_s']:.0f} s left"
    if work.get("hosts"):
        yield f"on {', '.join(work['hosts'])}"
