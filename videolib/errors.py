"""The one family of errors that the library raises; each text is a sentence its reader can act on.

    VideolibError          code "error"
    ├── NotFound           not there, or not to be known of by this person
    │   └── ObjectMissing  the store holds no object of that key
    ├── NotAllowed         known of, but not to be done by this person
    ├── InvalidInput       a form or file says something that cannot be; `fields` names what
    ├── Conflict           somebody else changed it first, or it is in another state
    ├── TooOften           asked too often; `retry_after_s` says when it may be tried again
    └── Unavailable        a thing we depend on does not answer; trying again can help

`ingest.errors` adds its branch. No text holds patient data or a path; `code` is stable and is what programs and
translations go by.
"""

from __future__ import annotations

from collections.abc import Mapping


class VideolibError(Exception):
    """Anything the library refuses or cannot do."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class NotFound(VideolibError):
    """There is no such thing, or this person may not know of it."""

    code = "not_found"


class ObjectMissing(NotFound):
    """The store holds no object of that key."""

    code = "object_missing"


class NotAllowed(VideolibError):
    """This person may not do that."""

    code = "not_allowed"


class InvalidInput(VideolibError):
    """What was given cannot be; `fields` has a sentence for each field at fault."""

    code = "invalid_input"

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.fields: dict[str, str] = dict(fields or {})


class Conflict(VideolibError):
    """The thing has changed since it was read, or is in a state that does not allow this."""

    code = "conflict"


class TooOften(VideolibError):
    """Somebody tries too often; again after `retry_after_s` seconds."""

    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after_s: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class Unavailable(VideolibError):
    """A store, database or broker does not answer; trying again can help."""

    code = "unavailable"
