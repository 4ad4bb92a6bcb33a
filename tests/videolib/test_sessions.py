"""Sessions as rows: they are new at each login, end from afar, by themselves, and with a person's right to be here."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, select, update

from tests.visitors import PASSWORD, Site, Visitor
from videolib.catalogue import logins, people
from videolib.catalogue.attempts import WINDOW, LoginAttempt
from videolib.catalogue.audit import AuditEvent
from videolib.catalogue.login_names import find_by_name, set_login_names
from videolib.catalogue.people import LoginSession, User
from videolib.db import utc_now
from videolib.errors import InvalidInput

EMAIL = "trainee@hospital.example"


def is_logged_in(visitor: Visitor) -> bool:
    return bool((visitor.get("/login/state").json or {})["signed_in"])


def sessions(site: Site) -> list[LoginSession]:
    with site.database.reading() as session:
        return list(session.scalars(select(LoginSession).order_by(LoginSession.created_at)))


def test_a_planted_session_is_worth_nothing_after_the_login(site: Site) -> None:
    """Checklist 64: fixation."""
    site.add_person("trainee")
    victim, attacker = site.anonymous(), site.anonymous()
    attacker.get("/login")
    planted = attacker.client.get_cookie("videolib_session")
    assert planted is not None
    victim.client.set_cookie("videolib_session", planted.value)

    assert victim.log_in(EMAIL).status_code == 302

    own = victim.client.get_cookie("videolib_session")
    assert own is not None
    assert own.value != planted.value
    assert is_logged_in(victim)
    assert not is_logged_in(attacker)


def test_a_copied_cookie_is_dead_after_the_logout(site: Site) -> None:
    visitor, thief = site.visitor("trainee"), site.anonymous()
    cookie = visitor.client.get_cookie("videolib_session")
    assert cookie is not None
    thief.client.set_cookie("videolib_session", cookie.value)
    assert is_logged_in(thief)

    visitor.post("/logout")

    assert not is_logged_in(thief)
    assert sessions(site) == []


def test_the_row_keeps_no_secret_and_says_from_where(sqlite_site: Site) -> None:
    sqlite_site.add_person("trainee")
    visitor = sqlite_site.anonymous()
    form = {"csrf_token": visitor.csrf_token(), "email": EMAIL, "password": PASSWORD}
    visitor.client.post("/login", data=form, headers={"User-Agent": "Gecko " + "x" * 999})

    (row,) = sessions(sqlite_site)
    with visitor.client.session_transaction() as cookie:
        secret = cookie["login"]
    assert row.digest == logins.digest_of(secret) != secret
    assert (row.address, row.method, len(row.agent)) == ("127.0.0.1", "password", 300)


@pytest.mark.parametrize(("remember", "hours"), [("", 12), ("y", 14 * 24)])
def test_a_session_ends_when_nobody_uses_it_and_lasts_while_somebody_does(
    sqlite_site: Site, remember: str, hours: int
) -> None:
    sqlite_site.add_person("trainee")
    visitor = sqlite_site.anonymous()
    visitor.log_in(EMAIL, remember=remember)
    (row,) = sessions(sqlite_site)
    assert row.expires_at - row.seen_at == timedelta(hours=hours)
    earlier = utc_now() - timedelta(minutes=6)
    with sqlite_site.database.writing() as session:
        session.execute(update(LoginSession).values(seen_at=earlier, expires_at=utc_now() + timedelta(minutes=1)))

    assert is_logged_in(visitor)

    (used,) = sessions(sqlite_site)
    assert used.expires_at >= row.expires_at
    with sqlite_site.database.writing() as session:
        session.execute(update(LoginSession).values(expires_at=utc_now() - timedelta(seconds=1)))
    assert not is_logged_in(visitor)


def test_disabling_somebody_ends_sessions_and_tokens_at_once(site: Site) -> None:
    visitor, header = site.visitor("trainee"), site.bearer("trainee")

    with site.database.writing() as session:
        people.disable_user(session, EMAIL)

    assert not is_logged_in(visitor)
    assert site.anonymous().get("/api/v1/me/progress", headers=header).status_code == 401
    assert sessions(site) == []


def test_logins_refusals_and_logouts_are_events(sqlite_site: Site) -> None:
    visitor = sqlite_site.visitor("trainee")
    visitor.post("/logout")
    sqlite_site.anonymous().log_in(EMAIL, "a wrong one")

    with sqlite_site.database.reading() as session:
        actions = list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))
    assert actions == ["login", "logout", "refuse_login"]


def test_names_in_other_letters_count_as_one_whether_they_mean_somebody_or_not(sqlite_site: Site) -> None:
    person = sqlite_site.add_person("trainee")
    with sqlite_site.database.writing() as session:
        set_login_names(session, session.get_one(User, person.id), "A-017", "13812345678")
    written = {
        "trainee@hospital.example": ("Trainee@hospital.example", "ＴＲＡＩＮＥＥ@hospital.example"),
        "nobody@hospital.example": ("Nobody@hospital.example", "ＮＯＢＯＤＹ@hospital.example"),
        "A-017": ("a-017", "Ａ－０１７"),
        "B-017": ("b-017", "Ｂ－０１７"),
        "138 1234 5678": ("+86 13812345678", "１３８１２３４５６７８"),
        "139 1234 5678": ("+86 13912345678", "１３９１２３４５６７８"),
    }

    for number, (name, others) in enumerate(written.items()):
        attacker = sqlite_site.anonymous()
        attacker.client.environ_base["REMOTE_ADDR"] = f"10.0.0.{number}"
        codes = [attacker.log_in(one, "a guess").status_code for one in (name, *others) * 4]
        assert codes == [200] * 10 + [429] * 2, name


def test_a_refusal_is_written_down_for_names_of_nobody_too(sqlite_site: Site) -> None:
    """What is done for one and not for the other takes time that tells them apart."""
    sqlite_site.add_person("trainee")
    for name in (EMAIL, "nobody@hospital.example"):
        sqlite_site.anonymous().log_in(name, "a wrong one")

    with sqlite_site.database.reading() as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.action == "refuse_login")).all()
    assert len(events) == 2
    assert "nobody" not in str([vars(event) for event in events])


def test_an_answer_is_given_though_nobody_can_write_down_that_one_was_here(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = site.visitor("trainee")
    with site.database.writing() as session:
        session.execute(update(LoginSession).values(seen_at=utc_now() - timedelta(minutes=6)))
    name = "sqlite" if site.database.is_sqlite else "postgresql"
    engine = site.database.write_engine
    forbidden = {"sqlite": "PRAGMA query_only=ON", "postgresql": "SET TRANSACTION READ ONLY"}[name]

    def reading_only(**options: bool) -> Engine:
        # as a standby or a disk that went read-only answers
        made = engine(**options).execution_options()
        event.listen(made, "begin", lambda connection: connection.exec_driver_sql(forbidden))
        return made

    monkeypatch.setattr(site.database, "write_engine", reading_only)

    assert visitor.get("/").status_code == 200

    if name == "sqlite":
        with site.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only=OFF")


def test_nobody_waits_for_a_busy_database_to_have_their_visit_written_down(sqlite_site: Site) -> None:
    visitor = sqlite_site.visitor("trainee")
    with sqlite_site.database.writing() as session:
        session.execute(update(LoginSession).values(seen_at=utc_now() - timedelta(minutes=6)))

    with sqlite_site.database.writing() as busy:
        busy.execute(update(LoginSession).values(agent="written by somebody else, and not committed yet"))
        answer = visitor.get("/")

    assert answer.status_code == 200
    assert is_logged_in(visitor)


@pytest.mark.parametrize(
    "name", ["TRAINEE@hospital.example", "a-017", "Ａ－０１７", "+86 138-1234-5678", "13812345678"]
)
def test_one_logs_in_by_address_staff_number_or_mobile(sqlite_site: Site, name: str) -> None:
    person = sqlite_site.add_person("trainee")
    with sqlite_site.database.writing() as session:
        set_login_names(session, session.get_one(User, person.id), "A-017", "138 1234 5678")

    assert sqlite_site.anonymous().log_in(name).status_code == 302


def test_no_name_means_two_people(site: Site) -> None:
    first, second = site.add_person("trainee"), site.add_person("editor")
    with site.database.writing() as session:
        set_login_names(session, session.get_one(User, first.id), "13900000000", "")
        for names in (("", "139 0000 0000"), ("13900000000", "")):
            with pytest.raises(InvalidInput):
                set_login_names(session, session.get_one(User, second.id), *names)
        for names in (("A B", ""), ("", "12"), ("x" * 40, ""), ("", "1380000000a")):
            with pytest.raises(InvalidInput):
                set_login_names(session, session.get_one(User, second.id), *names)
        assert find_by_name(session, "") is None


def test_who_was_let_in_here_before_is_not_locked_out_by_others(site: Site) -> None:
    """Checklist 64: an account that is tried from elsewhere opens in the browsers that know it."""
    own = site.visitor("trainee")
    own.post("/logout")
    attacker = site.anonymous()
    for _ in range(10):
        assert attacker.log_in(EMAIL, "a guess").status_code == 200
    assert attacker.log_in(EMAIL).status_code == 429
    assert site.anonymous().log_in(EMAIL).status_code == 429

    assert own.log_in(EMAIL).status_code == 302

    own.post("/logout")
    for _ in range(10):
        own.log_in(EMAIL, "a guess")
    assert own.log_in(EMAIL).status_code == 429


def test_what_is_refused_does_not_make_the_wait_longer(site: Site) -> None:
    site.add_person("trainee")
    visitor = site.anonymous()
    for _ in range(10):
        visitor.log_in(EMAIL, "a guess")
    with site.database.writing() as session:
        almost = utc_now() - WINDOW + timedelta(seconds=20)
        session.execute(update(LoginAttempt).values(at=almost))

    refused = visitor.log_in(EMAIL)

    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    with site.database.writing() as session:
        session.execute(update(LoginAttempt).values(at=utc_now() - WINDOW))
    assert visitor.log_in(EMAIL).status_code == 302


def test_a_page_that_stayed_open_learns_whether_its_session_holds(sqlite_site: Site) -> None:
    visitor = sqlite_site.visitor("trainee")
    known = visitor.get("/login/state")
    visitor.post("/logout")

    gone = visitor.get("/login/state")

    assert (known.json or {})["signed_in"]
    assert (gone.json or {})["signed_in"] is False
    assert gone.headers["Cache-Control"] == "no-store"


def test_to_say_again_who_one_is_makes_a_new_session_of_the_old(sqlite_site: Site) -> None:
    visitor = sqlite_site.visitor("trainee")
    (before,) = sessions(sqlite_site)
    assert "sign-in" in visitor.get("/login?again=1").text

    answer = visitor.post("/login?again=1", email=EMAIL, password=PASSWORD, next="/me")

    assert answer.headers["Location"] == "/me"
    (after,) = sessions(sqlite_site)
    assert after.id != before.id
