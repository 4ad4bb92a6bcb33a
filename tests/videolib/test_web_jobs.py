"""The jobs as administrators see them: queues, what runs where, why it failed, the log, retry, cancel, the turn."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from tests.libraries import add_entry, add_person, add_recording
from tests.videolib.test_web_pages import counted
from tests.visitors import Site
from videolib.catalogue import jobs
from videolib.catalogue.job_lists import list_work, set_urgency
from videolib.catalogue.job_log import KEPT, JobEvent, list_log, prune_log
from videolib.catalogue.jobs import Job
from videolib.catalogue.packages import begin_package, plan_package
from videolib.catalogue.recordings import Reason, Recording, settle
from videolib.db import Database, utc_now

ENGLISH = {"Accept-Language": "en"}


def queued(database: Database, number: int = 0, **fields: Any) -> str:
    """A recording whose work waits; gives its id."""
    recording = add_recording(database, state="queued", sha256=f"{number:064d}", **fields)
    with database.writing() as session:
        jobs.enqueue(session, "prepare", recording.id)
    return recording.id


def take(database: Database, owner: str = "host-one:42") -> Job:
    with database.writing() as session:
        job = jobs.claim(session, owner, 60.0)
        assert job is not None
        return job


def test_every_attempt_is_in_the_log_with_its_end(database: Database) -> None:
    recording_id = queued(database)
    for sentence in ("The first.", "The second."):
        job = take(database)
        with database.writing() as session:
            jobs.fail(session, job, sentence, code="tool_failed", may_retry=True)
            session.execute(update(Job).values(not_before=utc_now()))
    with database.writing() as session:
        jobs.complete(session, take(database))

    with database.reading() as session:
        log = [(one.event, one.attempt, one.host, one.sentence) for one in list_log(session, recording_id, limit=9)]
    assert log[::-1] == [
        ("started", 1, "host-one", None),
        ("put_back", 1, "host-one", "The first."),
        ("started", 2, "host-one", None),
        ("put_back", 2, "host-one", "The second."),
        ("started", 3, "host-one", None),
        ("done", 3, "host-one", None),
    ]


def test_a_lost_lease_writes_nothing_and_old_lines_are_forgotten(database: Database) -> None:
    queued(database)
    job = take(database)
    with database.writing() as session:
        session.execute(update(Job).values(attempt=Job.attempt + 1))
    with pytest.raises(jobs.LeaseLost), database.writing() as session:
        jobs.complete(session, job)
    with database.writing() as session:
        assert len(session.scalars(select(JobEvent)).all()) == 1
        session.execute(update(JobEvent).values(at=utc_now() - 2 * KEPT))
        prune_log(session, utc_now())
        assert session.scalars(select(JobEvent)).all() == []


def test_who_is_told_to_go_first_goes_first_with_all_that_comes_of_it(database: Database) -> None:
    first, second, third = (queued(database, number) for number in range(3))
    with database.writing() as session:
        set_urgency(session, session.get_one(Recording, third), "first", by=None)
        set_urgency(session, session.get_one(Recording, first), "last", by=None)
    job = take(database)
    assert job.recording_id == third
    with database.writing() as session:
        package = begin_package(session, third)
        plan_package(session, package, plan={}, tracks=[], cuts=[(0, 4)])
        jobs.split(session, job, package, positions=[0], has_sound=False)
        jobs.complete(session, job)

    with database.reading() as session:
        lines, total = list_work(session, "open", offset=0, limit=9)
        assert ([line.recording.id for line in lines], total) == ([third, second, first], 3)
    assert [take(database).recording_id for _job in range(3)] == [third, second, first]


def test_the_page_says_what_runs_where_and_why_something_failed(sqlite_site: Site) -> None:
    site = sqlite_site
    editor = add_person(site.database, email="who@hospital.example")
    running = queued(site.database, 1, by=editor)
    add_entry(site.database, site_recording(site, running), title={"zh": "肝动脉", "en": "Hepatic artery"})
    job = take(site.database)
    failed = queued(site.database, 2, by=editor)
    with site.database.writing() as session:
        session.execute(update(Job).where(Job.id == job.id).values(progress=0.42))
        other = jobs.claim(session, "host-two:1", 60.0)
        assert other is not None
        jobs.fail(session, other, "The file is damaged and cannot be read.", code="corrupt", may_retry=False)
        row = session.get_one(Recording, failed)
        settle(session, row, "fail", Reason("corrupt", "The file is damaged and cannot be read."))
    admin = site.visitor("admin")

    page = admin.get("/admin/jobs", headers=ENGLISH).text
    assert "Hepatic artery" in page
    assert "host-one" in page
    assert "42%" in page
    failures = admin.get("/admin/jobs?view=failed", headers=ENGLISH).text
    assert "The file is damaged and cannot be read." in failures
    assert "文件已损坏" in admin.get("/admin/jobs?view=failed", headers={"Accept-Language": "zh"}).text
    shown = admin.get(f"/admin/jobs/{failed}", headers=ENGLISH).text
    assert "host-two" in shown
    for text in (page, failures, shown):
        assert "张三" not in text


def site_recording(site: Site, recording_id: str) -> Recording:
    with site.database.reading() as session:
        return session.get_one(Recording, recording_id)


def test_it_is_tried_again_stopped_and_given_another_turn(sqlite_site: Site) -> None:
    site, admin = sqlite_site, sqlite_site.visitor("admin")
    recording_id = add_recording(site.database, state="failed").id

    for deed, state, urgency in (
        ("retry", "queued", 0),
        ("first", "queued", 1),
        ("last", "queued", -1),
        ("normal", "queued", 0),
        ("cancel", "cancelled", 0),
    ):
        answer = admin.post(f"/admin/jobs/{recording_id}/{deed}", next="/admin/jobs?view=open")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/jobs?view=open")
        row = site_recording(site, recording_id)
        assert (row.state, row.urgency) == (state, urgency)
    assert admin.post(f"/admin/jobs/{recording_id}/cancel").status_code == 409


def test_who_keeps_looking_gets_only_what_has_changed_and_few_questions_are_asked(sqlite_site: Site) -> None:
    site, admin, counts = sqlite_site, sqlite_site.visitor("admin"), []
    for number in range(20):
        queued(site.database, number)
        if number in {0, 19}:
            with counted(site.database) as sent:
                first = admin.get("/admin/jobs?part=1")
            counts.append(len(sent))
    assert counts[0] == counts[1]
    assert "<html" not in first.text

    again = admin.get("/admin/jobs?part=1", headers={"If-None-Match": first.headers["ETag"]})
    take(site.database)
    changed = admin.get("/admin/jobs?part=1", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.text) == (304, "")
    assert changed.status_code == 200
