"""The demo keeps away from libraries that are in use."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.libraries import add_person
from videolib.catalogue.people import list_users
from videolib.cli import main
from videolib.db import Database


def test_the_demo_adds_no_logins_to_a_real_library_that_the_settings_name(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_person(database, "admin", email="boss@hospital.example")
    monkeypatch.setenv("VIDEOLIB_DATABASE_URL", database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("VIDEOLIB_HOME", str(tmp_path / "demo"))

    answer = CliRunner().invoke(main, ["demo", "--fill-only"])

    assert answer.exit_code == 1
    assert "not a demo" in answer.stderr
    with database.reading() as session:
        assert [person.email for person in list_users(session)] == ["boss@hospital.example"]
