"""People and their administrators: invitations and resets by link, changes, bars; each once, each an event."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.visitors import PASSWORD, Site
from videolib.catalogue import people_care
from videolib.catalogue.account_links import AccountLink, make_link, use_link
from videolib.catalogue.audit import AuditEvent
from videolib.catalogue.groups import add_group
from videolib.catalogue.people import User, find_user
from videolib.catalogue.people_care import PeopleQuery, PersonValues
from videolib.db import utc_now
from videolib.errors import NotFound

NEW = "some lamps for a trainee"


def link_of(page: str) -> str:
    found = re.search(r'id="link" value="http://localhost(/login/link/[\w-]+)"', page)
    assert found, page
    return found[1]


def actions(site: Site) -> list[str]:
    with site.database.reading() as session:
        return [event.action for event in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]


def test_who_is_invited_chooses_a_password_behind_the_link_and_is_in(site: Site) -> None:
    admin = site.visitor("admin")

    made = admin.post(
        "/admin/people",
        email="Li@Hospital.example",
        display_name="李雷",
        staff_number="b1",
        role="editor",
    )

    path = link_of(made.text)
    assert "<svg" in made.text
    assert made.headers["Cache-Control"] == "private, no-store"
    guest = site.anonymous()
    assert "李雷" in guest.get(path).text
    assert "李雷" in guest.get(path).text, "looking uses nothing up"
    assert (
        "guess"
        in guest.client.post(
            path, data={"csrf_token": guest.csrf_token(), "password": "password1234"}, headers={"Accept-Language": "en"}
        ).text
    )
    answer = guest.post(path, password=NEW)
    assert answer.status_code == 303
    assert guest.get("/studio").status_code == 200
    assert guest.get(path).status_code == 410
    assert site.anonymous().log_in("B1", NEW).status_code == 302
    assert actions(site)[1:] == ["add", "invite", "password", "login", "login"]


def test_a_link_is_too_old_after_its_days_and_a_new_one_replaces_it(site: Site) -> None:
    person = site.add_person("trainee")
    with site.database.writing() as session:
        first, link = make_link(session, session.get_one(User, person.id), by=None)
        assert link.kind == "reset"
        second, _ = make_link(session, session.get_one(User, person.id), by=None)
        with pytest.raises(NotFound):
            use_link(session, first, "hash")
    guest = site.anonymous()
    assert guest.get(f"/login/link/{second}").status_code == 200
    with site.database.writing() as session:
        session.execute(update(AccountLink).values(expires_at=utc_now() - timedelta(seconds=1)))

    assert guest.get(f"/login/link/{second}").status_code == 410
    assert guest.post(f"/login/link/{second}", password=NEW).status_code == 410


def test_a_reset_ends_every_session_and_the_old_password(site: Site) -> None:
    visitor, admin = site.visitor("trainee"), site.visitor("admin")
    person = site.add_person("trainee")

    path = link_of(admin.post(f"/admin/people/{person.id}/link").text)
    guest = site.anonymous()
    guest.post(path, password=NEW)

    assert visitor.get("/me").status_code == 302
    assert guest.get("/me").status_code == 200
    assert site.anonymous().log_in(person.email).status_code == 200
    assert guest.post(path, password=NEW).status_code == 410


def test_a_changed_password_ends_the_other_sessions(site: Site) -> None:
    here, there = site.visitor("trainee"), site.visitor("trainee")

    assert (
        "present"
        in here.client.post(
            "/account/password",
            data={"csrf_token": here.csrf_token(), "old_password": "wrong", "password": NEW},
            headers={"Accept-Language": "en"},
        ).text
    )
    assert here.post("/account/password", old_password=PASSWORD, password="trainee trainee").status_code == 200
    assert there.get("/me").status_code == 200
    answer = here.post("/account/password", old_password=PASSWORD, password=NEW)

    assert answer.status_code == 303
    assert here.get("/me").status_code == 200
    assert there.get("/me").status_code == 302
    assert site.anonymous().log_in("trainee@hospital.example", NEW).status_code == 302


def test_sessions_are_listed_and_ended_one_by_one_or_all_others(site: Site) -> None:
    here, there, third = (site.visitor("trainee") for _ in range(3))
    stranger = site.visitor("editor")
    ends = re.findall(r'action="(/account/sessions/[\w-]+/end)"', here.get("/account").text)
    assert len(ends) == 2

    assert stranger.post(ends[0]).status_code == 404
    assert here.post(ends[0]).status_code == 303
    assert sorted(visitor.get("/me").status_code for visitor in (there, third)) == [200, 302]
    assert here.post("/account/sessions/end-others").status_code == 303

    assert [visitor.get("/me").status_code for visitor in (here, there, third)] == [200, 302, 302]


def test_an_administrator_changes_roles_hospitals_and_names(site: Site) -> None:
    person, admin = site.add_person("trainee"), site.visitor("admin")
    with site.database.writing() as session:
        add_group(session, "hospital.first", "hospital", {"zh": "第一医院"}, by=None)

    answer = admin.post(
        f"/admin/people/{person.id}",
        display_name="韩梅梅",
        mobile="138 0000 1111",
        role=["trainee", "instructor"],
        group="hospital.first",
    )

    assert answer.status_code == 303
    with site.database.reading() as session:
        found = session.get_one(User, person.id)
        assert (found.display_name, found.mobile) == ("韩梅梅", "13800001111")
        assert found.role_names == {"trainee", "instructor"}
        assert found.group_ids == {"hospital.first"}
    assert {"change", "permission"} <= set(actions(site))
    before = len(actions(site))
    admin.post(
        f"/admin/people/{person.id}",
        display_name="韩梅梅",
        mobile="13800001111",
        role=["trainee", "instructor"],
        group="hospital.first",
    )
    assert len(actions(site)) == before, "what changes nothing is no event"


def test_no_administrator_shuts_the_door_behind_themselves(sqlite_site: Site) -> None:
    admin = sqlite_site.visitor("admin")
    own = sqlite_site.add_person("admin")

    assert "alert" in admin.post(f"/admin/people/{own.id}", role="trainee").text
    assert admin.post(f"/admin/people/{own.id}/disable").status_code == 409
    assert admin.post(f"/admin/people/{own.id}", role=[]).status_code == 200

    assert admin.get("/admin").status_code == 200
    with sqlite_site.database.reading() as session:
        assert session.get_one(User, own.id).role_names == {"admin"}


def test_disabling_and_letting_in_again(site: Site) -> None:
    visitor, admin = site.visitor("trainee"), site.visitor("admin")
    person = site.add_person("trainee")
    header = site.bearer("trainee")

    admin.post(f"/admin/people/{person.id}/disable")
    assert visitor.get("/me").status_code == 302
    assert site.anonymous().get("/api/v1/me/progress", headers=header).status_code == 401
    assert admin.post(f"/admin/people/{person.id}/link").status_code == 409

    admin.post(f"/admin/people/{person.id}/enable")
    assert site.anonymous().log_in(person.email).status_code == 302
    assert site.anonymous().get("/api/v1/me/progress", headers=header).status_code == 401


def test_a_program_changes_nobody(sqlite_site: Site) -> None:
    header, person = sqlite_site.bearer("admin"), sqlite_site.add_person("trainee")
    program = sqlite_site.anonymous().client

    for path in (f"/admin/people/{person.id}/disable", "/admin/people", "/account/password"):
        assert program.post(path, headers=header, data={"email": "x@y.example"}).status_code == 403, path


def test_people_are_looked_for_by_word_role_hospital_and_state_page_by_page(site: Site) -> None:
    with site.database.writing() as session:
        add_group(session, "hospital.first", "hospital", {}, by=None)
        for number in range(7):
            values = PersonValues(
                f"p{number}@hospital.example",
                f"Person_{number}",
                staff_number=f"S{number}00",
                roles=("editor",) if number % 2 else ("trainee",),
                groups=("hospital.first",) if number < 3 else (),
            )
            people_care.invite_person(session, values, by=None)
        barred = find_user(session, "p6@hospital.example")
        assert barred is not None
        people_care.bar_person(session, barred, by=None)

        def found(query: PeopleQuery, offset: int = 0, limit: int = 50) -> tuple[list[str], int]:
            rows, total = people_care.list_people(session, query, offset=offset, limit=limit)
            return [row.email[1] for row in rows], total

        assert found(PeopleQuery("person_ s300")) == (["3"], 1)
        assert found(PeopleQuery("%")) == ([], 0)
        assert found(PeopleQuery(role="editor")) == (["1", "3", "5"], 3)
        assert found(PeopleQuery(group="hospital.first", role="editor")) == (["1"], 1)
        assert found(PeopleQuery(state="disabled")) == (["6"], 1)
        assert found(PeopleQuery(state="invited"), offset=4, limit=2) == (["4", "5"], 6)


def test_the_page_of_people_pages_and_searches(sqlite_site: Site) -> None:
    admin = sqlite_site.visitor("admin")
    with sqlite_site.database.writing() as session:
        for number in range(60):
            values = PersonValues(f"p{number:02}@hospital.example", roles=("trainee",))
            people_care.invite_person(session, values, by=None)

    first, second = admin.get("/admin").text, admin.get("/admin?page=1").text

    assert "p10@" in first
    assert "p59@" not in first
    assert "p59@" in second
    only = admin.get("/admin?q=p59").text
    assert "p59@" in only
    assert "p10@" not in only
