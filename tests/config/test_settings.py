"""Settings: read once, every problem at once with what to write instead, secrets nowhere to be seen."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from config.settings import Settings, SettingsError, load_settings

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-secret-of-more-than-thirty-two-characters"


def load(tmp_path: Path, **values: str) -> Settings:
    return load_settings(
        {"VIDEOLIB_HOME": str(tmp_path / "home"), **{f"VIDEOLIB_{name}": text for name, text in values.items()}}
    )


def problems(tmp_path: Path, **values: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, **values)
    return caught.value.problems


def test_without_any_setting_everything_lies_under_home(tmp_path: Path) -> None:
    settings = load_settings({"HOME": str(tmp_path)})

    home = tmp_path / ".local" / "share" / "videolib"
    assert settings.home == home
    assert settings.database_url == f"sqlite:///{home / 'videolib.db'}"
    assert settings.store_url == f"file:{home / 'store'}"
    assert settings.originals_url == f"file:{home / 'store'}/originals"
    assert settings.search_url == f"whoosh:{home / 'index'}"
    assert settings.broker_url is None


def test_every_problem_is_reported_at_once_with_what_to_write(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        DATABASE_URL="mysql://x",
        STORE_URL="s3://bucket?style=magic",
        SEARCH_URL="elastic:",
        SECRET_KEY="short",
        LEASE_S="soon",
        PUBLIC_URL="video.example",
        COLOUR="red",
    )

    text = "\n".join(found)
    for name in ("DATABASE_URL", "STORE_URL", "SEARCH_URL", "SECRET_KEY", "LEASE_S", "PUBLIC_URL", "COLOUR"):
        assert f"VIDEOLIB_{name}" in text
    assert "postgresql+psycopg://" in text
    assert "style is path or virtual" in text


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    settings = load(tmp_path, SECRET_KEY=SECRET)

    assert settings.secret_key.get_secret_value() == SECRET
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
    with_password = load(tmp_path, DATABASE_URL="postgresql+psycopg://videolib:pa55word@db/library")
    assert "pa55word" not in repr(with_password) + str(with_password)
    assert SECRET[:20] not in "\n".join(problems(tmp_path, SECRET_KEY=SECRET[:20], LEASE_S="soon"))


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(SECRET + "\n", encoding="utf-8")

    assert load(tmp_path, SECRET_KEY_FILE=str(file)).secret_key.get_secret_value() == SECRET
    assert "both set" in problems(tmp_path, SECRET_KEY=SECRET, SECRET_KEY_FILE=str(file))[0]
    assert "cannot be read" in problems(tmp_path, SECRET_KEY_FILE=str(tmp_path / "none"))[0]


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    keys = []
    threads = [
        threading.Thread(target=lambda: keys.append(load(tmp_path).secret_key.get_secret_value())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(keys)) == 1
    assert len(keys[0]) >= 32
    file = tmp_path / "home" / "secret_key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == ["privacy_key", "secret_key"]


def test_a_broker_wants_places_that_many_hosts_share(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, BROKER_URL="amqp://localhost")
    assert "PostgreSQL" in found
    assert "S3" in found

    settings = load(
        tmp_path,
        BROKER_URL="amqp://localhost",
        DATABASE_URL="postgresql+psycopg://localhost/x",
        STORE_URL="s3://bucket?endpoint=http://localhost:9000",
    )
    assert settings.broker_url == "amqp://localhost"


def test_a_home_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file", encoding="utf-8")

    assert "VIDEOLIB_HOME cannot be written" in problems(tmp_path)[0]


def test_the_originals_lie_beside_the_packages_also_in_a_bucket(tmp_path: Path) -> None:
    settings = load(tmp_path, STORE_URL="s3://bucket/library?endpoint=http://localhost:9000&style=path")

    assert settings.originals_url == "s3://bucket/library/originals?endpoint=http://localhost:9000&style=path"


def test_the_documentation_lists_every_setting() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")

    for name in Settings.model_fields:
        assert f"`VIDEOLIB_{name.upper()}`" in page, f"docs/operating.md does not tell of VIDEOLIB_{name.upper()}"
