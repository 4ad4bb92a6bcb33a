"""`user`: people, their roles and tokens."""

from __future__ import annotations

import sys

import click

from videolib.commands.opening import opened_database, print_json, read_settings

MIN_PASSWORD = 10


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
        password = _ask_password()
        with database.writing() as session:
            person = add_user(session, email, hash_password(password), list(roles), display_name=name)
            record_event(session, "add", "user", str(person.id), by=None, roles=sorted(roles))
    click.echo(f"{email} may log in as {', '.join(roles)}.")


@user.command()
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help='Print {"token"}.')
def token(email: str, *, as_json: bool) -> None:
    """Make a bearer token for that person's programs; it is shown once."""
    from videolib.catalogue.audit import record_event
    from videolib.catalogue.people import get_user, make_token

    settings = read_settings()
    with opened_database(settings) as database, database.writing() as session:
        text = make_token(session, email)
        record_event(session, "token", "user", str(get_user(session, email).id), by=None)
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


def _ask_password() -> str:
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < MIN_PASSWORD:
        raise click.UsageError(f"A password has at least {MIN_PASSWORD} characters; give it on stdin or at the prompt.")
    return password
