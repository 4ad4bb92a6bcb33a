"""`/media/<token>/<path>`: the objects of a package, each request checked; no other route leads to a stored object.

Playlists, pictures and captions are always ours. Of segments the store's own signed address is answered where it has
one (302, half a minute), else the bytes with ranges. Originals have no route.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from flask import Blueprint, Response, redirect, request, send_file
from werkzeug.wrappers import Response as WerkzeugResponse

from videolib.catalogue.access import can
from videolib.catalogue.captions import cues_of, get_track, list_languages
from videolib.catalogue.entries import Entry
from videolib.catalogue.narrations import get_narration, list_narrations
from videolib.catalogue.packages import get_package
from videolib.catalogue.people import User
from videolib.catalogue.posters import PICKED, poster_of
from videolib.cues import write_vtt
from videolib.errors import NotFound, Unavailable
from videolib.web import media_texts
from videolib.web.auditing import note_view
from videolib.web.context import database_session, services
from videolib.web.growing import MULTIVARIANT
from videolib.web.media_gate import StoredFile
from videolib.web.media_links import Grant

blueprint = Blueprint("media", __name__)

# how long the store's own address of a segment lives. It may be given at the last moment of `REMEMBERED_S`: together
# they are what a withdrawal takes at most, below a minute
SIGNED_FOR_S = 30
# after it the browser asks again (304 costs little): what was withdrawn leaves its cache too
MOST_CACHED_S = 30
# what players ask for; package.json says how the package was made and is not theirs
_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".vtt": "text/vtt",
    ".jpg": "image/jpeg",
}
_FROM_STORE = frozenset({".m4s", ".mp4"})
_STORYBOARD_IMAGE = re.compile(r"(?m)^(?!\s*$)([A-Za-z0-9._-]+\.jpg)(?=#xywh=|\s*$)")


@blueprint.get("/media/<token>/captions/<lang>.vtt")
def captions(token: str, lang: str) -> WerkzeugResponse:
    """The entry's captions in that language, as a whole WebVTT file."""
    grant = _granted(token)
    text = write_vtt(cues_of(get_track(database_session(), grant.entry_id, lang)))
    response = Response(text, mimetype="text/vtt")
    # captions may be mended at any time
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    return response.make_conditional(request)


@blueprint.get("/media/<token>/captions/<lang>.m3u8")
def captions_playlist(token: str, lang: str) -> WerkzeugResponse:
    """The playlist by which players find the entry's captions in that language."""
    grant = _granted(token)
    track = get_track(database_session(), grant.entry_id, lang)
    package = get_package(database_session(), grant.package_id)
    return _as_it_is_now(media_texts.captions_playlist(track.language, package.duration_s or 0.0))


@blueprint.get("/media/<token>/narrations/<narration_id>/<name>")
def narration(token: str, narration_id: str, name: str) -> WerkzeugResponse:
    """The playlist or the sound of one of the entry's narrations: before it is accepted for those who preview it."""
    grant = _granted(token)
    session = database_session()
    found = get_narration(session, grant.entry_id, narration_id)
    may_hear = found.accepted_at is not None
    if not may_hear:
        entry, person = session.get_one(Entry, grant.entry_id), session.get(User, grant.person_id)
        may_hear = can(person, "preview", entry)
    if found.state != "made" or not may_hear or name not in {"index.m3u8", found.sound["path"]}:
        raise NotFound("There is nothing at this address.")
    if name == "index.m3u8":
        return _as_it_is_now(media_texts.narration_playlist(found))
    file = StoredFile(found.path, int(found.sound["bytes"]), str(found.sound["sha256"]))
    return _may_be_kept(_segment(file, "audio/mp4"), file, grant)


