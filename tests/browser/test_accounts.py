"""Accounts in the system's Chromium: passkeys, a session that ends in mid-form, pasting, pages for everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import PASSWORD, Served, log_in, sticking_out
from tests.browser.test_for_everybody import SMALL_TARGETS
from tests.browser.test_story_watch import problems

NEW = "some lamps for a trainee"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def authenticator(page: Any) -> Iterator[Any]:
    """A device with a fingerprint reader, as Chromium's own tests have one."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield lambda name, **values: session.send(
        f"WebAuthn.{name}", {"authenticatorId": made["authenticatorId"], **values}
    )
    session.send("WebAuthn.removeVirtualAuthenticator", made)


def is_signed_in(page: Any, base: str) -> bool:
    return bool(page.request.get(f"{base}/login/state").json()["signed_in"])


def invite(page: Any, served: Served, email: str, role: str = "trainee") -> str:
    """By the page, as an administrator does; gives the link."""
    page.goto(f"{served.url}/admin/people/new")
    page.fill("#email", email)
    page.locator("input[name=role]").first.uncheck()
    page.check(f"input[name=role][value={role}]")
    page.locator("main form button").click()
    page.locator("figure.qr svg").wait_for()
    return str(page.input_value("#link"))


def test_one_signs_in_by_a_passkey_alone(
    page: Any, served: Served, authenticator: Any, no_outside_requests: set[str]
) -> None:
    """Checklist 55 (3.3.8: nothing to remember, nothing to type)."""
    # a key belongs to a name: an address of digits has none
    named = Served(served.url.replace("127.0.0.1", "localhost"), served.entry_id, served.home, served.token)
    log_in(page, named, "instructor")
    page.goto(f"{named.url}/account")
    page.fill("#passkey-name", "我的电脑")
    page.locator("vl-passkey button").click()
    # the first key of an account comes with codes for the day on which the device is lost
    page.locator(".code-list li").first.wait_for()
    assert page.locator(".code-list li").count() == 10
    page.goto(f"{named.url}/account")
    assert page.get_by_text("我的电脑").count() == 1
    page.request.post(
        f"{named.url}/logout", form={"csrf_token": page.locator('meta[name="csrf-token"]').get_attribute("content")}
    )
    assert not is_signed_in(page, named.url)

    page.goto(f"{named.url}/login?next=/me")
    page.locator("vl-passkey button").click()
    page.wait_for_url(f"{named.url}/me")

    assert is_signed_in(page, named.url)
    page.context.clear_cookies()
    # a password alone is not enough any more; a device that does not know the finger signs nothing
    page.goto(f"{named.url}/login")
    page.fill("input[name=email]", "instructor@hospital.example")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[name=submit]")
    page.wait_for_url(f"{named.url}/login/second")
    authenticator("setUserVerified", isUserVerified=False)
    page.locator("vl-passkey button").click()
    page.locator("vl-passkey [role=alert]:not(:empty)").wait_for()
    assert not is_signed_in(page, named.url)
    authenticator("setUserVerified", isUserVerified=True)
    page.locator("vl-passkey button").click()
    page.wait_for_url(lambda url: "/login" not in url)

    page.goto(f"{named.url}/account")
    page.locator('form[action$="/remove"] button').first.click()
    page.locator(".notice--good").first.wait_for()
    assert page.get_by_text("我的电脑").count() == 0


def test_a_session_that_ends_in_mid_form_is_taken_up_in_place(page: Any, served: Served) -> None:
    """Checklist 65: what was typed is kept by itself, and sent, after signing in again on the same page."""
    log_in(page, served, "editor")
    page.goto(f"{served.url}/studio/entries/{served.entry_id}")
    page.locator("vl-sign-in-again").wait_for(state="attached")
    page.context.clear_cookies()
    page.fill("#f-key_points-zh", "会话结束时的文字")
    dialog = page.locator("dialog.sign-in-again")
    dialog.wait_for()
    assert problems(page) == []
    dialog.locator("input[type=password]").fill("a wrong one")
    dialog.locator(".button--primary").click()
    dialog.locator("[role=alert]:not(:empty)").wait_for()
    dialog.locator("input[type=password]").fill(PASSWORD)
    dialog.locator(".button--primary").click()

    dialog.wait_for(state="hidden")
    page.locator('[data-part="state"][data-state="saved"]').wait_for()

    page.reload()
    assert page.input_value("#f-key_points-zh") == "会话结束时的文字"


