"""The work of the library for who keeps it going: what waits, what runs where, what failed and why, and what to do."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as WerkzeugResponse

from videolib.catalogue import job_lists
from videolib.catalogue.entry_lists import entries_of_recordings
from videolib.catalogue.job_lists import VIEWS
from videolib.catalogue.job_log import list_log
from videolib.catalogue.jobs import start_work, stop_work
from videolib.catalogue.recordings import get_recording
from videolib.web.access import require_admin
from videolib.web.context import commit, database_session
from videolib.web.job_views import VIEW_WORDS, make_event, make_job, make_queue, make_running, make_work
from videolib.web.preferences import local_path
from videolib.web.recording_views import make_work_view

blueprint = Blueprint("jobs", __name__)

ON_A_PAGE, MOST_EVENTS = 25, 200


@blueprint.get("/admin/jobs")
def index() -> WerkzeugResponse:
    """Queues, what runs, and the recordings of a view; `?part=1` without the frame, for who keeps looking."""
    require_admin()
    session = database_session()
    view = asked if (asked := request.args.get("view", "")) in VIEWS else "open"
    page = max(0, min(request.args.get("page", 0, type=int), 100_000))
    running = job_lists.list_running(session)
    work, total = job_lists.list_work(session, view, offset=page * ON_A_PAGE, limit=ON_A_PAGE)
    ids = {line.recording.id for line in running} | {line.recording.id for line in work}
    entries = entries_of_recordings(session, ids)
    more = (page + 1) * ON_A_PAGE < total
    return _answer(
        "admin/jobs",
        queues=tuple(make_queue(line) for line in job_lists.count_queues(session)),
        running=tuple(make_running(line, entries.get(line.recording.id)) for line in running),
        work=tuple(make_work(line, entries.get(line.recording.id)) for line in work),
        views=tuple((name, url_for("jobs.index", view=name), VIEW_WORDS[name]) for name in VIEWS),
        view=view,
        total=total,
        part_url=url_for("jobs.index", view=view, page=page, part=1),
        previous_url=url_for("jobs.index", view=view, page=page - 1) if page else None,
        next_url=url_for("jobs.index", view=view, page=page + 1) if more else None,
    )


@blueprint.get("/admin/jobs/<recording_id>")
def show(recording_id: str) -> WerkzeugResponse:
    """The jobs of a recording and their log."""
    require_admin()
    session = database_session()
    recording = get_recording(session, recording_id)
    entry = entries_of_recordings(session, [recording.id]).get(recording.id)
    jobs = job_lists.list_jobs_of(session, recording.id)
    counts = {state: sum(job.state == state for job in jobs) for state in ("queued", "running", "done", "failed")}
    is_open = recording.state in VIEWS["open"]
    return _answer(
        "admin/job",
        line=make_work(job_lists.WorkLine(recording, counts), entry),
        sentences=make_work_view(recording).sentences if is_open else (),
        jobs=tuple(make_job(job) for job in jobs),
        events=tuple(make_event(event) for event in list_log(session, recording.id, limit=MOST_EVENTS)),
        part_url=url_for("jobs.show", recording_id=recording.id, part=1),
    )


@blueprint.post("/admin/jobs/<recording_id>/<any(retry,cancel,first,normal,last):deed>")
def act(recording_id: str, deed: str) -> WerkzeugResponse:
    """Try again, stop, or change the turn."""
    by, session = require_admin(), database_session()
    recording = get_recording(session, recording_id, for_update=True)
    if deed == "retry":
        start_work(session, recording, by=by)
        told = _("It is in the queue again.")
    elif deed == "cancel":
        stop_work(session, recording, by=by)
        told = _("Cancelled; what runs stops within seconds.")
    else:
        job_lists.set_urgency(session, recording, deed, by=by)
        told = _("Its turn has changed.")
    commit()
    flash(told, "success")
    wanted = request.form.get("next", "")
    here = url_for("jobs.show", recording_id=recording_id)
    return redirect(local_path(wanted if wanted.startswith("/admin/jobs") else here), 303)


def _answer(name: str, **values: Any) -> WerkzeugResponse:
    """The page, or its living part with a tag: who has it as it is gets it no second time."""
    if request.args.get("part") != "1":
        return make_response(render_template(f"{name}.html", **values))
    html = render_template(f"{name}_part.html", **values)
    response: Response = make_response(html)
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.update(("Cookie", "Accept-Language"))
    # each answer's forms carry a token of their own, which is no news
    response.set_etag(hashlib.sha256(html.replace(generate_csrf(), "").encode()).hexdigest()[:32])
    return response.make_conditional(request)
