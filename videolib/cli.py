"""The command line: one group whose commands are imported only when called, so that `--help` answers at once."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import click

from videolib import __version__

# command -> (module, object, one line of help)
COMMANDS = {
    "package": ("media", "package", "Make an HLS package of one recording; no database, no server."),
    "inspect": ("media", "inspect", "Say what a recording is and whether it would be accepted."),
    "init": ("library", "init", "Create or upgrade database, store and index."),
    "serve": ("library", "serve", "Serve the library; a worker runs beside it."),
    "worker": ("library", "worker", "Work on recordings on this host."),
    "reindex": ("library", "reindex", "Build the search index anew beside the live one, then swap."),
    "ingest": ("intake", "ingest", "Take recordings in: files, folders, or a manifest."),
    "status": ("intake", "status", "Recordings and jobs, stage by stage."),
    "retry": ("intake", "retry", "Try a recording again."),
    "cancel": ("intake", "cancel", "Stop the work on a recording."),
    "search": ("find", "search", "Search the catalogue."),
    "entry": ("carrying", "entry", "One entry with its package, to and from another library."),
    "entries": ("tables", "entries", "All entries as CSV, XLSX or JSON, out and in."),
    "user": ("people", "user", "People, their roles and tokens."),
    "group": ("privacy", "group", "Hospitals and programmes, their people and grants."),
    "assign": ("privacy", "assign", "Say who opens a recording before it is signed off."),
    "erase": ("privacy", "erase", "Remove a recording with everything made of it; prints a receipt."),
    "audit": ("privacy", "audit", "What was done, by whom; prove that nothing of it was changed."),
    "vocabulary": ("words", "vocabulary", "Load and check the vocabulary."),
    "demo": ("demo", "demo", "Make a demo library and serve it."),
    "reconcile": ("mend", "reconcile", "Mend what rows and store contradict each other in."),
    "gc": ("mend", "gc", "Remove objects that nothing refers to any more."),
    "backup": ("keeping", "backup", "Keep the library in another place, while it goes on working."),
    "verify": ("keeping", "verify", "Prove that a backup is whole."),
    "restore": ("keeping", "restore", "Bring a backup back, here or on another host."),
    "doctor": ("checkup", "doctor", "Check everything the library stands on, and say how to mend it."),
}


class LazyGroup(click.Group):
    """Commands by name, imported on use; our own errors end as a sentence, not as a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All commands in the order of a recording's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        command: click.Command = getattr(importlib.import_module(f"videolib.commands.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List them without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a refusal is a sentence on stderr and status 1, wrong settings are status 2."""
        from config.settings import SettingsError
        from videolib.errors import VideolibError

        try:
            return super().invoke(ctx)
        except SettingsError as error:
            _say("These settings have to be mended first:", *(f"  {problem}" for problem in error.problems))
            ctx.exit(2)
        except VideolibError as error:
            if "--json" in sys.argv:
                click.echo(json.dumps({"error": error.code, "message": error.message}, ensure_ascii=False))
            _say(error.message)
            ctx.exit(1)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="videolib")
def main() -> None:
    """A teaching library of interventional surgery recordings."""


def _say(*lines: str) -> None:
    for line in lines:
        click.echo(line, err=True)


if __name__ == "__main__":
    main()
