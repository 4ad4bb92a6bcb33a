"""The built files of the pages: from a plain name to the hashed one."""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path

from flask import Flask, Response, current_app, request, send_from_directory, url_for

from videolib.errors import Unavailable

BUILT = Path(__file__).parent / "static" / "built"


def init_assets(app: Flask) -> None:
    """Give templates `asset("app.css")`."""
    # a bare machine's table knows other names for these, and browsers refuse modules of another type
    mimetypes.add_type("text/javascript", ".js")
    mimetypes.add_type("image/svg+xml", ".svg")
    app.jinja_env.globals["asset"] = asset_url
    app.view_functions["static"] = static_file


def static_file(filename: str) -> Response:
    """A file of the pages, packed as the build has packed it where the browser takes that. Raises `NotFound`."""
    folder, packed = str(current_app.static_folder), f"{filename}.gz"
    if request.accept_encodings.quality("gzip") > 0 and (Path(folder) / packed).is_file():
        kind = mimetypes.guess_type(filename)[0]
        response = send_from_directory(folder, packed, mimetype=kind, download_name=Path(filename).name)
        response.headers["Content-Encoding"] = "gzip"
    else:
        response = send_from_directory(folder, filename)
    response.vary.add("Accept-Encoding")
    return response


def asset_url(name: str) -> str:
    """The address of a built file. Raises `Unavailable` with what to do where it was not built."""
    return url_for("static", filename=f"built/{_manifest().get(name) or _not_built()}")


_read: dict[float, dict[str, str]] = {}


def _manifest() -> dict[str, str]:
    path = BUILT / "manifest.json"
    if not path.exists():
        _not_built()
    written_at = path.stat().st_mtime
    if written_at not in _read:
        _read.clear()
        _read[written_at] = json.loads(path.read_text(encoding="utf-8"))
    return _read[written_at]


def _not_built() -> str:
    raise Unavailable("The pages' styles and scripts are not built yet: run `./run setup`.", code="not_built")
