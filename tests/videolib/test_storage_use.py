"""What hospitals take up and may: added up by kind from rows, and no upload begins for which there is no room."""

from __future__ import annotations

import json
from threading import Barrier, Thread

import pytest
from click.testing import CliRunner

from ingest.sweeping import sweep_narrations
from tests.backups import workshop_of
from tests.narrations import SOUND, add_made_narration
from tests.visitors import PACKAGE, Site, Visitor
from videolib.catalogue import receiving
from videolib.catalogue.cases import CaseNumbers, assign_case
from videolib.catalogue.entries import Entry
from videolib.catalogue.groups import Group, add_group, join_group
from videolib.catalogue.narrations import Narration, remove_narration
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.second_sources import set_second
from videolib.catalogue.storage_use import GIB, HospitalUse, list_use, set_quota
from videolib.catalogue.uploads import Announced
from videolib.commands.privacy import group
from videolib.errors import InvalidInput
from videolib.storage import open_store

SIZE = sum(len(content) for content in PACKAGE.values())


def add_hospital(site: Site, name: str = "first", *, quota: float | None = None) -> User:
    """With an editor who belongs to it."""
    editor = site.add_person("editor", email=f"{name}@hospital.example")
    with site.database.writing() as session:
        add_group(session, f"hospital.{name}", "hospital", {"en": f"The {name} hospital", "zh": "第一医院"}, by=None)
        join_group(session, f"hospital.{name}", editor, by=None)
        if quota is not None:
            set_quota(session, f"hospital.{name}", quota, by=None)
    return editor


def use_of(site: Site, group_id: str | None) -> HospitalUse:
    with site.database.reading() as session:
        found = list_use(session)
    return next(one for one in found if (one.hospital.id if one.hospital else None) == group_id)


def announce(visitor: Visitor, size: int) -> tuple[int, str]:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(size), "Upload-Metadata": "filename YS5tcDQ="}
    answer = visitor.client.post(
        "/api/v1/uploads", headers={**headers, "X-CSRFToken": visitor.csrf_token(), "Accept-Language": "en"}
    )
    return answer.status_code, answer.text


def test_what_is_used_is_added_up_by_hospital_and_kind(site: Site) -> None:
    editor, _other = add_hospital(site), add_hospital(site, "second")
    site.add_published(by=editor)
    site.add_watchable(by=editor, state="awaiting_review")
    site.add_published()

    found = use_of(site, "hospital.first")

    assert found.recordings == 2
    assert found.bytes_by_kind == {"masters": 18, "packages": SIZE, "previews": SIZE}
    assert use_of(site, None).bytes_by_kind == {"masters": 9, "packages": SIZE}


def test_a_second_recording_counts_once_and_a_narration_for_the_hospital_of_what_it_is_spoken_over(site: Site) -> None:
    editor, other = add_hospital(site), add_hospital(site, "second")
    entry, room = site.add_published(by=editor), site.add_watchable(by=other)
    with site.database.writing() as session:
        set_second(session, session.get_one(Entry, entry.id), str(room.recording_id), 1.5, by=session.get_one(User, 1))
    narration_id = add_made_narration(site, entry.id, by=other)
    assert use_of(site, "hospital.first").bytes_by_kind == {"masters": 9, "packages": SIZE, "narrations": len(SOUND)}
    assert use_of(site, "hospital.second").bytes_by_kind == {"masters": 9, "packages": SIZE}
    assert str(len(SOUND)) in site.visitor("admin").get("/admin/storage").text

    with site.database.writing() as session:  # full to the last byte
        session.get_one(Group, "hospital.first").quota_bytes = use_of(site, "hospital.first").total
    assert announce(site.visitor("editor", email="first@hospital.example"), 1)[0] == 422

    with site.database.writing() as session:
        remove_narration(session, session.get_one(Narration, narration_id), by=None)
    sweep_narrations(workshop_of(site))
    assert use_of(site, "hospital.first").bytes_by_kind == {"masters": 9, "packages": SIZE}
    assert announce(site.visitor("editor", email="first@hospital.example"), 1)[0] == 201


def test_a_recording_moves_to_the_hospital_of_its_case(site: Site) -> None:
    editor = add_hospital(site)
    add_hospital(site, "second")
    entry = site.add_published(by=editor)
    with site.database.writing() as session:
        recording = session.get_one(Recording, entry.recording_id)
        assign_case(session, CaseNumbers(site.settings), recording, "hospital.second", "4711", by=None)

    assert use_of(site, "hospital.first").total == 0
    assert use_of(site, "hospital.second").total == SIZE + 9


def test_no_upload_begins_beyond_the_quota_and_a_sentence_says_why(site: Site) -> None:
    add_hospital(site, quota=1)
    add_hospital(site, "second")
    visitor = site.visitor("editor", email="first@hospital.example")
    assert announce(visitor, GIB - 10)[0] == 201

    status, text = announce(visitor, 20)

    assert status == 422
    assert "hospital_quota" in text
    assert "may use 1 GiB" in text
    page = visitor.get("/studio/upload", headers={"Accept-Language": "en"}).text
    assert "1 GiB of 1 GiB are used" in page
    assert announce(site.visitor("admin"), 20)[0] == 201  # of which hospital it is nobody has said
    with site.database.writing() as session:
        set_quota(session, "hospital.first", 2, by=None)
    assert announce(visitor, 20)[0] == 201


def test_of_two_that_begin_at_once_one_is_refused(site: Site) -> None:
    editor, originals = add_hospital(site, quota=1), open_store(site.settings.originals_url)
    together, outcomes = Barrier(4), []

    def begin() -> None:
        together.wait()
        try:
            receiving.expect(site.database, originals, Announced("a.mp4", GIB // 2 + 1), by=editor)
            outcomes.append("begun")
        except InvalidInput as error:
            outcomes.append(error.code)

    threads = [Thread(target=begin) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["begun", *["hospital_quota"] * 3]


def test_administrators_set_quotas_on_the_page_and_operators_by_command(sqlite_site: Site) -> None:
    site = sqlite_site
    editor = add_hospital(site)
    site.add_published(by=editor)
    admin = site.visitor("admin")
    assert admin.post("/admin/storage/hospital.first", quota="1,5").status_code == 303
    assert use_of(site, "hospital.first").quota == GIB * 3 // 2
    page = admin.get("/admin/storage", headers={"Accept-Language": "en"}).text
    assert "of 1.5 GiB are used" in page
    refused = admin.post("/admin/storage/hospital.first", quota="much")
    assert refused.status_code == 200
    assert 'aria-invalid="true"' in refused.text
    assert admin.post("/admin/storage/hospital.none", quota="1").status_code == 404

    told = CliRunner().invoke(group, ["quota", "hospital.first", "2"])

    assert json.loads(told.output)["quota"] == 2 * GIB
    assert json.loads(told.output)["packages"] == SIZE
    assert CliRunner().invoke(group, ["quota", "hospital.first", "--none"]).exit_code == 0
    assert use_of(site, "hospital.first").quota is None
    assert admin.post("/admin/storage/hospital.first", quota="").status_code == 303


@pytest.mark.parametrize("quota", ["0", "-1", "nan", "inf", "1e300"])
def test_a_quota_is_a_number_above_nothing(sqlite_site: Site, quota: str) -> None:
    add_hospital(sqlite_site)
    answer = sqlite_site.visitor("admin").post("/admin/storage/hospital.first", quota=quota)

    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
