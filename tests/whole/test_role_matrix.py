"""Who may do what: every route of the service, by role. A route that is not in the table fails the test."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.visitors import Site, Visitor, make_site, media_path
from tests.whole.role_accounts import ACCOUNTS
from tests.whole.role_rows import INBOX_AND_RANGES, SECOND_AND_NARRATED, TEACHING, Row
from tests.whole.role_things import (
    VTT,
    captioned,
    cine,
    citation,
    commented,
    draft,
    held,
    held_and_none,
    noted,
    own_note,
    published,
    published_twice,
    recording,
    reported,
    token,
    viewing,
    waiting,
)
from videolib.db import Database

ROLES = (None, "trainee", "instructor", "editor", "admin")
NOTE = {"type": "Annotation", "body": "See", "target": "urn:x#t=1"}
NOTE_FORM = {"family": "mark", "start": "1", "note_en": "x", "version": "1"}
ALL, SIGNED_IN = (200,) * 5, (404, 200, 200, 200, 200)
EDITORS = (404, 404, 404, 200, 200)
PAGE_OF_EDITORS = (302, 403, 403, 200, 200)
PAGE_OF_PEOPLE, DEED_OF_PEOPLE, CALL_OF_PEOPLE = (302, *(200,) * 4), (401, *(303,) * 4), (401, *(200,) * 4)
DEED_OF_EDITORS = (401, 403, 403, 303, 303)
DEED_OF_ADMINS = (401, 403, 403, 403, 303)
# in quarantine: the editor is assigned, the administrator is not
PAGE_OF_OPENERS, DEED_OF_OPENERS = (302, 404, 404, 200, 403), (401, 404, 404, 303, 403)
TABLE: dict[tuple[str, str], Row] = {
    **TEACHING,
    **ACCOUNTS,
    **INBOX_AND_RANGES,
    **SECOND_AND_NARRATED,
    ("GET", "/"): Row(ALL),
    ("GET", "/search"): Row(ALL),
    ("GET", "/browse"): Row(ALL),
    ("GET", "/compare"): Row((404,) * 5),  # without saying what
    ("GET", "/me"): Row(PAGE_OF_PEOPLE),
    ("GET", "/me/notes"): Row(PAGE_OF_PEOPLE),
    ("GET", "/me/who-sees-what"): Row(PAGE_OF_PEOPLE),
    ("GET", "/entries/<entry_id>/transcript"): Row(SIGNED_IN, captioned),
    ("GET", "/entries/<entry_id>/transcript/<lang>.<any(vtt,txt):kind>"): Row(
        SIGNED_IN, captioned, rest={"<lang>": "en", "<any(vtt,txt):kind>": "vtt"}
    ),
    ("POST", "/entries/<entry_id>/notes"): Row(DEED_OF_PEOPLE, published, form={"at": "0:01", "text": "x"}),
    # somebody else's note: nobody may know that it is there
    ("POST", "/notes/<note_id>/<any(save,delete):deed>"): Row(
        (401, 404, 404, 404, 404), own_note, form={"text": "x"}, rest={"<any(save,delete):deed>": "save"}
    ),
    ("POST", "/entries/<entry_id>/reports"): Row(DEED_OF_PEOPLE, published, form={"kind": "privacy", "at": "0:01"}),
    ("GET", "/studio/reports"): Row(PAGE_OF_EDITORS),
    ("POST", "/studio/reports/<int:report_id>"): Row(DEED_OF_EDITORS, reported, form={"answer": "Blurred."}),
    ("GET", "/preferences"): Row((303,) * 5),
    ("GET", "/guide"): Row((302,) * 5),
    ("GET", "/guide/<any(trainee,editor,instructor,operator):role>"): Row(
        ALL, rest={"<any(trainee,editor,instructor,operator):role>": "editor"}
    ),
    ("GET", "/guide/images/<name>"): Row((404,) * 5, lambda _site: "no-such-file"),
    ("GET", "/favicon.ico"): Row((302,) * 5),
    ("GET", "/static/<path:filename>"): Row((404,) * 5, lambda _site: "no-such-file"),
    ("GET", "/login"): Row((200, 302, 302, 302, 302)),
    ("POST", "/login"): Row((200, 302, 302, 302, 302), form={"email": "x@hospital.example", "password": "wrong"}),
    ("POST", "/logout"): Row((302,) * 5, form={}),
    ("GET", "/entries/<entry_id>"): Row(SIGNED_IN, published),
    ("GET", "/studio"): Row(PAGE_OF_EDITORS),
    ("GET", "/studio/upload"): Row(PAGE_OF_EDITORS),
    ("GET", "/studio/entries/<entry_id>"): Row(PAGE_OF_EDITORS, draft),
    ("POST", "/studio/entries/<entry_id>"): Row(DEED_OF_EDITORS, draft, form={"title_zh": "标题"}),
    ("GET", "/studio/entries/<entry_id>/poster"): Row(PAGE_OF_EDITORS, draft),
    ("POST", "/studio/entries/<entry_id>/poster"): Row(DEED_OF_EDITORS, draft, form={"time_s": "1"}),
    ("POST", "/studio/entries/<entry_id>/publish"): Row(DEED_OF_EDITORS, draft, form={}),
    ("POST", "/studio/entries/<entry_id>/withdraw"): Row(DEED_OF_EDITORS, published, form={"reason": "A name."}),
    ("POST", "/studio/entries/<entry_id>/autosave"): Row((401, 403, 403, 200, 200), draft, form={}),
    ("POST", "/studio/entries/<entry_id>/move"): Row(DEED_OF_EDITORS, draft, form={"action": "submit"}),
    ("POST", "/studio/entries/<entry_id>/roll-back"): Row(
        DEED_OF_EDITORS, published_twice, form={"number": "1", "reason": "It was better."}
    ),
    ("GET", "/studio/reviews"): Row((302, 403, 200, 200, 200)),
    ("GET", "/studio/entries/<entry_id>/review"): Row((302, 403, 404, 200, 200), waiting),
    ("POST", "/studio/entries/<entry_id>/review"): Row((401, 403, 404, 409, 409), waiting, form={}),
    ("POST", "/studio/entries/<entry_id>/review/take"): Row((401, 403, 404, 303, 303), waiting, form={}),
    ("POST", "/studio/entries/<entry_id>/review/seen"): Row((401, 403, 404, 303, 303), waiting, form={}),
    ("POST", "/studio/entries/<entry_id>/review/comments"): Row((401, 403, 404, 303, 303), waiting, form={"text": "x"}),
    ("POST", "/studio/entries/<entry_id>/review/comments/<int:comment_id>"): Row(
        (401, 403, 404, 303, 303), commented, form={}
    ),
    ("GET", "/entries/<entry_id>/versions"): Row(SIGNED_IN, published),
    ("GET", "/entries/<entry_id>/versions/<int:number>"): Row(SIGNED_IN, published, rest={"<int:number>": "1"}),
    ("GET", "/entries/<entry_id>/versions/pending"): Row(PAGE_OF_EDITORS, published),
    ("GET", "/cite/<citation>"): Row((404, 302, 302, 302, 302), citation),
    # an assigned editor looks; where there are hospitals, as here, a reviewer of its own signs
    ("POST", "/studio/recordings/<recording_id>/sign-off"): Row(
        (401, 404, 404, 403, 403), held, form={"checked": "yes"}
    ),
    ("POST", "/studio/recordings/<recording_id>/retry"): Row(DEED_OF_EDITORS, recording("failed"), form={}),
    ("POST", "/studio/recordings/<recording_id>/cancel"): Row(DEED_OF_EDITORS, recording("processing"), form={}),
    ("GET", "/studio/recordings/<recording_id>/review"): Row(PAGE_OF_OPENERS, held),
    ("POST", "/studio/recordings/<recording_id>/review/begin"): Row(DEED_OF_OPENERS, held, form={}),
    ("POST", "/studio/recordings/<recording_id>/findings"): Row(DEED_OF_OPENERS, held, form={"rule": "name"}),
    ("POST", "/studio/recordings/<recording_id>/redactions"): Row(
        DEED_OF_OPENERS, held, form={"kind": "cut", "start": "0:01", "end": "0:02"}
    ),
    ("GET", "/studio/recordings/<recording_id>/findings/<int:finding_id>/picture"): Row(
        (302, 404, 404, 404, 403), held_and_none
    ),
    ("POST", "/studio/recordings/<recording_id>/redactions/<int:redaction_id>/end"): Row(
        (401, 404, 404, 404, 403), held_and_none, form={}
    ),
    ("POST", "/studio/recordings/<recording_id>/redactions/<int:redaction_id>/follow"): Row(
        (401, 404, 404, 404, 403), held_and_none, form={}
    ),
    ("POST", "/studio/recordings/<recording_id>/machine"): Row((401, 404, 404, 422, 403), held, form={"machine": ""}),
    ("POST", "/studio/recordings/<recording_id>/played"): Row(
        (401, 404, 404, 200, 403), held, body={"played": [[0, 1.5]]}
    ),
    ("POST", "/studio/recordings/<recording_id>/editors"): Row(
        DEED_OF_OPENERS, held, form={"who": "admin2@hospital.example"}
    ),
    ("POST", "/studio/recordings/<recording_id>/editors/<int:user_id>/end"): Row(
        DEED_OF_OPENERS, held_and_none, form={}
    ),
    ("POST", "/studio/recordings/<recording_id>/hospital"): Row(
        (401, 404, 404, 404, 403), held, form={"hospital": "none"}
    ),
    ("GET", "/studio/recordings/<recording_id>/cine"): Row(PAGE_OF_EDITORS, cine),
    ("POST", "/studio/recordings/<recording_id>/cine"): Row(DEED_OF_EDITORS, cine, form={"1.fps": "12.5"}),
    ("POST", "/studio/recordings/<recording_id>/cine/confirm"): Row(DEED_OF_EDITORS, cine, form={}),
    ("GET", "/steps/<term_id>"): Row(ALL, lambda _site: "step.tace.01"),
    ("POST", "/studio/entries/<entry_id>/timeline/comments"): Row(
        DEED_OF_EDITORS, draft, form={"text": "x", "at": "1"}
    ),
    ("POST", "/studio/entries/<entry_id>/timeline/comments/<int:comment_id>"): Row(DEED_OF_EDITORS, commented, form={}),
    ("GET", "/studio/entries/<entry_id>/moments"): Row(PAGE_OF_EDITORS, draft),
    ("GET", "/studio/entries/<entry_id>/timeline"): Row(PAGE_OF_EDITORS, draft),
    ("GET", "/studio/entries/<entry_id>/moments.eaf"): Row(PAGE_OF_EDITORS, draft),
    ("POST", "/studio/entries/<entry_id>/moments.eaf"): Row(DEED_OF_EDITORS, draft, form={}),
    ("POST", "/studio/entries/<entry_id>/moments"): Row(DEED_OF_EDITORS, draft, form=NOTE_FORM),
    ("POST", "/studio/entries/<entry_id>/moments/<annotation_id>"): Row(DEED_OF_EDITORS, noted, form=NOTE_FORM),
    ("POST", "/studio/entries/<entry_id>/moments/<annotation_id>/delete"): Row(
        DEED_OF_EDITORS, noted, form={"version": "1"}
    ),
    ("GET", "/studio/entries/<entry_id>/captions/<any('zh-Hans',en):lang>"): Row(
        PAGE_OF_EDITORS, draft, rest={"<any('zh-Hans',en):lang>": "en"}
    ),
    ("PUT", "/studio/entries/<entry_id>/captions/<any('zh-Hans',en):lang>"): Row(
        (401, 403, 403, 200, 200), draft, body={"cues": [[0, 1, "x"]]}, rest={"<any('zh-Hans',en):lang>": "en"}
    ),
    ("GET", "/studio/entries/<entry_id>/captions/<any('zh-Hans',en):lang>.<any(vtt,srt,ass):kind>"): Row(
        PAGE_OF_EDITORS, captioned, rest={"<any('zh-Hans',en):lang>": "en", "<any(vtt,srt,ass):kind>": "srt"}
    ),
    ("POST", "/studio/entries/<entry_id>/captions"): Row(DEED_OF_EDITORS, draft, form={"language": "en"}),
    ("POST", "/studio/entries/<entry_id>/captions/<lang>/delete"): Row(
        DEED_OF_EDITORS, captioned, form={}, rest={"<lang>": "en"}
    ),
    ("GET", "/admin"): Row((302, 403, 403, 403, 200)),
    ("GET", "/admin/audit"): Row((302, 403, 403, 403, 200)),
    ("GET", "/admin/audit/export"): Row((302, 403, 403, 403, 200)),
    # roles alone are not privacy officers
    ("GET", "/privacy"): Row((302, 403, 403, 403, 403)),
    ("POST", "/privacy/cases"): Row((401, 403, 403, 403, 403), form={"hospital": "x", "number": "1"}),
    ("GET", "/privacy/cases/<case_id>"): Row((302, 403, 403, 403, 403), lambda _site: "no-such"),
    ("POST", "/privacy/cases/<case_id>/consents"): Row((401, 403, 403, 403, 403), lambda _site: "no-such", form={}),
    ("POST", "/privacy/cases/<case_id>/consents/<consent_id>/withdraw"): Row(
        (401, 403, 403, 403, 403), lambda _site: "no-such", form={}, rest={"<consent_id>": "no-such"}
    ),
    ("GET", "/studio/recordings/<recording_id>/case"): Row(PAGE_OF_EDITORS, held),
    ("POST", "/studio/recordings/<recording_id>/case"): Row((401, 403, 403, 404, 404), held, form={"number": "1"}),
    ("GET", "/studio/many"): Row(PAGE_OF_EDITORS),
    ("POST", "/studio/many"): Row((401, 403, 403, 422, 422), form={"what": "set:audience", "value.audience": "public"}),
    ("POST", "/studio/many/<edit_id>/undo"): Row((401, 403, 403, 404, 404), lambda _site: "no-such", form={}),
    ("POST", "/studio/many/import"): Row((401, 403, 403, 422, 422), form={}),
    ("GET", "/admin/vocabulary"): Row((302, 403, 403, 403, 200)),
    ("GET", "/admin/vocabulary/<scheme_id>"): Row((302, 403, 403, 403, 200), lambda _site: "procedure"),
    ("POST", "/admin/vocabulary/<scheme_id>"): Row(
        DEED_OF_ADMINS, lambda _site: "procedure", form={"label_zh": "新术语", "label_en": "A new term"}
    ),
    ("GET", "/admin/vocabulary/<scheme_id>/export"): Row((302, 403, 403, 403, 200), lambda _site: "procedure"),
    ("GET", "/admin/vocabulary/<scheme_id>/<term_id>"): Row(
        (302, 403, 403, 403, 200), lambda _site: "procedure", rest={"<term_id>": "proc.uae"}
    ),
    ("POST", "/admin/vocabulary/<scheme_id>/<term_id>"): Row(
        DEED_OF_ADMINS,
        lambda _site: "procedure",
        form={"label_zh": "子宫动脉栓塞", "label_en": "Uterine artery embolisation"},
        rest={"<term_id>": "proc.uae"},
    ),
    ("POST", "/admin/vocabulary/<scheme_id>/<term_id>/<any(accept,retire,restore,merge,remove):deed>"): Row(
        DEED_OF_ADMINS,
        lambda _site: "procedure",
        form={"into": "proc.rfa"},
        rest={"<term_id>": "proc.hifu", "<any(accept,retire,restore,merge,remove):deed>": "merge"},
    ),
    # an address that was given to an editor plays for whoever holds it: it says for whom it was made
    ("GET", "/media/<token>/<path:path>"): Row(ALL, token, rest={"<path:path>": "master.m3u8"}),
    ("GET", "/media/<token>/captions/<lang>.vtt"): Row((404,) * 5, token, rest={"<lang>": "en"}),
    ("GET", "/media/<token>/captions/<lang>.m3u8"): Row((404,) * 5, token, rest={"<lang>": "en"}),
    ("GET", "/oai"): Row((404,) * 5),  # until the setting opens it
    ("POST", "/oai"): Row((404,) * 5, form={}),
    ("GET", "/healthz"): Row(ALL),
    ("GET", "/readyz"): Row(ALL),
    ("GET", "/metrics"): Row(ALL),
    ("GET", "/api/v1/openapi.json"): Row(ALL),
    ("GET", "/api/v1/docs"): Row(ALL),
    ("GET", "/api/v1/search"): Row(ALL),
    ("GET", "/api/v1/suggest"): Row(ALL),
    ("GET", "/api/v1/vocabulary"): Row(ALL),
    ("GET", "/api/v1/vocabulary/<scheme_id>"): Row(ALL, lambda _site: "procedure"),
    ("POST", "/api/v1/vocabulary/<scheme_id>/terms"): Row(
        (401, 403, 403, 201, 201), lambda _site: "anatomy", body={"labels": {"zh": "新血管", "en": "A new vessel"}}
    ),
    ("PATCH", "/api/v1/vocabulary/<scheme_id>/terms/<term_id>"): Row(
        (401, 403, 403, 403, 200), lambda _site: "procedure", body={"mesh": None}, rest={"<term_id>": "proc.pae"}
    ),
    ("DELETE", "/api/v1/vocabulary/<scheme_id>/terms/<term_id>"): Row(
        (401, 403, 403, 403, 409), lambda _site: "procedure", rest={"<term_id>": "proc.pae"}
    ),
    ("POST", "/api/v1/vocabulary/<scheme_id>/terms/<term_id>/<any(accept,retire,restore):deed>"): Row(
        (401, 403, 403, 403, 200),
        lambda _site: "procedure",
        rest={"<term_id>": "proc.tips", "<any(accept,retire,restore):deed>": "retire"},
    ),
    ("POST", "/api/v1/vocabulary/<scheme_id>/terms/<term_id>/merge"): Row(
        (401, 403, 403, 403, 200),
        lambda _site: "procedure",
        body={"into": "proc.rfa"},
        rest={"<term_id>": "proc.mwa"},
    ),
    ("GET", "/api/v1/entries"): Row(ALL),
    ("GET", "/api/v1/entries/export"): Row(ALL),
    ("POST", "/api/v1/entries/import"): Row((401, 403, 403, 200, 200), body={"entries": []}),
    ("POST", "/api/v1/entries"): Row((401, 403, 403, 201, 201), body={"title": {"en": "New"}}),
    ("GET", "/api/v1/entries/<entry_id>"): Row(SIGNED_IN, published),
    ("PATCH", "/api/v1/entries/<entry_id>"): Row((401, 403, 403, 200, 200), published, body={"keywords": ["x"]}),
    ("DELETE", "/api/v1/entries/<entry_id>"): Row((401, 404, 404, 204, 204), draft),
    ("POST", "/api/v1/entries/<entry_id>/publish"): Row((401, 404, 404, 200, 200), draft),
    ("POST", "/api/v1/entries/<entry_id>/withdraw"): Row(
        (401, 403, 403, 200, 200), published, body={"reason": "A name."}
    ),
    ("POST", "/api/v1/entries/<entry_id>/<any(submit,recall,archive,restore,discard):deed>"): Row(
        (401, 404, 404, 200, 200), draft, rest={"<any(submit,recall,archive,restore,discard):deed>": "submit"}
    ),
    ("PUT", "/api/v1/entries/<entry_id>/reviewer"): Row((401, 404, 404, 200, 200), draft, body={"reviewer": None}),
    ("GET", "/api/v1/reviews"): Row((401, 403, 200, 200, 200)),
    ("GET", "/api/v1/entries/<entry_id>/review"): Row((401, 403, 404, 200, 200), waiting),
    ("POST", "/api/v1/entries/<entry_id>/review"): Row((401, 403, 404, 409, 409), waiting, body={}),
    ("POST", "/api/v1/entries/<entry_id>/review/take"): Row((401, 403, 404, 200, 200), waiting),
    ("POST", "/api/v1/entries/<entry_id>/review/seen"): Row((401, 403, 404, 200, 200), waiting),
    ("POST", "/api/v1/entries/<entry_id>/review/comments"): Row(
        (401, 403, 404, 201, 201), waiting, body={"text": "Which vessel?"}
    ),
    ("PATCH", "/api/v1/entries/<entry_id>/review/comments/<int:comment_id>"): Row(
        (401, 403, 404, 200, 200), commented, body={"resolved": True}
    ),
    ("GET", "/api/v1/entries/<entry_id>/versions"): Row(SIGNED_IN, published),
    ("GET", "/api/v1/entries/<entry_id>/versions/<int:number>"): Row(SIGNED_IN, published, rest={"<int:number>": "1"}),
    ("POST", "/api/v1/entries/<entry_id>/versions/<int:number>/roll-back"): Row(
        (401, 403, 403, 200, 200), published_twice, body={"reason": "It was better."}, rest={"<int:number>": "1"}
    ),
    ("POST", "/api/v1/entries/<entry_id>/captions"): Row(
        (401, 403, 403, 201, 201), published, body={"language": "en", "vtt": VTT}
    ),
    ("PUT", "/api/v1/entries/<entry_id>/poster"): Row((401, 403, 403, 200, 200), published, body={"time_s": 1}),
    ("GET", "/api/v1/entries/<entry_id>/playback"): Row(SIGNED_IN, published),
    ("GET", "/api/v1/entries/<entry_id>/annotations"): Row(SIGNED_IN, published),
    ("POST", "/api/v1/entries/<entry_id>/annotations"): Row((401, 403, 403, 201, 201), published, body=NOTE),
    ("GET", "/api/v1/entries/<entry_id>/annotations/<annotation_id>"): Row(SIGNED_IN, noted),
    ("PATCH", "/api/v1/entries/<entry_id>/annotations/<annotation_id>"): Row(
        (401, 403, 403, 200, 200), noted, body={"confidence": 1}
    ),
    ("DELETE", "/api/v1/entries/<entry_id>/annotations/<annotation_id>"): Row((401, 403, 403, 204, 204), noted),
    ("GET", "/api/v1/entries/<entry_id>/agreement"): Row((401, 403, 403, 200, 200), published),
    ("GET", "/api/v1/entries/<entry_id>/chapters.vtt"): Row(SIGNED_IN, published),
    ("GET", "/api/v1/entries/<entry_id>/related"): Row(SIGNED_IN, published),
    ("GET", "/api/v1/steps/<term_id>/cases"): Row(ALL, lambda _site: "step.tace.01"),
    ("POST", "/api/v1/entries/<entry_id>/viewings"): Row((401, 201, 201, 201, 201), published, body={}),
    ("POST", "/api/v1/viewings/<viewing_id>/reports"): Row(
        (401, 404, 404, 404, 404), viewing, body={"report": 1, "place_s": 0, "played": []}
    ),
    ("GET", "/api/v1/me/progress"): Row(CALL_OF_PEOPLE),
    ("GET", "/api/v1/me/statements"): Row(CALL_OF_PEOPLE),
    ("GET", "/api/v1/me/notes"): Row(CALL_OF_PEOPLE),
    ("GET", "/api/v1/entries/<entry_id>/notes"): Row(CALL_OF_PEOPLE, published),
    ("POST", "/api/v1/entries/<entry_id>/notes"): Row((401, 201, 201, 201, 201), published, body={"at_s": 1}),
    ("PATCH", "/api/v1/notes/<note_id>"): Row((401, 404, 404, 404, 404), own_note, body={"text": "x"}),
    ("DELETE", "/api/v1/notes/<note_id>"): Row((401, 404, 404, 404, 404), own_note),
    ("GET", "/api/v1/recordings/<recording_id>"): Row(EDITORS, recording("queued")),
    ("PATCH", "/api/v1/recordings/<recording_id>/cine"): Row(
        (401, 403, 403, 200, 200), cine, body={"corrections": {"1": {"fps": 12.5}}}
    ),
    ("POST", "/api/v1/recordings/<recording_id>/cine/confirm"): Row((401, 403, 403, 200, 200), cine, body={}),
    # an upload is its uploader's own; without the header of its protocol nothing begins
    ("GET", "/api/v1/uploads"): Row((401, 403, 403, 200, 200)),
    ("POST", "/api/v1/uploads"): Row((401, 403, 403, 412, 412), body={}),
    ("POST", "/api/v1/uploads/check"): Row((401, 403, 403, 200, 200), body={"files": []}),
    ("GET", "/api/v1/uploads/<upload_id>"): Row((401, 403, 403, 404, 404), lambda _site: "no-such"),
    ("POST", "/api/v1/uploads/<upload_id>"): Row((401, 403, 403, 405, 405), lambda _site: "no-such", body={}),
    ("PATCH", "/api/v1/uploads/<upload_id>"): Row((401, 403, 403, 412, 412), lambda _site: "no-such", body={}),
    ("DELETE", "/api/v1/uploads/<upload_id>"): Row((401, 403, 403, 412, 412), lambda _site: "no-such"),
    ("POST", "/api/v1/uploads/<upload_id>/entry"): Row((401, 403, 403, 404, 404), lambda _site: "no-such", body={}),
}
# the same routes on what is not published
ON_DRAFTS: dict[tuple[str, str], Row] = {
    ("GET", "/entries/<entry_id>"): Row(EDITORS, draft),
    ("GET", "/api/v1/entries/<entry_id>"): Row(EDITORS, draft),
    ("GET", "/api/v1/entries/<entry_id>/playback"): Row(EDITORS, draft),
    ("GET", "/api/v1/entries/<entry_id>/annotations"): Row(EDITORS, draft),
    ("GET", "/api/v1/entries/<entry_id>/chapters.vtt"): Row(EDITORS, draft),
    ("GET", "/api/v1/entries/<entry_id>/related"): Row(EDITORS, draft),
    ("POST", "/api/v1/entries/<entry_id>/annotations"): Row((401, 404, 404, 201, 201), draft, body=NOTE),
    ("PATCH", "/api/v1/entries/<entry_id>"): Row((401, 404, 404, 200, 200), draft, body={"keywords": ["x"]}),
    ("POST", "/api/v1/entries/<entry_id>/captions"): Row(
        (401, 404, 404, 201, 201), draft, body={"language": "en", "vtt": VTT}
    ),
}
# these change who is logged in: after all others
LAST = (("POST", "/login/link/<secret>"), ("POST", "/logout"))


def address_of(site: Site, rule: str, row: Row) -> str:
    """The rule's address, of a thing that was made for it."""
    path = rule
    for place, value in row.rest.items():
        path = path.replace(place, value)
    if row.thing is not None:
        # a thing in a thing has two ids
        for made in row.thing(site).split():
            head, _, tail = path.partition("<")
            path = head + made + tail.partition(">")[2]
    return path


