"""All settings, read once from the environment into one frozen object; the only place that reads `os.environ`.

Every problem is reported at once, each with what to write instead. `VIDEOLIB_X_FILE` names a file that holds the
value of `VIDEOLIB_X` (for secrets). Secrets are `SecretStr`: printing or logging the object shows stars.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from config.ladder import CHUNK_S

PREFIX = "VIDEOLIB_"
SECRET_MIN_CHARACTERS = 32
# made at first start and kept under home; a backup brings them along
KEPT_SECRETS = ("secret_key", "privacy_key")
# others lose a task whose worker is killed
_BROKERS = ("amqp://", "amqps://", "redis://", "rediss://")
# read by programs beside this object: the tests' shared folder
KNOWN_ELSEWHERE = frozenset({"VIDEOLIB_TEST_SHARED"})


_LOCATION = re.compile(r"/([A-Za-z0-9_-]+/)+")


class SettingsError(Exception):
    """What is wrong with the settings: one sentence a problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


SEARCH_ENGINES = ("whoosh", "tantivy")


class Settings(BaseModel):
    """The settings of one process; addresses default to places under `home`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    home: Path = Field(description="folder that holds everything the library keeps on this host")
    database_url: str = Field(
        "", repr=False, description="SQLite under home, or `postgresql+psycopg://user:password@host/name`"
    )
    store_url: str = Field(
        "",
        repr=False,
        description="packages: `file:/folder`, or `s3://bucket/prefix?endpoint=…&region=…&style=path|virtual&profile=…`",
    )
    originals_url: str = Field(
        "", repr=False, description="what was uploaded: a store of its own; default `originals/` in the store"
    )
    ledger_url: str = Field(
        "",
        repr=False,
        description="what was erased and withdrawn, for restored backups; default `ledger/` in the store",
    )
    broker_url: str | None = Field(
        None, repr=False, description="Celery broker for workers on many hosts; none: one worker beside `serve`"
    )
    search_url: str = Field(
        "whoosh:",
        description="search index of this host: `whoosh:` or `tantivy:`, each with or without a folder",
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        description=f"signs sessions and media addresses: {SECRET_MIN_CHARACTERS} characters or more; made if absent",
    )
    privacy_key: SecretStr = Field(
        SecretStr(""),
        description="encrypts hospital numbers of cases: 32 characters or more; made if absent; keep a copy elsewhere",
    )
    public_url: str | None = Field(None, description="address seen from outside when a proxy stands before the service")
    lease_s: float = Field(
        60.0, gt=0, le=3600, description="seconds after which a silent worker's job is given to another"
    )
    encodes: int | None = Field(
        None, ge=1, le=256, description="encodes at once on this host; default: by its cores and memory"
    )
    reserve_gib: float = Field(
        1.0, ge=0, description="GiB of this host's disk that work leaves free; short of it, it waits"
    )
    source_cache_gib: float = Field(
        50.0, ge=0, description="GiB of sources from an S3 store that a host keeps for its workers"
    )
    chunk_s: float = Field(
        CHUNK_S, ge=4, le=3600, description="seconds of a long recording that one worker encodes at a time"
    )
    upload_max_gib: float = Field(100.0, gt=0, le=5000, description="GiB that one uploaded file may have")
    upload_quota_gib: float | None = Field(
        None, gt=0, description="GiB that one person's recordings and uploads may have together; none: no limit"
    )
    accel_prefix: str | None = Field(
        None, description="nginx sends segments of a `file:` store itself, from this internal location: `/stored/`"
    )
    media_link_s: int = Field(4 * 3600, ge=60, le=86400, description="seconds that an address of a video stays valid")
    masters_kept_days: int | None = Field(
        None, ge=30, description="days after signing off that the uploaded file itself is kept; none: for ever"
    )
    watermark: bool = Field(
        default=False, description="lay the watcher's name over the picture, moved now and then, in full screen too"
    )
    review_threshold: int = Field(
        11, ge=0, le=18, description="points of 18 that a LAP-VEGaS review must give before publishing; 0: no review"
    )
    open_metadata: bool = Field(
        default=False, description="tell machines of public entries: OAI-PMH at `/oai`, schema.org in their pages"
    )
    oidc_issuer: str | None = Field(
        None, description="single sign-on: the provider's address, as its discovery document names it; none: off"
    )
    oidc_client_id: str = Field("", description="by what name the provider knows this library")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="the secret that goes with it")
    oidc_label: str = Field("", description="what the button of single sign-on says; default: the provider's host")
    second_factor_roles: str = Field(
        "", description="roles whose people have to set up a second step, as in `admin,editor`; none: nobody has to"
    )
    smtp_url: str | None = Field(
        None,
        repr=False,
        description="mail server: `smtps://user:password@host`, or `smtp://…` with STARTTLS; none: no mail is sent",
    )
    mail_from: str = Field("", description="the address that mail comes from")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("write sqlite:////folder/file.db or postgresql+psycopg://user:password@host/name")
        return value

    @field_validator("store_url", "originals_url", "ledger_url")
    @classmethod
    def _store(cls, value: str) -> str:
        if value:
            _check_store_url(value)
        return value

    @field_validator("broker_url")
    @classmethod
    def _broker(cls, value: str | None) -> str | None:
        if value and not value.startswith(_BROKERS):
            raise ValueError("write amqp://user:password@host/vhost for RabbitMQ, or redis://host:6379/0")
        return value

    @field_validator("search_url")
    @classmethod
    def _search(cls, value: str) -> str:
        engine, colon, folder = value.partition(":")
        if engine not in SEARCH_ENGINES or not colon or not Path(folder).is_absolute():
            raise ValueError("write whoosh: or tantivy:, or one of them with an absolute folder, as in tantivy:/folder")
        return value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str | None) -> str | None:
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc):
            raise ValueError("write the whole address, as in https://video.hospital.example")
        return value.rstrip("/") if value else None

    @field_validator("accel_prefix")
    @classmethod
    def _accel(cls, value: str | None) -> str | None:
        if value and not _LOCATION.fullmatch(value):
            raise ValueError("write the internal location of nginx with a slash at both ends, as in /stored/")
        return value

    @field_validator("secret_key", "privacy_key")
    @classmethod
    def _secret(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < SECRET_MIN_CHARACTERS:
            raise ValueError(
                f"write at least {SECRET_MIN_CHARACTERS} random characters, or leave it out to have one made"
            )
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "")
        is_here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if value and not (parts.netloc and (parts.scheme == "https" or (parts.scheme == "http" and is_here))):
            raise ValueError("write the whole address by https, as in https://login.hospital.example/realms/staff")
        return value.rstrip("/") if value else None

    @field_validator("second_factor_roles")
    @classmethod
    def _roles(cls, value: str) -> str:
        if set(filter(None, (name.strip() for name in value.split(",")))) - {
            "trainee",
            "editor",
            "instructor",
            "admin",
        }:
            raise ValueError("write roles with commas between, of trainee, editor, instructor and admin")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _smtp(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "")
        if value and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path.strip("/")):
            raise ValueError(
                "write smtps://user:password@mail.hospital.example, or smtp:// and a port where it has one"
            )
        return value

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Settings:
        if self.smtp_url and not ("@" in self.mail_from and self.public_url):
            raise ValueError(
                "VIDEOLIB_SMTP_URL: mail needs VIDEOLIB_MAIL_FROM, too, and VIDEOLIB_PUBLIC_URL for its links"
            )
        return self

    @model_validator(mode="after")
    def _single_sign_on_is_whole(self) -> Settings:
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret.get_secret_value()):
            raise ValueError(
                "VIDEOLIB_OIDC_ISSUER: it needs VIDEOLIB_OIDC_CLIENT_ID and VIDEOLIB_OIDC_CLIENT_SECRET, too"
            )
        return self

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("write DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @model_validator(mode="after")
    def _broker_needs_shared_places(self) -> Settings:
        if self.broker_url and not (self.database_url.startswith("postgresql") and self.store_url.startswith("s3:")):
            raise ValueError(
                "VIDEOLIB_BROKER_URL: workers on many hosts need VIDEOLIB_DATABASE_URL on PostgreSQL and "
                "VIDEOLIB_STORE_URL on S3; set both, or leave the broker out"
            )
        return self


def load_settings(environ: Mapping[str, str] | None = None, *, default_home: Path | None = None) -> Settings:
    """Read the settings from `environ` (default: this process's).

    Fills in the places under home and makes the secret key at first start (readable by its owner only).
    Raises `SettingsError` with every problem at once.
    """
    env = os.environ if environ is None else environ
    problems: list[str] = []
    given = _collect(env, problems)
    home = Path(given.pop("home", "") or default_home or _user_home(env)).expanduser().absolute()
    given["home"] = home
    given.setdefault("database_url", f"sqlite:///{home / 'videolib.db'}")
    given.setdefault("store_url", f"file:{home / 'store'}")
    given.setdefault("originals_url", _inside(given["store_url"], "originals"))
    given.setdefault("ledger_url", _inside(given["store_url"], "ledger"))
    given.setdefault("search_url", "whoosh:")
    if given["search_url"] in {f"{engine}:" for engine in SEARCH_ENGINES}:
        given["search_url"] += str(home / "index")
    for name in KEPT_SECRETS:
        if name not in given:
            _with_problem(problems, partial(_keep_secret, given, home, name))
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError(problems + [_sentence(item) for item in error.errors()]) from None
    if problems:
        raise SettingsError(problems)
    return settings


def is_continuous_integration(environ: Mapping[str, str] | None = None) -> bool:
    """Whether this runs in CI, where a missing server is a failure."""
    return (os.environ if environ is None else environ).get("CI", "").lower() in {"1", "true", "yes"}


def set_environment(**changes: str) -> None:
    """Set variables of this process and the children it starts: the demo's own home and store."""
    os.environ.update(changes)


def child_environment(**changes: str) -> dict[str, str]:
    """This process's environment with `changes`, for a child that reads the same settings."""
    return {**os.environ, **changes}


def _collect(env: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, value in sorted(env.items()):
        if not name.startswith(PREFIX) or name in KNOWN_ELSEWHERE:
            continue
        from_file = name.endswith("_FILE")
        field = name.removeprefix(PREFIX).removesuffix("_FILE" if from_file else "").lower()
        if field not in Settings.model_fields:
            known = ", ".join(PREFIX + key.upper() for key in Settings.model_fields)
            problems.append(f"{name} is not a setting; the settings are {known}")
        elif from_file and PREFIX + field.upper() in env:
            problems.append(f"{name} and {PREFIX}{field.upper()} are both set; keep one of them")
        elif from_file:
            try:
                given[field] = Path(value).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                problems.append(f"{name} names a file that cannot be read; give its path and let this user read it")
        elif value.strip():
            given[field] = value.strip()
    return given


def _user_home(env: Mapping[str, str]) -> Path:
    base = env.get("XDG_DATA_HOME") or str(Path(env.get("HOME") or "~").expanduser() / ".local" / "share")
    return Path(base) / "videolib"


def _inside(store_url: str, name: str) -> str:
    """A place in the packages' store: the default of originals and ledger."""
    if store_url.startswith("file:"):
        return f"{store_url.rstrip('/')}/{name}"
    head, question, query = store_url.partition("?")
    return f"{head.rstrip('/')}/{name}{question}{query}"


def _keep_secret(given: dict[str, Any], home: Path, name: str) -> None:
    given[name] = _kept_secret(home, name)


def _kept_secret(home: Path, name: str) -> str:
    path = home / name
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        draft = home / f"{name}.{secrets.token_hex(8)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        # a link appears whole or not at all: of two first starts at once one makes the key and both read it
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="ascii").strip()


def _with_problem(problems: list[str], action: Callable[[], None]) -> None:
    try:
        action()
    except OSError as error:
        problems.append(f"VIDEOLIB_HOME cannot be written ({error.strerror}); name a folder that this user may write")


def _check_store_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "file":
        if not parts.path.startswith("/"):
            raise ValueError("write file:/absolute/folder")
        return
    query = parse_qs(parts.query, strict_parsing=bool(parts.query))
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError("write file:/folder or s3://bucket/prefix?endpoint=…&region=…&style=path")
    if unknown := sorted(set(query) - {"endpoint", "region", "style", "profile"}):
        raise ValueError(
            f"does not know {', '.join(unknown)}; after ? only endpoint, region, style and profile may stand"
        )
    if query.get("style", ["path"])[0] not in {"path", "virtual"}:
        raise ValueError("style is path or virtual")


def _sentence(item: Any) -> str:
    message = str(item["msg"]).removeprefix("Value error, ")
    if not item["loc"]:
        return message
    return f"{PREFIX}{str(item['loc'][0]).upper()}: {message}"
