"""Libraries for tests: a database set up by the real migrations on SQLite and on PostgreSQL, and people in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from config.settings import Settings, load_settings
from tests.servers import PostgresServer
from videolib.catalogue import desk, people, publishing, quarantine, recordings, screenings
from videolib.catalogue.entries import Entry, create_entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.jobs import Job
from videolib.catalogue.packages import begin_package, complete_package
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.db import Database
from videolib.upgrade import upgrade


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One SQLite library, set up once; tests start from copies of it."""
    folder = tmp_path_factory.mktemp("template")
    database = Database(f"sqlite:///{folder / 'template.db'}")
    upgrade(database, folder)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return folder / "template.db"


@pytest.fixture
def sqlite_database(sqlite_template: Path, own_home: Path) -> Iterator[Database]:
    """A fresh library on SQLite, where the settings look for it."""
    own_home.mkdir(exist_ok=True)
    shutil.copy(sqlite_template, own_home / "videolib.db")
    database = Database(f"sqlite:///{own_home / 'videolib.db'}")
    yield database
    database.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a PostgreSQL library, set up once; tests start from copies of it."""
    name = postgres_server.new_database()
    database = Database(postgres_server.url(name))
    upgrade(database, tmp_path_factory.mktemp("template"))
    database.close()
    return name


@pytest.fixture
def postgres_database(
    postgres_server: PostgresServer, postgres_template: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """A fresh library on PostgreSQL, where the settings look for it."""
    name = postgres_server.new_database(template=postgres_template)
    monkeypatch.setenv("VIDEOLIB_DATABASE_URL", postgres_server.url(name))
    database = Database(postgres_server.url(name))
    yield database
    database.close()
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A fresh library: each test that asks for it runs on both databases."""
    fixture = {"sqlite": "sqlite_database", "postgresql": "postgres_database"}[request.param]
    opened: Database = request.getfixturevalue(fixture)
    return opened


@pytest.fixture
def settings() -> Settings:
    """The settings of this test's library; leases are short so that the dead are found soon."""
    return load_settings().model_copy(update={"lease_s": 2.0})


def add_person(database: Database, role: str = "editor", *, email: str | None = None) -> User:
    """A person with that role."""
    with database.writing() as session:
        return people.add_user(session, email or f"{role}@hospital.example", None, [role])


def add_recording(database: Database, *, state: str = "uploaded", by: User | None = None, **changes: Any) -> Recording:
    """A recording brought to `state` by the shortest way that the table of states allows."""
    with database.writing() as session:
        given = {
            "source_name": "张三_TACE.mp4",
            "original_key": "k",
            "size": 9,
            "sha256": f"{len(changes):064d}",
            **changes,
        }
        row = recordings.add_recording(session, by=by, **given)
        for event in WAYS[state]:
            recordings.move(session, row, event)
        if state in {"ready", "awaiting_review"}:
            package = begin_package(session, row.id)
            complete_package(session, package, description={"duration_s": 4.0}, duration_s=4.0, objects=[])
            row.package_id = package.id
        return row


WAYS: dict[str, tuple[str, ...]] = {
    "uploaded": (),
    "queued": ("enqueue",),
    "processing": ("enqueue", "start"),
    "awaiting_review": ("enqueue", "start", "hold"),
    "ready": ("enqueue", "start", "finish"),
    "rejected": ("enqueue", "start", "reject"),
    "failed": ("enqueue", "start", "fail"),
    "cancelled": ("enqueue", "start", "cancel"),
}


def make_reviewed(database: Database, recording: Recording, *, by: User) -> None:
    """Bring a recording that waits for its review so far that this person can sign it off.

    It has been screened, every finding is decided, and the windows have been watched.
    """
    with database.writing() as session:
        row = session.get_one(Recording, recording.id)
        found = screenings.find_screening(session, row.id) or screenings.Screening(recording_id=row.id)
        session.add(found)
        session.flush()
        for finding in screenings.list_findings(session, found.id):
            if finding.decision == "open":
                screenings.decide(session, row, finding, "dismissed", "Not of a patient.", by=by)
        screenings.finish_screening(session, found, notes={})
        session.execute(update(Job).where(Job.recording_id == row.id, Job.kind == "screen").values(state="done"))
        look = desk.begin_look(session, row, by=by)
        desk.note_played(session, row, look.windows, by=by)


def release(database: Database, recording_id: str) -> None:
    """Let a second person review a recording and sign it off, as the desk asks; nothing of it is taken out."""
    with database.writing() as session:
        address = "second@hospital.example"
        second = people.find_user(session, address) or people.add_user(session, address, None, ["editor"])
        recording = session.get_one(Recording, recording_id)
    let_in(database, recording_id, second)
    make_reviewed(database, recording, by=second)
    with database.writing() as session:
        publishing.sign_off(session, session.get_one(Recording, recording_id), by=second)


def let_in(database: Database, recording_id: str, person: User) -> None:
    """Assign an editor to a recording: they open it in quarantine, and sign it off where it is no hospital's."""
    with database.writing() as session:
        row = session.get_one(Recording, recording_id)
        quarantine.assign_editor(session, row, session.get_one(User, person.id), by=None)


# everything that is asked of a case with a patient in it, in the field names of a metadata file
COMPLETE_CASE: dict[str, Any] = {
    "title": {"zh": "肝细胞癌的化疗栓塞", "en": "TACE of a hepatocellular carcinoma"},
    "summary": {"zh": "超选择栓塞。", "en": "Superselective embolisation."},
    "learning_objectives": [{"zh": "识别供血动脉", "en": "Find the feeding artery"}],
    "content_type": "ct.edited",
    "target_learners": ["tl.resident"],
    "difficulty": "dif.core",
    "procedures": ["proc.tace"],
    "anatomy": ["anat.liver"],
    "side": "NA",
    "pathologies": ["path.hcc"],
    "access": [{"site": "acc.cfa_retro", "side": "R", "sheath_F": 5}],
    "imaging_guidance": ["img.dsa"],
    "devices": [{"term": "dev.microcatheter", "manufacturer": "Maker", "size": "2.7F"}],
    "off_label": {"none": True},
    "case": {"age_band": "60-64", "sex": "F", "indication": {"zh": "肝癌", "en": "Liver cancer"}},
    "operator": {"role": "role.primary", "experience_band": "200-499"},
    "contributors": [{"name": "王伟", "institution": "Hospital", "title": "Chief physician"}],
    "year_of_procedure": 2024,
    "coi": "none",
    "consent": {"id": "C-17", "scope": "institution", "obtained_on": "2024-05-06"},
    "deid": {"status": "done", "methods": ["header"], "reviewer": "Li Wei", "date": "2024-06-01"},
    "outcomes": {"technical": "success", "complications": "none"},
    "commentary": {"audio_lang": "zh-Hans"},
    "edit": {"is_edited": True},
    "rights": {"licence": "CC-BY-NC-ND-4.0", "holder": "Hospital"},
}


def add_entry(database: Database, recording: Recording | None = None, **fields: Any) -> Entry:
    """A draft that lacks nothing but perhaps its recording."""
    given = {
        "title": {"zh": "股浅动脉支架植入术", "en": "Stenting of the superficial femoral artery"},
        "procedures": ["proc.stent_sfa"],
        "content_type": "ct.simulation",
        **fields,
    }
    with database.writing() as session:
        return create_entry(session, parse_values(given), recording=recording, by=None)
