"""`user`: people, their roles and tokens."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from videolib.commands.opening import opened_database, print_json, read_settings


@click.group()
def user() -> None:
    """People, their roles and tokens."""


@user.command()
@click.argument("email")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    help="trainee, editor, instructor or admin; may be given again.",
)
@click.option("--name", default="", help="The name others see.")
def add(email: str, roles: tuple[str, ...], name: str) -> None:
    """Add a person; the password is asked for, or read from stdin."""
    from videolib.catalogue.audit import record_event
    from videolib.catalogue.people import add_user
    from videolib.passwords import hash_password

    settings = read_settings()
    with opened_database(settings) as database:
        password = _ask_password(email, name)
        with database.writing() as session:
            person = add_user(session, email, hash_password(password), list(roles), display_name=name)
            record_event(session, "add", "user", str(person.id), by=None, roles=sorted(roles))
    click.echo(f"{email} may log in as {', '.join(roles)}.")


@user.command()
@click.argument("email")
@click.option("--role", "roles", multiple=True, required=True, help="As of `add`.")
@click.option("--name", default="", help="The name others see.")
def invite(email: str, roles: tuple[str, ...], name: str) -> None:
    """Add a person who chooses a password behind a one-time link; prints the link."""
    from videolib.catalogue.account_links import make_link
    from videolib.catalogue.people_care import PersonValues, invite_person

    settings = read_settings()
    with opened_database(settings) as database, database.writing() as session:
        person = invite_person(session, PersonValues(email, name, roles=roles), by=None)
        secret, link = make_link(session, person, by=None)
    _print_link(settings.public_url, secret, link.expires_at)


@user.command()
@click.argument("email")
def reset(email: str) -> None:
    """Print a one-time link behind which that person chooses a new password."""
    from videolib.catalogue.account_links import make_link
    from videolib.catalogue.people import get_user

    settings = read_settings()
    with opened_database(settings) as database, database.writing() as session:
        secret, link = make_link(session, get_user(session, email), by=None)
    _print_link(settings.public_url, secret, link.expires_at)


@user.command()
@click.argument("email")
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@click.option(
    "--scope", "scopes", multiple=True, help="read, write or upload; may be given again. All where none is given."
)
@click.option("--days", type=int, help="How long it works; where it is not said, until it is revoked.")
@click.option("--json", "as_json", is_flag=True, help='Print {"token"}.')
def token(email: str, name: str, scopes: tuple[str, ...], days: int | None, *, as_json: bool) -> None:
    """Make a bearer token for that person's programs; it is shown once."""
    from videolib.catalogue.people import SCOPES, get_user
    from videolib.catalogue.tokens import add_token

    settings = read_settings()
    with opened_database(settings) as database, database.writing() as session:
        text = add_token(session, get_user(session, email), name, scopes or tuple(SCOPES), days, by=None)
    if as_json:
        print_json({"token": text})
    else:
        click.echo(text)


@user.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_people(*, as_json: bool) -> None:
    """Everybody, with roles."""
    from videolib.catalogue.people import list_users

    settings = read_settings()
    with opened_database(settings) as database, database.reading() as session:
        for person in list_users(session):
            roles = sorted(person.role_names)
            if as_json:
                print_json(
                    {
                        "email": person.email,
                        "name": person.display_name,
                        "roles": roles,
                        "active": person.active,
                    }
                )
            else:
                click.echo(f"{person.email:40} {', '.join(roles):30} {'' if person.active else 'disabled'}".rstrip())


@user.command()
@click.argument("email")
def disable(email: str) -> None:
    """Bar a person: sessions and tokens end now."""
    from videolib.catalogue.audit import record_event
    from videolib.catalogue.people import disable_user

    settings = read_settings()
    with opened_database(settings) as database, database.writing() as session:
        person = disable_user(session, email)
        record_event(session, "disable", "user", str(person.id), by=None)
    click.echo(f"{email} may not log in any more.")


@user.command()
@click.argument("email")
def enable(email: str) -> None:
    """Let a person in again who was barred."""
    from videolib.catalogue.people import get_user
    from videolib.catalogue.people_care import admit_person

    settings = read_settings()
    with opened_database(settings) as database, database.writing() as session:
        admit_person(session, get_user(session, email), by=None)
    click.echo(f"{email} may log in again.")


@user.command(name="forget-second-step")
@click.argument("email")
def forget_second_step(email: str) -> None:
    """Take away codes, passkeys and recovery codes of a person who has lost them."""
    from videolib.catalogue.people import get_user
    from videolib.catalogue.second_factors import remove_all

    settings = read_settings()
    with opened_database(settings) as database, database.writing() as session:
        remove_all(session, get_user(session, email), by=None)
    click.echo(f"{email} logs in by the password alone.")


def _print_link(public_url: str | None, secret: str, expires_at: datetime) -> None:
    click.echo(f"{public_url or 'http://127.0.0.1:8000'}/login/link/{secret}")
    click.echo(f"It works once, until {expires_at.astimezone():%Y-%m-%d %H:%M}.", err=True)


def _ask_password(*about: str) -> str:
    from videolib.errors import InvalidInput
    from videolib.passwords import require_good_password

    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        require_good_password(password, about)
    except InvalidInput as error:
        raise click.UsageError(f"{error.message} Give it on stdin or at the prompt.") from None
    return password
