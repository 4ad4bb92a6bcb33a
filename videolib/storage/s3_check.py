"""What `doctor` tries of an S3 store: the calls of the service, then those of a browser."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from videolib.errors import Unavailable, VideolibError
from videolib.storage.protocol import Check, Checks
from videolib.storage.s3_client import Answer, request

if TYPE_CHECKING:
    from videolib.storage.s3 import S3Store

NOT_TRIED = "Not tried, as nothing could be written."
MEND_FIRST = "Mend the check above first."


def check(store: S3Store, origin: str | None) -> Checks:
    """Write an object, read it in each way, remove it. `origin`: see Store; None: the one `init` was given."""
    key, content = f"doctor/{secrets.token_hex(8)}", secrets.token_bytes(64)
    try:
        store.put_bytes(key, content)
    except VideolibError as error:
        rest = [Check(name, False, NOT_TRIED, MEND_FIRST) for name in ("range read", "signed GET", "CORS")]
        fix = "See that the store runs, that its address and the credentials are right, then run videolib init."
        return [Check("write", False, error.message, fix), *rest]
    try:
        return [
            Check("write", True, "The store takes objects.", None),
            _check_range(store, key, content),
            _check_signed_get(store, key, content),
            _check_cors(store, key, origin),
        ]
    finally:
        store.delete([key])


def _check_range(store: S3Store, key: str, content: bytes) -> Check:
    fix = "See that the server, and any proxy before it, answers the Range header (HTTP 206)."
    try:
        answered = b"".join(store.open_range(key, 10, 20))
    except VideolibError as error:
        return Check("range read", False, error.message, fix)
    if answered != content[10:30]:
        return Check("range read", False, "The store answers other bytes than were asked for.", fix)
    return Check("range read", True, "The store answers ranges of an object.", None)


def _check_signed_get(store: S3Store, key: str, content: bytes) -> Check:
    """A signed address is answered, and the same without its signature is refused."""
    url = store.presigned_get(key, expires_s=60)
    try:
        signed, unsigned = request("GET", url, {}), request("GET", url.partition("?")[0], {})
    except Unavailable as error:
        return Check("signed GET", False, error.message, "See that browsers can reach the store's endpoint.")
    if signed.status != 200 or signed.content != content:
        message = f"The store answers a signed address with status {signed.status}."
        fix = "See that this machine's clock is right, and that no proxy changes the Host header or the query."
        return Check("signed GET", False, message, fix)
    if unsigned.status == 200:
        message = "The store answers everybody, without a signature: recordings are open to all."
        return Check("signed GET", False, message, "Take public read access from the bucket.")
    return Check("signed GET", True, "The store answers signed addresses, and no others.", None)


def _check_cors(store: S3Store, key: str, origin: str | None) -> Check:
    """What a browser asks before and while a player on another origin reads a range."""
    fix = "Run videolib init with VIDEOLIB_PUBLIC_URL set to the address that browsers use."
    try:
        origin = origin or _origin_of_rule(store)
        if origin is None:
            return Check("CORS", False, "The bucket has no CORS rule for this library.", fix)
        url = store.presigned_get(key, expires_s=60)
        asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
        preflight = request("OPTIONS", url, {"Origin": origin, **asked})
        read = request("GET", url, {"Origin": origin, "Range": "bytes=0-9"})
    except Unavailable as error:
        return Check("CORS", False, error.message, fix)
    exposed = read.headers.get("access-control-expose-headers", "").lower()
    if not (_admits(preflight, origin) and _admits(read, origin)):
        return Check("CORS", False, f"The bucket does not let pages of {origin} read from it.", fix)
    if "content-range" not in exposed and exposed != "*":
        return Check("CORS", False, "The bucket hides the header Content-Range from players.", fix)
    return Check("CORS", True, f"Pages of {origin} can read from the bucket.", None)


def _admits(answer: Answer, origin: str) -> bool:
    return answer.status < 300 and answer.headers.get("access-control-allow-origin") in {origin, "*"}


def _origin_of_rule(store: S3Store) -> str | None:
    """An origin that may read, first of our own rule: libraries may share a bucket."""
    rules = sorted(store.cors_rules(), key=lambda rule: rule.get("ID") != store.cors_id())
    origins = [str(origin) for rule in rules for origin in rule.get("AllowedOrigins", ())]
    return origins[0] if origins else None
