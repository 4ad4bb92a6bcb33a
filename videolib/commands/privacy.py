"""`audit`, `group`: proof of what was done; hospitals and programmes, who belongs to them and what they are granted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from videolib.commands.opening import opened_database, opened_workshop, print_json, read_settings


@click.group()
def audit() -> None:
    """What was done, by whom, when."""


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each break.")
@click.pass_context
def verify(context: click.Context, *, as_json: bool) -> None:
    """Prove that no event was changed, removed or put in between; status 1 where one was."""
    from videolib.catalogue.audit_chain import audit_key, verify_chain

    settings = read_settings()
    with opened_workshop(settings) as workshop, workshop.database.reading() as session:
        breaks = list(verify_chain(session, workshop.store, audit_key(settings)))
    for found in breaks:
        print_json(vars(found)) if as_json else click.echo(f"{found.sequence}: {found.message}")
    if breaks:
        context.exit(1)
    if not as_json:
        click.echo("The audit is whole.")


@audit.command()
@click.argument("before", type=click.DateTime(["%Y-%m-%d"]))
def prune(before: datetime) -> None:
    """Remove events of before that day; a signed checkpoint stays in their place."""
    from videolib.catalogue.audit_chain import anchor_head, audit_key, prune_events, verify_chain
    from videolib.errors import Conflict

    settings = read_settings()
    key = audit_key(settings)
    with opened_workshop(settings) as workshop:
        with workshop.database.writing() as session:
            if next(verify_chain(session, workshop.store, key), None) is not None:
                raise Conflict("The audit is not whole; see `videolib audit verify` first.", code="audit_broken")
            count = prune_events(session, before.astimezone(), key, by=None)
        anchor_head(workshop.database, workshop.store, key)
    click.echo(f"{count} events were removed.")


@audit.command(name="list")
@click.option("--object", "object_id", default="", help="Only what was done to the thing of this id.")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 1_000_000), help="How many, newest first."
)
def list_audit(object_id: str, limit: int) -> None:
    """Print events as JSON, one a line, newest first."""
    from videolib.catalogue.audit import list_events

    settings = read_settings()
    with opened_database(settings) as database, database.reading() as session:
        for event in list_events(session, object_id=object_id or None, limit=limit):
            print_json({column.key: getattr(event, column.key) for column in event.__table__.columns})


@click.group()
def group() -> None:
    """Hospitals and programmes: who belongs to which, and who is reviewer or privacy officer."""


@group.command()
@click.argument("group_id")
@click.option("--kind", type=click.Choice(["hospital", "programme"]), required=True)
@click.option("--zh", default="", help="Its name in Chinese.")
@click.option("--en", default="", help="Its name in English.")
def add(group_id: str, kind: Any, zh: str, en: str) -> None:
    """Add a hospital or a programme."""
    from videolib.catalogue.groups import add_group

    with opened_database(read_settings()) as database, database.writing() as session:
        add_group(session, group_id, kind, {"zh": zh, "en": en}, by=None)
    click.echo(f"{group_id} is there.")


@group.command(name="list")
def list_all() -> None:
    """Print them as JSON, one a line, with their members and grants."""
    from videolib.catalogue.grants import list_grants
    from videolib.catalogue.groups import list_groups, list_members
    from videolib.catalogue.people import get_user_by_id

    with opened_database(read_settings()) as database, database.reading() as session:
        for found in list_groups(session):
            grants = [(get_user_by_id(session, one.user_id).email, one.name) for one in list_grants(session, found.id)]
            members = [person.email for person in list_members(session, found.id)]
            print_json({"id": found.id, "kind": found.kind, "name": found.name, "members": members, "grants": grants})


@group.command()
@click.argument("group_id")
@click.argument("email")
def join(group_id: str, email: str) -> None:
    """Let somebody belong to it."""
    from videolib.catalogue.groups import join_group
    from videolib.catalogue.people import get_user

    with opened_database(read_settings()) as database, database.writing() as session:
        join_group(session, group_id, get_user(session, email), by=None)
    click.echo(f"{email} belongs to {group_id}.")


@group.command()
@click.argument("group_id")
@click.argument("email")
def leave(group_id: str, email: str) -> None:
    """Somebody does not belong to it any more."""
    from videolib.catalogue.groups import leave_group
    from videolib.catalogue.people import get_user

    with opened_database(read_settings()) as database, database.writing() as session:
        leave_group(session, group_id, get_user(session, email), by=None)
    click.echo(f"{email} does not belong to {group_id}.")


@group.command()
@click.argument("hospital_id")
@click.argument("email")
@click.argument("name", type=click.Choice(["reviewer", "privacy_officer"]))
@click.option("--revoke", is_flag=True, help="Take it away instead.")
def grant(hospital_id: str, email: str, name: str, *, revoke: bool) -> None:
    """Make somebody reviewer or privacy officer of a hospital; this is how the first one comes to be."""
    from videolib.catalogue.grants import give_grant, take_grant
    from videolib.catalogue.people import get_user

    with opened_database(read_settings()) as database, database.writing() as session:
        (take_grant if revoke else give_grant)(session, get_user(session, email), name, hospital_id, by=None)
    click.echo(f"{email} is {'no longer ' if revoke else ''}{name} of {hospital_id}.")


@group.command()
@click.argument("hospital_id")
@click.argument("gib", required=False, type=float)
@click.option("--none", "is_none", is_flag=True, help="As much as there is room for.")
def quota(hospital_id: str, gib: float | None, *, is_none: bool) -> None:
    """Say how many GiB a hospital's recordings may take up; without a number print what they take up, as JSON."""
    from videolib.catalogue.storage_use import list_use, set_quota

    with opened_database(read_settings()) as database, database.writing() as session:
        if gib is not None or is_none:
            set_quota(session, hospital_id, None if is_none else gib, by=None)
        use = next((one for one in list_use(session) if one.hospital and one.hospital.id == hospital_id), None)
        if use is None:
            raise click.UsageError(f"There is no hospital {hospital_id}; `videolib group list` prints them.")
        print_json({"id": hospital_id, "quota": use.quota, "total": use.total, **use.bytes_by_kind})