@blueprint.get("/media/<token>/<path:path>")
def package_file(token: str, path: str) -> WerkzeugResponse:
    """One object of the package."""
    kind = _TYPES.get(PurePosixPath(path).suffix)
    if kind is None:
        raise NotFound("There is nothing at this address.")
    grant = _granted(token)
    if path == PICKED:
        path = poster_of(get_package(database_session(), grant.package_id, or_making=True))
    growing = services().gate.find_playlist(grant, path)
    if growing is not None:
        return _as_it_is_now(growing)
    file = services().gate.find_file(grant, path)
    if path == MULTIVARIANT or path.startswith("subtitles/"):
        return _with_texts(file, grant, path)
    response: WerkzeugResponse
    if PurePosixPath(path).name == "storyboard.vtt":
        response = _storyboard(file, f"/media/{token}/{path.removesuffix('storyboard.vtt')}")
    elif PurePosixPath(path).suffix in _FROM_STORE:
        response = _segment(file, kind)
    else:
        response = Response(services().store.get_bytes(file.key), mimetype=kind)
    return _may_be_kept(response, file, grant)


def _granted(token: str) -> Grant:
    """What the token says, if it may be had now; a playlist asks the rows each time.

    What is looked at before it is published is written down.
    """
    grant = services().links.read(token)
    if services().gate.require(grant, anew=request.path.endswith(".m3u8")):
        session = database_session()
        entry, person = session.get(Entry, grant.entry_id), session.get(User, grant.person_id)
        if entry is not None:
            note_view(entry, grant.package_id, by=person)
    return grant


def _with_texts(file: StoredFile, grant: Grant, path: str) -> WerkzeugResponse:
    """The multivariant playlist with the entry's captions and narrations, or text that is not the entry's now.

    A second recording has none of these: it is seen beside the first, and silent.
    """
    package = get_package(database_session(), grant.package_id, or_making=True)
    handed = media_texts.handed_over(package.description)
    if path.startswith("subtitles/") and path.split("/")[1] in handed:
        raise NotFound("There is nothing at this address.")
    text = services().store.get_bytes(file.key).decode()
    if path != MULTIVARIANT:
        return _may_be_kept(Response(text, mimetype=_TYPES[PurePosixPath(path).suffix]), file, grant)
    if package.recording_id != database_session().get_one(Entry, grant.entry_id).recording_id:
        return _as_it_is_now(media_texts.with_captions(text, handed, ()))
    text = media_texts.with_captions(text, handed, list_languages(database_session(), grant.entry_id))
    narrations = list_narrations(database_session(), grant.entry_id, accepted=True)
    return _as_it_is_now(media_texts.with_narrations(text, narrations))


def _as_it_is_now(text: str) -> WerkzeugResponse:
    """A playlist that may be another in a moment."""
    response = Response(text, mimetype=_TYPES[".m3u8"])
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    return response.make_conditional(request)


def _storyboard(file: StoredFile, folder: str) -> Response:
    """Its pictures by absolute paths: the player resolves them against the page, not against the file."""
    text = services().store.get_bytes(file.key).decode()
    return Response(_STORYBOARD_IMAGE.sub(rf"{folder}\1", text), mimetype="text/vtt")


def _segment(file: StoredFile, kind: str) -> WerkzeugResponse:
    store = services().store
    path = store.local_path(file.key)
    prefix = services().settings.accel_prefix
    if path is not None and prefix:
        # nginx reads the file, with ranges; we have said that it may
        return Response(mimetype=kind, headers={"X-Accel-Redirect": f"{prefix}{file.key}"})
    if path is not None:
        return send_file(path, mimetype=kind, conditional=True, etag=file.sha256[:32])
    signed = store.presigned_get(file.key, expires_s=SIGNED_FOR_S)
    if signed is None:
        raise Unavailable("The store gives no addresses; ask the administrator to run `videolib doctor`.")
    response = redirect(signed, 302)
    response.headers["Cache-Control"] = "no-store"
    return response


def _may_be_kept(response: WerkzeugResponse, file: StoredFile, grant: Grant) -> WerkzeugResponse:
    """Objects never change; a browser may keep them while the address is valid, half a minute at most."""
    if response.status_code == 302:
        return response
    left_s = min(services().links.seconds_left(grant), MOST_CACHED_S)
    response.headers["Cache-Control"] = f"private, max-age={left_s}"
    if response.status_code == 200 and not response.is_streamed:
        response.set_etag(file.sha256[:32])
        return response.make_conditional(request)
    return response
