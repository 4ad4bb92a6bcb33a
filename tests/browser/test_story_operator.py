"""An administrator's story, in Chinese and in English: from signing in to a person who works, and to the proof of it.

1. Sign in and choose the language. Open the account menu, People.
2. Invite somebody: an e-mail address and a role. Hand over the link, or let them scan it.
3. They open it, choose a password, and are in.
4. They are to teach: give them the role. Their menu has a room more.
5. They leave: disable them. Their next page asks to sign in, and they cannot.
6. The audit has all of it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Served, log_in
from tests.browser.teaching import words_of

CHOSEN = "lanterns over the river"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_administrator_invites_changes_and_disables_a_person_and_the_audit_has_it(
    page: Any, served: Served, browser: Any, no_outside_requests: set[str], language: str
) -> None:
    """Checklist 55 (nothing to remember), 58, 61, 66."""
    _ = words_of(language)
    email = f"wang.{language}@hospital.example"

    # 1. people
    log_in(page, served, "admin")
    page.goto(f"{served.url}/preferences?lang={language}&next=/")
    page.locator("header vl-menu summary").last.click()
    page.get_by_role("link", name=_("People"), exact=True).click()

    # 2. invite
    page.get_by_role("link", name=_("Invite somebody")).click()
    page.get_by_label(_("E-mail address"), exact=True).fill(email)
    page.get_by_role("button", name=_("Invite"), exact=True).click()
    page.get_by_role("heading", name=_("Invitation")).or_(page.locator("figure.qr")).first.wait_for()
    link = page.get_by_label(_("Link"), exact=True).input_value()
    assert page.locator("figure.qr svg").count() == 1

    # 3. the other person
    theirs = browser.new_context(locale={"zh": "zh-CN", "en": "en-GB"}[language]).new_page()
    theirs.goto(link)
    theirs.get_by_label(_("Choose a password")).or_(theirs.locator("#password")).first.fill(CHOSEN)
    theirs.get_by_role("button", name=_("Set the password and sign in")).click()
    theirs.wait_for_url(f"{served.url}/")
    assert theirs.goto(f"{served.url}/teach").status == 403

    # 4. another role
    page.goto(f"{served.url}/admin?q={email}")
    page.locator("main table").get_by_role("link").first.click()
    page.get_by_label(_("Instructor"), exact=True).check()
    page.get_by_role("button", name=_("Save"), exact=True).click()
    page.get_by_text(_("Saved.")).first.wait_for()
    person = page.url
    assert theirs.goto(f"{served.url}/teach").status == 200
    theirs.get_by_role("heading", level=1, name=_("Teach")).wait_for()

    # 5. they leave
    page.goto(person)
    page.get_by_role("button", name=_("Disable"), exact=True).click()
    page.get_by_text(_("Let in again")).wait_for()
    theirs.goto(f"{served.url}/teach")
    theirs.wait_for_url(lambda url: "/login?" in url)
    theirs.context.close()

    # 6. the audit
    page.locator("header vl-menu summary").last.click()
    page.get_by_role("link", name=_("Audit"), exact=True).click()
    page.get_by_role("heading", level=1, name=_("Audit")).wait_for()
    for deed in ("permission", "disable"):
        assert "admin" in page.locator("main table tr", has_text=deed).first.inner_text()