def ask(visitor: Visitor, method: str, rule: str, row: Row) -> TestResponse:
    path = address_of(visitor.site, rule, row)
    if method == "GET":
        return visitor.get(path)
    if row.form is not None:
        return visitor.post(path, **row.form)
    return visitor.send(method, path, row.body)


@pytest.fixture
def matrix_site(sqlite_database: Database) -> Any:
    site = make_site(sqlite_database)
    yield site
    site.index.close()


def test_the_table_names_every_route_and_no_other(matrix_site: Site) -> None:
    routes = {
        (method, rule.rule)
        for rule in matrix_site.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert routes - set(TABLE) == set()
    assert set(TABLE) - routes == set()
    assert set(ON_DRAFTS) <= routes


@pytest.mark.parametrize("role", ROLES)
def test_each_route_answers_each_role_as_the_table_says(matrix_site: Site, role: str | None) -> None:
    visitor = matrix_site.visitor(role)
    rows = [*TABLE.items(), *ON_DRAFTS.items()]
    rows.sort(key=lambda item: LAST.index(item[0]) + 1 if item[0] in LAST else 0)

    answered = {(index, *place): ask(visitor, *place, row).status_code for index, (place, row) in enumerate(rows)}

    expected = {(index, *place): row.statuses[ROLES.index(role)] for index, (place, row) in enumerate(rows)}
    differences = {place: (status, expected[place]) for place, status in answered.items() if status != expected[place]}
    assert differences == {}


def test_an_address_of_media_does_not_widen_what_its_person_may_see(matrix_site: Site) -> None:
    entry = matrix_site.add_watchable()
    playback = matrix_site.visitor("editor").get(f"/api/v1/entries/{entry.id}/playback").json

    assert playback is not None
    assert matrix_site.anonymous().get(media_path(playback)).status_code == 200
    trainee = matrix_site.add_person("trainee")
    links = matrix_site.app.extensions["videolib"].links
    package_id = links.read(playback["hls_url"].split("/media/")[1].split("/")[0]).package_id
    own, _ = links.make(trainee.id, entry.id, package_id)
    assert matrix_site.anonymous().get(f"/media/{own}/master.m3u8").status_code == 404