def test_a_form_that_stood_open_is_sent_after_signing_in_again(page: Any, served: Served) -> None:
    """Checklist 65: any form, without a save of its own."""
    log_in(page, served, "trainee")
    page.goto(f"{served.url}/entries/{served.entry_id}")
    page.locator(".report summary").click()
    page.locator(".report input[value=other]").check()
    page.locator(".report textarea").fill("第 3 秒可见姓名")
    page.context.clear_cookies()
    # an hour later
    page.evaluate("document.querySelector('vl-sign-in-again').asked = 0")
    page.locator(".report button").last.click()
    dialog = page.locator("dialog.sign-in-again")
    dialog.wait_for()
    assert page.input_value(".report textarea") == "第 3 秒可见姓名"

    dialog.locator("input[type=password]").fill(PASSWORD)
    dialog.locator(".button--primary").click()

    page.locator(".notice--good").first.wait_for()
    assert is_signed_in(page, served.url)


def test_a_password_may_be_pasted_looked_at_and_is_chosen_behind_a_link(
    page: Any, served: Served, browser: Any
) -> None:
    """Checklist 55 (3.3.8: no puzzle, pasting allowed)."""
    log_in(page, served, "admin")
    link = invite(page, served, "pasting@hospital.example")
    guest = browser.new_context(locale="zh-CN").new_page()
    guest.goto(link)
    guest.evaluate("document.querySelector('#email').readOnly = false")
    guest.fill("#email", NEW)
    guest.locator("#email").press("Control+A")
    guest.locator("#email").press("Control+X")
    guest.locator("#password").press("Control+V")
    assert guest.input_value("#password") == NEW
    guest.locator("vl-password-field input[type=checkbox]").check()
    assert guest.locator("#password").get_attribute("type") == "text"

    guest.locator("main form button").click()
    guest.wait_for_url(f"{served.url}/")

    assert is_signed_in(guest, served.url)
    assert guest.goto(link).status == 410
    guest.context.close()


@pytest.mark.parametrize(("language", "theme"), [("zh", "dark"), ("en", "light")])
def test_the_pages_of_accounts_are_for_everybody(
    page: Any, served: Served, browser: Any, language: str, theme: str, no_outside_requests: set[str]
) -> None:
    """Checklist 53, 55, 56, 59: axe, targets of 24 px, no scrolling sideways at 390 and 320 px."""
    log_in(page, served, "admin")
    page.goto(f"{served.url}/preferences?lang={language}&theme={theme}&next=/account")
    found: dict[str, Any] = {}

    def look(name: str) -> None:
        page.wait_for_load_state("load")
        page.set_viewport_size({"width": 1440, "height": 900})
        found[name] = problems(page)
        for width in (390, 320):
            page.set_viewport_size({"width": width, "height": 844})
            found[f"{name} {width}"] = sticking_out(page)
        found[f"{name} targets"] = page.evaluate(SMALL_TARGETS)

    link = invite(page, served, f"{language}@hospital.example")
    look("a link")
    page.goto(f"{served.url}/admin?q={language}@hospital")
    look("people")
    page.locator("main table a").first.click()
    look("a person")
    for path in ("/admin?q=nobody-at-all", "/admin/people/new", "/admin/people/import", "/admin/hospitals"):
        page.goto(served.url + path)
        look(path)
    page.goto(f"{served.url}/admin/people/import")
    table = b"email,name\nwang@hospital.example,W\nbad,B\n"
    page.set_input_files("#file", {"name": "people.csv", "mimeType": "text/csv", "buffer": table})
    page.locator("main form button").click()
    page.locator("main table").wait_for()
    look("a report")
    page.goto(f"{served.url}/admin/hospitals")
    page.fill("#id", f"hospital.{language}")
    page.fill("#name_zh", "第一医院")
    page.locator("main form button").click()
    page.wait_for_url(re.compile(r"/admin/hospitals/hospital\."))
    look("a hospital")
    for path in ("/account", "/account/codes", "/login?again=1", link.removeprefix(served.url)):
        page.goto(served.url + path)
        look(path)
    page.goto(f"{served.url}/account")
    page.locator("details.panel summary").click()
    page.fill("#token-name", "A test")
    page.locator("details.panel form button").click()
    page.locator("#token").wait_for()
    look("a token")

    assert {name: texts for name, texts in found.items() if texts} == {}
