"""Hospitals on their pages: names, tier and region; grants by privacy officers alone; every change an event."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from tests.visitors import Site
from videolib.catalogue import grants
from videolib.catalogue.account_links import make_link
from videolib.catalogue.audit import AuditEvent
from videolib.catalogue.groups import add_group, get_group
from videolib.catalogue.people import LoginSession, User
from videolib.db import utc_now

FIRST = "/admin/hospitals/hospital.first"


def add_hospital(site: Site) -> None:
    with site.database.writing() as session:
        add_group(session, "hospital.first", "hospital", {"zh": "第一医院"}, by=None)


def make_officer(site: Site, role: str = "editor") -> User:
    person = site.add_person(role, email="officer@hospital.example")
    with site.database.writing() as session:
        owner = session.get_one(User, person.id)
        grants.give_grant(session, owner, "privacy_officer", "hospital.first", by=None)
    return person


def held(site: Site) -> set[tuple[int, str]]:
    with site.database.reading() as session:
        return {(row.user_id, row.name) for row in grants.list_grants(session, "hospital.first")}


def test_an_administrator_keeps_hospitals_with_tier_and_region(site: Site) -> None:
    admin = site.visitor("admin")

    answer = admin.post(
        "/admin/hospitals", id="hospital.first", kind="hospital", name_zh="第一医院", tier="tier.3a", region="reg.31"
    )
    assert answer.headers["Location"] == FIRST
    assert "aria-invalid" in admin.post("/admin/hospitals", id="hospital.first", kind="hospital").text
    assert "aria-invalid" in admin.post("/admin/hospitals", id="Not an id", kind="hospital").text
    admin.post(FIRST, name_zh="市第一医院", name_en="First Hospital", tier="tier.3b", region="reg.31")
    assert admin.post(FIRST, name_zh="x", tier="reg.31").status_code == 422

    with site.database.reading() as session:
        group = get_group(session, "hospital.first")
        assert group.name == {"zh": "市第一医院", "en": "First Hospital"}
        assert (group.tier, group.region) == ("tier.3b", "reg.31")
        events = list(session.scalars(select(AuditEvent.action).where(AuditEvent.object_kind == "group")))
    assert events == ["add", "change", "change"]
    assert "三级乙等" in admin.get("/admin/hospitals").text


def test_an_administrator_gives_neither_grant_not_even_to_themselves(site: Site) -> None:
    add_hospital(site)
    admin, other = site.visitor("admin"), site.add_person("trainee")

    for who in ("admin@hospital.example", other.email):
        for grant in grants.GRANTS:
            assert admin.post(f"{FIRST}/grants", who=who, grant=grant).status_code == 403
    assert 'name="grant"' not in admin.get(FIRST).text

    assert held(site) == set()


def test_a_privacy_officer_gives_and_takes_but_not_to_themselves(site: Site) -> None:
    add_hospital(site)
    person, other = make_officer(site), site.add_person("instructor")
    officer = site.visitor("editor", email=person.email)

    assert officer.get("/admin/hospitals").status_code == 403
    assert 'name="grant"' in officer.get(FIRST).text
    assert officer.post(f"{FIRST}/grants", who=person.email, grant="reviewer").status_code == 403
    assert officer.post(f"{FIRST}/grants", who="nobody", grant="reviewer").status_code == 303
    assert officer.post(f"{FIRST}/grants", who=other.email, grant="reviewer").status_code == 303
    assert held(site) == {(person.id, "privacy_officer"), (other.id, "reviewer")}
    assert officer.post(f"{FIRST}/grants/{other.id}/reviewer/end").status_code == 303

    assert officer.post(f"{FIRST}/grants/{person.id}/privacy_officer/end").status_code == 303

    assert held(site) == set()
    assert officer.get(FIRST).status_code == 403
    with site.database.reading() as session:
        actions = list(session.scalars(select(AuditEvent.action).where(AuditEvent.object_kind == "user")))
    assert [name for name in actions if name in {"grant", "revoke"}] == ["grant", "grant", "revoke", "revoke"]


def test_an_officer_of_one_hospital_is_nobody_at_another(sqlite_site: Site) -> None:
    add_hospital(sqlite_site)
    with sqlite_site.database.writing() as session:
        add_group(session, "hospital.other", "hospital", {}, by=None)
    officer = sqlite_site.visitor("editor", email=make_officer(sqlite_site).email)

    assert officer.get("/admin/hospitals/hospital.other").status_code == 403
    answer = officer.post("/admin/hospitals/hospital.other/grants", who="editor@hospital.example", grant="reviewer")
    assert answer.status_code == 403
    assert officer.post(FIRST, name_zh="x").status_code == 403


def test_no_administrator_becomes_an_officer_by_a_link_or_without_the_second_step(site: Site) -> None:
    add_hospital(site)
    officer, admin = make_officer(site), site.visitor("admin")

    assert admin.post(f"/admin/people/{officer.id}/link").status_code == 403
    assert admin.post(f"/admin/people/{officer.id}/second-step/remove").status_code == 403
    with site.database.writing() as session:
        make_link(session, session.get_one(User, officer.id), by=None)  # the host may


def test_who_has_not_logged_in_lately_changes_nobody(sqlite_site: Site) -> None:
    admin, person = sqlite_site.visitor("admin"), sqlite_site.add_person("trainee")
    with sqlite_site.database.writing() as session:
        session.execute(update(LoginSession).values(proved_at=utc_now() - timedelta(minutes=31)))

    answer = admin.post(f"/admin/people/{person.id}/link")

    assert (answer.status_code, "again=1" in answer.headers["Location"]) == (302, True)
