"""The second step of a login: codes of the telephone, recovery codes, who may take it away."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from config.settings import SettingsError, load_settings
from tests.visitors import PASSWORD, Site, Visitor, make_site
from videolib import totp
from videolib.catalogue import second_factors
from videolib.catalogue.account_links import make_link
from videolib.catalogue.login_steps import LoginStep
from videolib.catalogue.people import ApiToken, LoginSession, User
from videolib.catalogue.second_factors import RecoveryCode, Sealer, TotpSecret
from videolib.db import Database, utc_now

EMAIL = "trainee@hospital.example"


def code_now(secret: str, later: int = 0) -> str:
    return totp.code_of(base64.b32decode(secret), int(time.time()) // totp.STEP_S + later)


def set_up(visitor: Visitor) -> tuple[str, list[str]]:
    """Codes from a telephone, by the pages; gives the secret and the recovery codes."""
    found = re.search(r"<code>([A-Z2-7 ]{20,})</code>", visitor.get("/account/codes").text)
    assert found
    secret = found[1].replace(" ", "")
    assert visitor.post("/account/codes", code="000000x").status_code == 200
    page = visitor.post("/account/codes", code=code_now(secret)).text
    codes = re.findall(r"<li>([a-z2-9]{5}-[a-z2-9]{5})</li>", page)
    assert len(codes) == second_factors.RECOVERY_CODES
    return secret, codes


def is_logged_in(visitor: Visitor) -> bool:
    return bool((visitor.get("/login/state").json or {})["signed_in"])


def test_a_code_is_asked_for_after_the_password_and_works_once(site: Site) -> None:
    own = site.visitor("trainee")
    secret, _codes = set_up(own)
    visitor = site.anonymous()

    answer = visitor.log_in(EMAIL, next="/me", remember="y")

    assert answer.headers["Location"] == "/login/second"
    assert not is_logged_in(visitor)
    assert (visitor.get("/login/state").json or {})["second_step"]
    assert visitor.get("/me").status_code == 302
    assert visitor.post("/login/second", code=code_now(secret)).status_code == 200, "the code of the set-up is used up"
    answer = visitor.post("/login/second", code=code_now(secret, 1))
    assert answer.headers["Location"] == "/me"
    assert is_logged_in(visitor)
    with site.database.reading() as session:
        newest = session.scalars(select(LoginSession).order_by(LoginSession.created_at.desc())).first()
        assert newest is not None
        assert (newest.method, newest.is_remembered) == ("code", True)
    other = site.anonymous()
    other.log_in(EMAIL)
    assert other.post("/login/second", code=code_now(secret, 1)).status_code == 200
    assert not is_logged_in(other)


def test_a_recovery_code_works_once_however_it_is_typed(site: Site) -> None:
    _secret, codes = set_up(site.visitor("trainee"))
    for typed, status in ((codes[0].replace("-", " ").upper(), 302), (codes[0], 200), (codes[1], 302)):
        visitor = site.anonymous()
        visitor.log_in(EMAIL)

        assert visitor.post("/login/second", code=typed).status_code == status
    with site.database.reading() as session:
        assert len(session.scalars(select(RecoveryCode)).all()) == second_factors.RECOVERY_CODES - 2


def test_codes_are_not_guessed(sqlite_site: Site) -> None:
    set_up(sqlite_site.visitor("trainee"))
    visitor = sqlite_site.anonymous()
    visitor.log_in(EMAIL)
    for number in range(10):
        assert visitor.post("/login/second", code=f"{number:06}x").status_code == 200

    refused = visitor.post("/login/second", code="123456")

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0


def test_a_step_that_waits_too_long_is_over(sqlite_site: Site) -> None:
    secret, _codes = set_up(sqlite_site.visitor("trainee"))
    visitor = sqlite_site.anonymous()
    visitor.log_in(EMAIL)
    with sqlite_site.database.writing() as session:
        session.execute(update(LoginStep).values(expires_at=utc_now() - timedelta(seconds=1)))

    assert visitor.post("/login/second", code=code_now(secret, 1)).headers["Location"] == "/login"
    assert not is_logged_in(visitor)


def test_a_copy_of_the_database_makes_no_codes(sqlite_site: Site) -> None:
    secret, _codes = set_up(sqlite_site.visitor("trainee"))

    with sqlite_site.database.reading() as session:
        (row,) = session.scalars(select(TotpSecret))
        assert secret not in row.sealed
        assert Sealer(sqlite_site.settings).open(row.sealed) == secret


def test_new_recovery_codes_replace_the_old_and_taking_codes_away_forgets_them(site: Site) -> None:
    own = site.visitor("trainee")
    _secret, old = set_up(own)
    page = own.post("/account/recovery-codes").text
    visitor = site.anonymous()
    visitor.log_in(EMAIL)
    assert visitor.post("/login/second", code=old[0]).status_code == 200
    assert old[0] not in page

    assert own.post("/account/codes/remove").status_code == 303

    assert site.anonymous().log_in(EMAIL, next="/me").headers["Location"] == "/me"
    with site.database.reading() as session:
        assert session.scalars(select(RecoveryCode)).all() == []


def test_a_reset_link_replaces_the_password_and_not_the_second_step(sqlite_site: Site) -> None:
    secret, _codes = set_up(sqlite_site.visitor("trainee"))
    with sqlite_site.database.writing() as session:
        person = session.scalars(select(User).where(User.email == EMAIL)).one()
        link, _row = make_link(session, person, by=None)
    thief = sqlite_site.anonymous()

    answer = thief.post(f"/login/link/{link}", password="fourLamp")

    assert answer.headers["Location"] == "/login/second", "beside a second step eight characters are enough"
    assert not is_logged_in(thief)
    assert thief.post("/login/second", code=code_now(secret, 1)).status_code == 302
    assert is_logged_in(thief)


def test_an_administrator_takes_the_second_step_away(site: Site) -> None:
    set_up(site.visitor("trainee"))
    person, admin = site.add_person("trainee"), site.visitor("admin")

    assert admin.post(f"/admin/people/{person.id}/second-step/remove").status_code == 303

    assert site.anonymous().log_in(EMAIL, next="/me").headers["Location"] == "/me"


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/account/codes"), ("post", "/account/codes/remove"), ("post", "/account/recovery-codes")],
)
def test_who_has_not_proved_lately_who_they_are_is_asked_again(sqlite_site: Site, method: str, path: str) -> None:
    visitor = sqlite_site.visitor("trainee")
    with sqlite_site.database.writing() as session:
        session.execute(update(LoginSession).values(proved_at=utc_now() - timedelta(minutes=31)))

    answer = visitor.get(path) if method == "get" else visitor.post(path)

    assert answer.status_code == 302
    assert "again=1" in answer.headers["Location"]
    visitor.post("/login?again=1", email=EMAIL, password=PASSWORD)
    assert visitor.get("/account/codes").status_code == 200


@pytest.fixture
def strict(sqlite_database: Database) -> Iterator[Site]:
    """A site where editors and administrators need a second step."""
    made = make_site(sqlite_database, second_factor_roles="editor, admin")
    yield made
    made.index.close()


@pytest.mark.parametrize("role", ["editor", "admin"])
def test_people_of_a_named_role_come_nowhere_before_they_have_a_second_step(strict: Site, role: str) -> None:
    visitor = strict.visitor(role)

    for path in ("/", "/studio", "/admin"):
        assert visitor.get(path).headers["Location"] == "/account"
    refused = visitor.get("/api/v1/entries")
    assert (refused.status_code, (refused.json or {})["code"]) == (403, "second_factor_required")
    assert visitor.send("POST", "/api/v1/entries", {"title": {"en": "A"}}).status_code == 403
    assert visitor.get("/account").status_code == 200

    set_up(visitor)

    assert visitor.get("/studio").status_code == 200
    assert visitor.get("/api/v1/entries").status_code == 200


def test_others_need_none_where_some_roles_do(strict: Site) -> None:
    assert strict.visitor("trainee").get("/me").status_code == 200
    assert strict.anonymous().get("/").status_code == 200


def test_the_duty_of_a_second_step_is_not_passed_by_a_token(strict: Site) -> None:
    visitor = strict.visitor("editor")
    wanted = {"name": "A way around", "scope": "write", "days": "7"}

    refused = visitor.post("/account/tokens", **wanted)

    assert refused.status_code == 403
    with strict.database.reading() as session:
        assert session.scalars(select(ApiToken)).all() == []
    set_up(visitor)
    assert "vl_" in visitor.post("/account/tokens", **wanted).text


def test_the_duty_begins_again_where_the_second_step_is_taken_away(strict: Site) -> None:
    visitor = strict.visitor("editor")
    set_up(visitor)

    assert visitor.post("/account/codes/remove").status_code == 303

    assert visitor.get("/studio").headers["Location"] == "/account"


@pytest.mark.parametrize("text", ["nurse", "admin;editor"])
def test_a_role_that_there_is_not_is_refused_at_the_start(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="VIDEOLIB_SECOND_FACTOR_ROLES"):
        load_settings({"VIDEOLIB_HOME": str(tmp_path), "VIDEOLIB_SECOND_FACTOR_ROLES": text})
