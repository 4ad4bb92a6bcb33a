"""Forms that say what their page showed: where somebody has changed it since, both are compared before it is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from flask import abort, make_response, render_template, request

SEEN = "seen"  # the form's field with the mark of what was shown
_NOT_OURS = frozenset({SEEN, "csrf_token"})


@dataclass(frozen=True)
class ShownField:
    """One thing that a form shows. `now` is how it stands, in the words of the form; `sent` what was typed, if any."""

    label: str
    now: str
    sent: str | None = None

    @property
    def differs(self) -> bool:
        """Whether what was typed is something else."""
        return self.sent is not None and self.sent.split() != self.now.split()


def mark_of(fields: Sequence[ShownField]) -> str:
    """What a page's form carries along: the same as long as nobody changes any of these."""
    said = json.dumps([field.now for field in fields], ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:24]


def require_seen(fields: Sequence[ShownField], back_url: str, *, is_removal: bool = False) -> None:
    """Answer 409 with both values where the form was made of other ones than there are now; nothing is kept then."""
    mark = mark_of(fields)
    if request.form.get(SEEN, mark) == mark:
        return
    page = render_template(
        "teach/stale.html",
        fields=fields,
        kept=[(name, value) for name, value in request.form.items(multi=True) if name not in _NOT_OURS],
        mark=mark,
        back_url=back_url,
        is_removal=is_removal,
    )
    abort(make_response(page, 409))