@click.command()
@click.argument("recording_id", metavar="ID")
@click.argument("email", required=False)
@click.option("--hospital", help="Say of which hospital it is: its reviewers open it.")
@click.option("--end", is_flag=True, help="Shut the editor out again.")
def assign(recording_id: str, email: str | None, *, hospital: str | None, end: bool) -> None:
    """Let the editor EMAIL open recording ID before it is signed off, or say of which hospital it is."""
    from videolib.catalogue import quarantine
    from videolib.catalogue.people import get_user
    from videolib.catalogue.recordings import get_recording

    if not email and not hospital:
        raise click.UsageError("Say whom to assign, or --hospital.")
    with opened_database(read_settings()) as database, database.writing() as session:
        recording = get_recording(session, recording_id)
        if hospital:
            quarantine.set_hospital(session, recording, hospital, by=None)
        if email and end:
            quarantine.release_editor(session, recording, get_user(session, email).id, by=None)
        elif email:
            quarantine.assign_editor(session, recording, get_user(session, email), by=None)
    click.echo("Done.")


@click.command()
@click.argument("some_id", metavar="ID")
def erase(some_id: str) -> None:
    """Remove the recording ID, or that of the entry ID, with everything made of it; prints the receipt as JSON.

    Nothing of it comes back. What stays is an empty entry and the receipt; erasing again gives the receipt again.
    """
    from ingest.erasing import erase as erase_now
    from videolib.catalogue.ledger import ledger_key, write_ledger

    with opened_workshop(read_settings()) as workshop:
        done = erase_now(workshop, some_id)
        write_ledger(workshop.database, workshop.ledger, ledger_key(workshop.settings))
    print_json({"id": done.id, "at": done.at, "entry_ids": done.entry_ids, **done.receipt})
