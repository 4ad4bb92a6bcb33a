"""Single sign-on with a real OpenID provider over HTTP: who comes in, who does not, and what is not believed."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from pydantic import SecretStr
from sqlalchemy import select, update

from config.settings import SettingsError, load_settings
from tests.visitors import Site, Visitor, make_site
from videolib.catalogue.audit import AuditEvent
from videolib.catalogue.identities import Identity
from videolib.catalogue.people import LoginSession, User, disable_user
from videolib.db import Database, utc_now

# the provider's own thread stands on a part of Authlib that warns of its successor
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

EMAIL = "trainee@hospital.example"
SUBJECTS: list[tuple[str, dict[str, object]]] = [
    ("1001", {"email": "Trainee@Hospital.example", "email_verified": True}),
    ("1002", {"email": EMAIL, "email_verified": False}),
    ("1003", {"email": EMAIL}),
    ("1004", {"email": "nobody@hospital.example", "email_verified": True}),
    ("1005", {"email": EMAIL, "email_verified": True}),
    ("1006", {}),
    # signed in there by a cookie of yesterday; and a provider that does not say when it has asked
    ("1007", {"email": EMAIL, "email_verified": True, "auth_time": 1_700_000_000}),
    ("1008", {"email": EMAIL, "email_verified": True, "auth_time": None}),
    ("1009", {"email": "traine\uff45@hospital.example", "email_verified": True}),
]


@dataclass
class Federated:
    """A site whose settings name a provider that answers."""

    site: Site
    provider: str

    def sign_in(self, visitor: Visitor, subject: str, next_path: str = "", *, again: str = "") -> Any:
        """As a browser goes: away, say who one is there, and back."""
        away = visitor.get(f"/login/sso?next={next_path}&again={again}")
        assert away.status_code == 302
        assert away.headers["Location"].startswith(self.provider)
        asked = parse_qs(urlsplit(away.headers["Location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["nonce"]
        assert (asked.get("prompt"), asked.get("max_age")) == ((["login"], ["0"]) if again else (None, None))
        back = requests.post(
            away.headers["Location"], data={"sub": subject}, allow_redirects=False, timeout=10
        ).headers["Location"]
        parts = urlsplit(back)
        return visitor.get(f"{parts.path}?{parts.query}")


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with warnings.catch_warnings():
        # the provider stands on a part of Authlib that warns of its successor
        warnings.simplefilter("ignore")
        mock = importlib.import_module("oidc_provider_mock")
    subjects = [mock.User(sub=sub, claims=claims) for sub, claims in SUBJECTS]
    with mock.run_server_in_thread(user_claims=subjects, require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def federated(sqlite_database: Database, provider: str) -> Iterator[Federated]:
    site = make_site(
        sqlite_database,
        oidc_issuer=provider,
        oidc_client_id="videolib",
        oidc_client_secret=SecretStr("a secret of two"),
        oidc_label="一院统一登录",
    )
    site.add_person("trainee")
    yield Federated(site, provider)
    site.index.close()


def is_logged_in(visitor: Visitor) -> bool:
    return bool((visitor.get("/login/state").json or {})["signed_in"])


def test_who_was_invited_comes_in_by_a_verified_address_and_is_known_from_then_on(federated: Federated) -> None:
    visitor = federated.site.anonymous()
    assert "一院统一登录" in visitor.get("/login").text

    answer = federated.sign_in(visitor, "1001", next_path="/me")

    assert answer.headers["Location"] == "/me"
    assert is_logged_in(visitor)
    with federated.site.database.writing() as session:
        (identity,) = session.scalars(select(Identity))
        assert (identity.issuer, identity.subject) == (federated.provider, "1001")
        session.execute(update(User).values(email="renamed@hospital.example"))
        assert "login" in session.scalars(select(AuditEvent.action)).all()
    again = federated.site.anonymous()
    federated.sign_in(again, "1001")
    assert is_logged_in(again), "known by the provider's number, whatever the address is now"


@pytest.mark.parametrize("subject", ["1002", "1003", "1004", "1006", "1009"])
def test_an_address_that_nobody_vouches_for_or_nobody_was_invited_by_opens_nothing(
    federated: Federated, subject: str
) -> None:
    visitor = federated.site.anonymous()

    answer = federated.sign_in(visitor, subject)

    assert answer.status_code == 403
    assert not is_logged_in(visitor)
    with federated.site.database.reading() as session:
        assert session.scalars(select(Identity)).all() == []
        assert len(session.scalars(select(User)).all()) == 1


def test_an_address_that_was_given_to_another_person_there_opens_nothing(federated: Federated) -> None:
    federated.sign_in(federated.site.anonymous(), "1001")
    other = federated.site.anonymous()

    answer = federated.sign_in(other, "1005")

    assert answer.status_code == 403
    assert not is_logged_in(other)


def test_who_is_disabled_stays_outside(federated: Federated) -> None:
    federated.sign_in(federated.site.anonymous(), "1001")
    with federated.site.database.writing() as session:
        disable_user(session, EMAIL)
    visitor = federated.site.anonymous()

    assert federated.sign_in(visitor, "1001").status_code == 403
    assert not is_logged_in(visitor)


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(federated: Federated) -> None:
    attacker, victim = federated.site.anonymous(), federated.site.anonymous()
    away = attacker.get("/login/sso").headers["Location"]
    back = requests.post(away, data={"sub": "1001"}, allow_redirects=False, timeout=10).headers["Location"]
    parts = urlsplit(back)

    answer = victim.get(f"{parts.path}?{parts.query}")

    assert answer.status_code == 403
    assert not is_logged_in(victim)
    assert federated.site.anonymous().get("/login/sso/back?error=access_denied").status_code == 403


def test_it_leads_nowhere_outside_afterwards(federated: Federated) -> None:
    answer = federated.sign_in(federated.site.anonymous(), "1001", next_path="//evil.example")

    assert answer.headers["Location"] == "/"


def test_a_provider_that_does_not_answer_is_said_to(sqlite_database: Database) -> None:
    site = make_site(
        sqlite_database,
        oidc_issuer="http://localhost:9",
        oidc_client_id="videolib",
        oidc_client_secret=SecretStr("secret"),
    )

    answer = site.anonymous().get("/login/sso")

    assert answer.status_code == 503
    assert site.anonymous().get("/login").status_code == 200
    site.index.close()


@pytest.mark.parametrize("subject", ["1007", "1008"])
def test_a_silent_sign_in_lets_in_and_does_not_count_as_proved_lately(federated: Federated, subject: str) -> None:
    visitor = federated.site.anonymous()

    federated.sign_in(visitor, subject)

    assert is_logged_in(visitor)
    asked = visitor.get("/account/codes")
    assert "again=1" in asked.headers["Location"]
    assert "/login/sso?next=/account/codes&amp;again=1" in visitor.get(asked.headers["Location"]).text
    again = federated.sign_in(visitor, subject, again="1")
    assert again.status_code == 403
    assert visitor.get("/account/codes").status_code == 302


def test_who_has_proved_it_anew_there_may_change_how_they_sign_in(federated: Federated) -> None:
    visitor = federated.site.anonymous()
    federated.sign_in(visitor, "1001")
    with federated.site.database.writing() as session:
        session.execute(update(LoginSession).values(proved_at=utc_now() - timedelta(minutes=31)))
    assert visitor.get("/account/codes").status_code == 302

    answer = federated.sign_in(visitor, "1001", "/account/codes", again="1")

    assert answer.headers["Location"] == "/account/codes"
    assert visitor.get("/account/codes").status_code == 200
    with federated.site.database.reading() as session:
        assert len(session.scalars(select(LoginSession)).all()) == 1, "this browser's former session has ended"


@pytest.mark.parametrize(
    "given",
    [
        {"VIDEOLIB_OIDC_ISSUER": "https://login.hospital.example"},
        {"VIDEOLIB_OIDC_ISSUER": "http://login.hospital.example", "VIDEOLIB_OIDC_CLIENT_ID": "x"},
        {"VIDEOLIB_OIDC_ISSUER": "login"},
    ],
)
def test_half_of_the_settings_is_refused(given: dict[str, str], tmp_path: Any) -> None:
    with pytest.raises(SettingsError, match="VIDEOLIB_OIDC_ISSUER"):
        load_settings({"VIDEOLIB_HOME": str(tmp_path), **given})
