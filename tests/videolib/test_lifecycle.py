"""The table of states, walked: each role, in each relation to the entry, in each state, with each action."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest

from videolib.catalogue import lifecycle
from videolib.catalogue.lifecycle import RELATIONS, RULES, STATES, may, move
from videolib.catalogue.people import ROLES

PERSON_ID = 7
EDITING = {
    "edit",
    "submit",
    "recall",
    "name_reviewer",
    "publish",
    "withdraw",
    "archive",
    "restore",
    "discard",
    "delete",
}
JUDGING = {"score", "approve", "request_changes"}
# from the issue: what leads where
LEADS = {
    ("draft", "submit"): "in_review",
    ("withdrawn", "submit"): "in_review",
    ("changes_requested", "submit"): "in_review",
    ("in_review", "request_changes"): "changes_requested",
    ("in_review", "approve"): "approved",
    ("in_review", "recall"): "draft",
    ("changes_requested", "recall"): "draft",
    ("approved", "recall"): "draft",
    ("draft", "publish"): "published",
    ("approved", "publish"): "published",
    ("published", "publish"): "published",
    ("withdrawn", "publish"): "published",
    ("published", "withdraw"): "withdrawn",
    ("draft", "archive"): "archived",
    ("changes_requested", "archive"): "archived",
    ("withdrawn", "archive"): "archived",
    ("archived", "restore"): "draft",
}


@dataclass
class Record:
    """What the table asks of an entry."""

    status: str
    relation: str | None = None
    pending: dict[str, Any] = field(default_factory=dict)
    pending_state: str | None = None
    version: int = 0

    @property
    def work_state(self) -> str:
        return (self.pending_state or "draft") if self.status == "published" and self.pending else self.status

    @property
    def created_by_id(self) -> int:
        return PERSON_ID if self.relation == "author" else 1

    @property
    def reviewer_id(self) -> int | None:
        return PERSON_ID if self.relation == "reviewer" else None

    @property
    def recording(self) -> None:
        return None

    @property
    def details(self) -> dict[str, Any]:
        return {"contributors": [{"name": "Li Wei"}]} if self.relation == "contributor" else {}


def person(role: str, *, active: bool = True) -> Any:
    return SimpleNamespace(
        id=PERSON_ID, role_names=frozenset({role}), active=active, display_name="Li Wei ", email="li@hospital.example"
    )


def expected(role: str, relation: str | None, state: str, action: str) -> bool:
    """The rules of the house in their own words, not read from the table."""
    if state not in RULES[action].states:
        return False
    if action in JUDGING:
        return role in {"editor", "instructor", "admin"} and relation == "reviewer"
    if action == "take_review":
        return role in {"editor", "admin"} and relation not in {"author", "contributor"}
    if action == "comment":
        return role in {"editor", "instructor", "admin"}
    return role in {"editor", "admin"}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_each_role_in_each_relation_and_state_may_do_what_the_rules_say(role: str) -> None:
    wrong = [
        (relation, state, action)
        for relation, state, action in product((None, *RELATIONS), STATES, RULES)
        if may(person(role), Record(state, relation), action) != expected(role, relation, state, action)  # type: ignore[arg-type]
    ]

    assert wrong == []
    assert set(RULES) == EDITING | JUDGING | {"take_review", "comment"}


def test_each_action_leads_where_it_should_and_nowhere_else() -> None:
    led = {}
    for state, action in product(STATES, RULES):
        record = Record(state)
        if state in RULES[action].states and RULES[action].to:
            move(record, action, by=None)  # type: ignore[arg-type]
            led[state, action] = record.status

    assert led == LEADS


def test_the_work_on_a_published_entry_has_a_state_of_its_own() -> None:
    record = Record("published", pending={"title": {"en": "New"}})
    assert record.work_state == "draft"

    move(record, "submit", by=None)  # type: ignore[arg-type]
    assert (record.status, record.work_state) == ("published", "in_review")
    assert not may(person("editor"), record, "publish")  # type: ignore[arg-type]
    assert may(person("editor"), record, "withdraw")  # type: ignore[arg-type]
    move(record, "approve", by=None)  # type: ignore[arg-type]
    assert may(person("editor"), record, "publish")  # type: ignore[arg-type]


def test_what_was_published_once_comes_out_of_the_archive_withdrawn() -> None:
    record = Record("archived", version=2)

    move(record, "restore", by=None)  # type: ignore[arg-type]

    assert record.status == "withdrawn"


def test_nobody_who_is_barred_may_do_anything() -> None:
    barred = person("admin", active=False)

    assert not any(may(barred, Record(state), action) for state, action in product(STATES, RULES))  # type: ignore[arg-type]
    assert lifecycle.STATES[0] == "draft"
