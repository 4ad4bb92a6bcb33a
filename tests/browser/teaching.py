"""What the browser tests of playlists share: an instructor's program, lessons of short clips, both languages' words."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from babel.support import Translations

from tests.browser.conftest import PASSWORD, Served, call
from videolib.web.languages import CATALOGUES

QUESTIONS = [
    {
        "at_s": 2,
        "kind": "single",
        "text": "现在通过的是哪条血管？",
        "choices": [{"text": "髂外动脉", "is_right": True}, {"text": "股深动脉", "feedback": "它在更远端。"}],
        "feedback": "看导丝的走行。",
    },
    {
        "at_s": 4,
        "kind": "multiple",
        "text": "Which tools are seen?",
        "choices": [{"text": "Wire", "is_right": True}, {"text": "Sheath", "is_right": True}, {"text": "Snare"}],
        "must_answer": False,
    },
    {
        "at_s": 6,
        "kind": "mark",
        "text": "指出狭窄的位置",
        "area": {"x": 30, "y": 30, "w": 40, "h": 40},
    },
]


def on_host(home: Path, *arguments: str, stdin: str = "") -> str:
    """A command of the operator beside the running service; what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIDEOLIB_")}
    return call({**environment, "VIDEOLIB_HOME": str(home)}, *arguments, stdin=stdin).strip()


def add_person(served: Served, email: str, role: str = "trainee") -> None:
    """Somebody whom no other test knows."""
    on_host(served.home, "user", "add", email, "--role", role, stdin=PASSWORD)


@cache
def instructor_token(home: Path) -> str:
    return on_host(home, "user", "token", "instructor@hospital.example")


def teach(served: Served, method: str, path: str, body: Any = None) -> Any:
    """As an instructor's program."""
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Authorization": f"Bearer {instructor_token(served.home)}", "Content-Type": "application/json"}
    asked = urllib.request.Request(served.url + path, data=data, method=method, headers=headers)  # noqa: S310
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - our own loopback address
        return json.load(answer)


def add_lesson(served: Served, items: list[dict[str, Any]], **fields: Any) -> str:
    """A playlist that the trainee is to learn; gives its id."""
    body = {
        "title": {"zh": "髂动脉入门", "en": "Iliac arteries for beginners"},
        "assigned_to": ["trainee@hospital.example"],
        "items": items,
        **fields,
    }
    return str(teach(served, "POST", "/api/v1/playlists", body)["id"])


def words_of(language: str) -> Callable[[str], str]:
    """The pages' words in that language, by what they are in English."""
    return Translations.load(CATALOGUES, [{"zh": "zh", "en": "en"}[language]]).gettext
