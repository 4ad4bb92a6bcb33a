"""`backup`, `verify`, `restore`: the library in another place, proof of it, and back."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from videolib.commands.opening import opened_workshop, print_json, progress_bar, read_settings

if TYPE_CHECKING:
    from videolib.backup.taking import Prediction
    from videolib.backup.vault import Vault
    from videolib.storage import GrowingStore

_KEY = click.option(
    "--key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the key that seals the backup; keep it elsewhere, without it nothing can be read.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="JSON, one object a line.")


@click.command()
@click.argument("dest", metavar="DEST")
@_KEY
@click.option("--without-renditions", is_flag=True, help="Leave out what can be made again of what was uploaded.")
@click.option("--keep-days", type=click.IntRange(0), help="Remove snapshots older than that; the newest always stays.")
@click.option("--dry-run", is_flag=True, help="Only say what it would take.")
@_JSON
def backup(
    dest: str, *, key_file: Path | None, without_renditions: bool, keep_days: int | None, dry_run: bool, as_json: bool
) -> None:
    """Keep the library in DEST: a folder (best a mounted disk of another machine), or a store as s3://bucket/prefix?….

    Rows, objects and keys of one moment, while the library goes on working. Each object is kept once, so the next time
    only what is new is read and written. Killed at any moment it has lost nothing: call it again.
    """
    from videolib.backup import taking
    from videolib.backup.pruning import prune
    from videolib.backup.vault import make_vault

    os.umask(0o077)  # rows and keys are nobody else's business
    settings, began = read_settings(), time.monotonic()
    with opened_workshop(settings) as workshop, progress_bar("backup") as bar:
        vault = make_vault(_place(dest, key_file), _secret(key_file), taking.library_id_of(workshop.database))
        predicted = taking.predict(workshop, vault, renditions=not without_renditions)
        _tell_prediction(predicted, as_json=as_json)
        if dry_run:
            return
        taking.require_room(predicted)
        taken = taking.take(workshop, vault, renditions=not without_renditions, progress=bar)
        removed = prune(settings, vault, keep_days=keep_days)
    answer = {
        "snapshot": taken.snapshot.id,
        "objects": taken.snapshot.objects,
        "bytes": taken.snapshot.bytes,
        "rows": sum(taken.snapshot.rows.values()),
        "new_objects": taken.new_objects,
        "new_bytes": taken.new_bytes,
        "removed_objects": removed,
        "sealed": vault.sealing.is_sealed,
        "problems": taken.problems,
        "seconds": round(time.monotonic() - began, 1),
    }
    if as_json:
        print_json(answer)
    else:
        click.echo(
            f"Snapshot {taken.snapshot.id}: {taken.snapshot.objects} objects, {_gb(taken.snapshot.bytes)}, of these "
            f"{taken.new_objects} new ({_gb(taken.new_bytes)} written); {answer['rows']} rows; {answer['seconds']} s."
        )
        for sentence in taken.problems:
            click.echo(sentence, err=True)
    if not vault.sealing.is_sealed:
        click.echo("This backup is not sealed and holds the library's keys: guard it like the library.", err=True)
    raise SystemExit(1 if taken.problems else 0)


@click.command()
@click.argument("dest", metavar="DEST")
@_KEY
@click.option("--snapshot", "snapshot_id", help="Which one; default: the newest.")
@click.option("--all", "all_of_them", is_flag=True, help="Every snapshot.")
@click.option("--quick", is_flag=True, help="Do not read the objects again, only look that they are there.")
@_JSON
def verify(
    dest: str, *, key_file: Path | None, snapshot_id: str | None, all_of_them: bool, quick: bool, as_json: bool
) -> None:
    """Prove that the backup in DEST is whole; status 1 where it is not. Needs no library, so it runs on any host.

    Every byte is read and compared, the rows are loaded into a database, references and audit are followed.
    """
    from videolib.backup.checking import verify as find_problems

    vault, count = _opened(dest, key_file), 0
    snapshots = vault.list_snapshots() if all_of_them else [vault.get_snapshot(snapshot_id)]
    for broken in vault.list_damaged() if all_of_them else ():
        count += 1
        print_json({"message": broken.message}) if as_json else click.echo(broken.message)
    with progress_bar("verify") as bar:
        for snapshot in snapshots:
            for problem in find_problems(vault, snapshot, progress=bar, quick=quick):
                count += 1
                print_json(asdict(problem)) if as_json else click.echo(f"{problem.subject}: {problem.message}")
    for snapshot in snapshots:
        said = {"snapshot": snapshot.id, "made_at": snapshot.made_at, "objects": snapshot.objects, "whole": not count}
        print_json(said) if as_json else click.echo(
            f"Snapshot {snapshot.id} of {snapshot.made_at}: {'whole' if not count else 'not whole'}."
        )
    raise SystemExit(1 if count or not snapshots else 0)


@click.command()
@click.argument("source", metavar="SOURCE")
@_KEY
@click.option("--snapshot", "snapshot_id", help="Which one; default: the newest.")
@click.option("--ledger", "ledgers", multiple=True, metavar="PLACE", help="A further ledger of what was taken away.")
@click.option("--trust-ledger", is_flag=True, help="Apply also lines that this library has not signed.")
@_JSON
def restore(
    source: str,
    *,
    key_file: Path | None,
    snapshot_id: str | None,
    ledgers: tuple[str, ...],
    trust_ledger: bool,
    as_json: bool,
) -> None:
    """Bring the backup in SOURCE back into the library that the settings name; database and store have to be empty.

    What was erased or withdrawn since is taken away again, by the ledger, before anything is served. Killed at any
    moment it goes on when it is called again.
    """
    from ingest.workshop import Workshop
    from videolib.backup.restoring import Wish
    from videolib.backup.restoring import restore as restore_now
    from videolib.db import Database
    from videolib.storage import open_store

    settings, began = read_settings(), time.monotonic()
    vault = _opened(source, key_file)
    database = Database(settings.database_url)
    workshop = Workshop(settings, database, open_store(settings.store_url), open_store(settings.originals_url))
    wish = Wish(vault.get_snapshot(snapshot_id), tuple(_store(place) for place in ledgers), trust_ledger)
    try:
        with progress_bar("restore") as bar:
            done = restore_now(workshop, vault, wish, bar)
    finally:
        database.close()
    answer = {
        "snapshot": done.snapshot,
        "objects": done.objects,
        "bytes": done.bytes,
        "left_out": done.left_out,
        "reapplied": dict(done.reapplied.counts),
        "seconds": round(time.monotonic() - began, 1),
    }
    if as_json:
        print_json(answer)
        return
    again = sum(done.reapplied.counts.values())
    click.echo(
        f"Restored: {done.objects} objects, {_gb(done.bytes)}, {answer['seconds']} s. By the ledger, {again} things"
    )
    click.echo("were taken away again. Now: `videolib doctor`, `videolib audit verify`, `videolib serve`.")


def _opened(place: str, key_file: Path | None) -> Vault:
    from videolib.backup.vault import open_vault

    return open_vault(_place(place, key_file), _secret(key_file))


def _place(place: str, key_file: Path | None) -> GrowingStore:
    """The backup's store. Raises `InvalidInput` where the key lies in it."""
    from videolib.errors import InvalidInput

    folder = _folder_of(place)
    if key_file is not None and folder is not None and folder in key_file.resolve().parents:
        raise InvalidInput("The key lies inside the backup that it seals: keep it elsewhere.", code="bad_key_file")
    return _store(place)


def _store(place: str) -> GrowingStore:
    from videolib.storage import open_store

    folder = _folder_of(place)
    return open_store(place if folder is None else f"file:{folder}")


def _folder_of(place: str) -> Path | None:
    if place.startswith("s3://"):
        return None
    return Path(place.removeprefix("file:")).expanduser().resolve()


def _secret(key_file: Path | None) -> bytes | None:
    from videolib.backup.sealing import read_key

    return read_key(key_file) if key_file is not None else None


def _tell_prediction(predicted: Prediction, *, as_json: bool) -> None:
    if as_json:
        print_json({"predicted": asdict(predicted)})
        return
    free = "" if predicted.free_bytes is None else f", {_gb(predicted.free_bytes)} are free there"
    click.echo(
        f"{predicted.objects} objects, {_gb(predicted.bytes)}; {predicted.new_objects} of them are new: about "
        f"{_gb(predicted.needed_bytes)} will be written{free}.",
        err=True,
    )


def _gb(count: int) -> str:
    return f"{count / 1e9:.2f} GB"
