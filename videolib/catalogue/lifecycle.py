"""The life of an entry: its states, and who may do what in which of them, in one table.

A published entry may be worked on while viewers see it as it was: the changes wait in `pending` and go through the
same states (`work_state`) beside it. `by=None` is the operator at the command line, who may do what the state allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from videolib.errors import Conflict, NotAllowed, NotFound

if TYPE_CHECKING:
    from videolib.catalogue.entries import Entry
    from videolib.catalogue.people import User

STATES = ("draft", "in_review", "changes_requested", "approved", "published", "withdrawn", "archived")
# what a person can be to an entry; none of these: a colleague
RELATIONS = ("author", "contributor", "reviewer")
EDITORS = frozenset({"editor", "admin"})
REVIEWERS = frozenset({"editor", "instructor", "admin"})
_OWN = frozenset({"author", "contributor"})


@dataclass(frozen=True)
class Rule:
    """An action: from which states, by whom, and to which state (None: it stays).

    `of`: whether the state of the work counts, or that of what viewers see. `needs` and `forbids` are relations.
    """

    states: frozenset[str]
    roles: frozenset[str]
    to: str | None = None
    needs: frozenset[str] = frozenset()
    forbids: frozenset[str] = frozenset()
    of: Literal["work", "status"] = "work"


def _states(*names: str) -> frozenset[str]:
    return frozenset(names)


RULES: dict[str, Rule] = {
    "edit": Rule(frozenset(STATES) - {"archived"}, EDITORS),
    "submit": Rule(_states("draft", "changes_requested", "withdrawn"), EDITORS, to="in_review"),
    "recall": Rule(_states("in_review", "changes_requested", "approved"), EDITORS, to="draft"),
    "name_reviewer": Rule(_states("draft", "in_review", "changes_requested"), EDITORS),
    "take_review": Rule(_states("in_review"), EDITORS, forbids=_OWN),
    "comment": Rule(frozenset(STATES) - {"archived"}, REVIEWERS),
    "score": Rule(_states("in_review"), REVIEWERS, needs=_states("reviewer"), forbids=_OWN),
    "request_changes": Rule(
        _states("in_review"), REVIEWERS, to="changes_requested", needs=_states("reviewer"), forbids=_OWN
    ),
    "approve": Rule(_states("in_review"), REVIEWERS, to="approved", needs=_states("reviewer"), forbids=_OWN),
    "publish": Rule(_states("draft", "approved", "published", "withdrawn"), EDITORS, to="published"),
    "withdraw": Rule(_states("published"), EDITORS, to="withdrawn", of="status"),
    "archive": Rule(_states("draft", "changes_requested", "withdrawn"), EDITORS, to="archived", of="status"),
    "restore": Rule(_states("archived"), EDITORS, to="draft", of="status"),
    "discard": Rule(_states("draft", "changes_requested"), EDITORS),
    "delete": Rule(_states("draft"), EDITORS, of="status"),
}
_OWN_WORK = "A person who made or appears in the recording does not review it; ask a colleague."
_NOT_NAMED = "Only the named reviewer may do this; take the review first, or be named for it."
_NOT_YOUR_ROLE = "Your role does not do this here; ask an editor or the administrator."


def state_of(entry: Entry, rule: Rule) -> str:
    """The state that counts for that rule."""
    return entry.status if rule.of == "status" else entry.work_state


def may(user: User | None, entry: Entry, action: str) -> bool:
    """Whether this person may do that now."""
    try:
        require(entry, action, by=user)
    except (Conflict, NotAllowed):
        return False
    return user is not None


def require(entry: Entry, action: str, *, by: User | None) -> Rule:
    """The action's rule. Raises `NotAllowed` where this person never may, `Conflict` where the state forbids it."""
    rule = RULES[action]
    if by is not None:
        _require_person(entry, rule, by)
    state = state_of(entry, rule)
    if state not in rule.states:
        raise Conflict(
            f"This cannot be done while the entry is {state.replace('_', ' ')}; look at it again.", code="wrong_state"
        )
    return rule


def move(entry: Entry, action: str, *, by: User | None) -> None:
    """Bring the entry, or the work on a published one, to the state that the action leads to."""
    rule = require(entry, action, by=by)
    if rule.to is None:
        return
    if rule.of == "work" and entry.status == "published" and entry.pending and rule.to != "published":
        entry.pending_state = rule.to
    elif action == "restore" and entry.version:
        entry.status = "withdrawn"
    else:
        entry.status = rule.to


def require_role(person: User, roles: frozenset[str]) -> None:
    """Raise `NotAllowed` unless this person has one of the roles."""
    if not person.active or not person.role_names & roles:
        raise NotAllowed(_NOT_YOUR_ROLE, code="not_your_role")


def require_part(entry: Entry, person: User) -> None:
    """Raise `NotFound` unless this person works on the entry: an editor, or its named reviewer."""
    if not person.role_names & EDITORS and entry.reviewer_id != person.id:
        raise NotFound("There is no such entry, or you may not see it.", code="entry_not_found")


def relations_of(user: User, entry: Entry) -> frozenset[str]:
    """What this person is to the entry: its author or uploader, one of its contributors, its reviewer."""
    found = set()
    shown = (entry.recording, *entry.recording.sources) if entry.recording else ()
    if user.id in {entry.created_by_id, *(one.uploader_id for one in shown)}:
        found.add("author")
    names = {name.strip().casefold() for name in (user.display_name, user.email) if name.strip()}
    contributors = entry.pending.get("contributors") or entry.details.get("contributors") or []
    if any(str(item.get("name", "")).strip().casefold() in names for item in contributors):
        found.add("contributor")
    if entry.reviewer_id == user.id:
        found.add("reviewer")
    return frozenset(found)


def _require_person(entry: Entry, rule: Rule, by: User) -> None:
    require_role(by, rule.roles)
    relations = relations_of(by, entry)
    if relations & rule.forbids:
        raise NotAllowed(_OWN_WORK, code="own_work")
    if not rule.needs <= relations:
        raise NotAllowed(_NOT_NAMED, code="not_the_reviewer")
