"""Rows of the role matrix: signing in, one's own account, people and hospitals."""

from __future__ import annotations

from tests.whole.role_rows import ALL, PAGE_OF_PEOPLE, Row
from tests.whole.role_things import hospital, hospital_and_somebody, invitation, recording, somebody

DEED_OF_PEOPLE, CALL_OF_PEOPLE = (401, *(303,) * 4), (401, *(200,) * 4)
PAGE_OF_ADMINS, CALL_OF_ADMINS = (302, 403, 403, 403, 200), (401, 403, 403, 403, 200)
DEED_OF_ADMINS = (401, 403, 403, 403, 303)
ACCOUNTS: dict[tuple[str, str], Row] = {
    ("GET", "/login/state"): Row(ALL),
    ("GET", "/login/link/<secret>"): Row(ALL, invitation),
    ("POST", "/login/link/<secret>"): Row((303,) * 5, invitation, form={"password": "some lamps for a trainee"}),
    ("GET", "/login/second"): Row((302,) * 5),
    ("POST", "/login/second"): Row((302,) * 5, form={"code": "123456"}),
    ("POST", "/login/passkey/options"): Row(ALL, body={}),
    ("POST", "/login/passkey"): Row((422,) * 5, body={"credential": {}}),
    ("POST", "/account/passkeys/options"): Row(CALL_OF_PEOPLE, body={}),
    ("POST", "/account/passkeys"): Row((401, *(422,) * 4), body={}),
    ("POST", "/account/passkeys/<passkey_id>/remove"): Row((401, *(404,) * 4), lambda _site: "no-such", form={}),
    ("GET", "/account/codes"): Row(PAGE_OF_PEOPLE),
    ("POST", "/account/codes"): Row(CALL_OF_PEOPLE, form={"code": "x"}),
    ("POST", "/account/codes/remove"): Row(DEED_OF_PEOPLE, form={}),
    ("POST", "/account/recovery-codes"): Row(CALL_OF_PEOPLE, form={}),
    ("GET", "/login/sso"): Row((404,) * 5),  # until the settings name a provider
    ("GET", "/login/sso/back"): Row((404,) * 5),
    ("POST", "/account/tokens"): Row(CALL_OF_PEOPLE, form={"name": "Mine", "scope": "read", "days": "7"}),
    ("POST", "/account/tokens/<int:token_id>/revoke"): Row((401, *(404,) * 4), lambda _site: "999", form={}),
    ("GET", "/account"): Row(PAGE_OF_PEOPLE),
    ("POST", "/account/password"): Row((401, *(200,) * 4), form={"old_password": "wrong", "password": "x"}),
    ("POST", "/account/sessions/<session_id>/end"): Row((401, *(404,) * 4), lambda _site: "no-such", form={}),
    ("POST", "/account/sessions/end-others"): Row(DEED_OF_PEOPLE, form={}),
    ("GET", "/admin/people/new"): Row(PAGE_OF_ADMINS),
    ("POST", "/admin/people"): Row(CALL_OF_ADMINS, form={"email": "new@hospital.example", "role": "trainee"}),
    ("GET", "/admin/people/<int:user_id>"): Row(PAGE_OF_ADMINS, somebody),
    ("POST", "/admin/people/<int:user_id>"): Row(DEED_OF_ADMINS, somebody, form={"role": "trainee"}),
    ("POST", "/admin/people/<int:user_id>/second-step/remove"): Row(DEED_OF_ADMINS, somebody, form={}),
    ("GET", "/admin/people/import"): Row(PAGE_OF_ADMINS),
    ("GET", "/admin/people/import/sample.csv"): Row(PAGE_OF_ADMINS),
    ("POST", "/admin/people/import"): Row((401, 403, 403, 403, 422), form={}),
    ("GET", "/admin/hospitals"): Row(PAGE_OF_ADMINS),
    ("POST", "/admin/hospitals"): Row(CALL_OF_ADMINS, form={"id": "Not An Id"}),
    ("GET", "/admin/hospitals/<group_id>"): Row(PAGE_OF_ADMINS, hospital),
    ("POST", "/admin/hospitals/<group_id>"): Row(DEED_OF_ADMINS, hospital, form={"name_zh": "医院"}),
    ("GET", "/admin/jobs"): Row(PAGE_OF_ADMINS),
    ("GET", "/admin/jobs/<recording_id>"): Row(PAGE_OF_ADMINS, recording("failed")),
    ("POST", "/admin/jobs/<recording_id>/<any(retry,cancel,first,normal,last):deed>"): Row(
        DEED_OF_ADMINS,
        recording("failed"),
        form={},
        rest={"<any(retry,cancel,first,normal,last):deed>": "retry"},
    ),
    ("GET", "/admin/storage"): Row(PAGE_OF_ADMINS),
    ("POST", "/admin/storage/<group_id>"): Row(DEED_OF_ADMINS, hospital, form={"quota": "500"}),
    # an administrator gives and takes neither grant
    ("POST", "/admin/hospitals/<group_id>/grants"): Row(
        (401, 403, 403, 403, 403), hospital, form={"who": "somebody@hospital.example", "grant": "reviewer"}
    ),
    (
        "POST",
        "/admin/hospitals/<group_id>/grants/<int:user_id>/<any(reviewer,privacy_officer):grant>/end",
    ): Row(
        (401, 403, 403, 403, 403),
        hospital_and_somebody,
        form={},
        rest={"<any(reviewer,privacy_officer):grant>": "reviewer"},
    ),
    ("POST", "/admin/people/<int:user_id>/link"): Row(CALL_OF_ADMINS, somebody, form={}),
    ("POST", "/admin/people/<int:user_id>/<any(disable,enable):deed>"): Row(
        DEED_OF_ADMINS, somebody, form={}, rest={"<any(disable,enable):deed>": "disable"}
    ),
}
