"""The only room that knows HTTP: `create_app` puts the pages and the API together."""

from __future__ import annotations

from apiflask import APIFlask
from werkzeug.middleware.proxy_fix import ProxyFix

from config.settings import Settings
from videolib import __version__
from videolib.catalogue.cases import CaseNumbers
from videolib.catalogue.indexing import HostIndex
from videolib.db import Database
from videolib.storage import Store, open_store
from videolib.web import (
    account,
    account_links,
    admin,
    api_docs,
    audit,
    browse,
    cines,
    cohort_import,
    cohorts,
    compare,
    desk,
    entries,
    guide,
    harvest,
    health,
    home,
    hospitals,
    inbox,
    jobs,
    login,
    many,
    media,
    narrations,
    own_notes,
    passkeys,
    people_import,
    playlists,
    posters,
    preferences,
    privacy,
    problem_reports,
    quarantine,
    record,
    results,
    reviews,
    search,
    second_factor,
    second_sources,
    single_sign_on,
    steps,
    storage_use,
    studio,
    studio_captions,
    studio_comments,
    studio_exchange,
    studio_moments,
    studio_ranges,
    studio_timeline,
    teach,
    teach_items,
    transcripts,
    uploads,
    versions,
    vocabulary,
)
from videolib.web.accounts import configure_accounts, init_accounts
from videolib.web.api import annotations as annotations_api
from videolib.web.api import entries as entries_api
from videolib.web.api import lifecycle as lifecycle_api
from videolib.web.api import playlists as playlists_api
from videolib.web.api import recordings as recordings_api
from videolib.web.api import related as related_api
from videolib.web.api import reviews as reviews_api
from videolib.web.api import search as search_api
from videolib.web.api import uploads as uploads_api
from videolib.web.api import versions as versions_api
from videolib.web.api import vocabulary as vocabulary_api
from videolib.web.api import watching as watching_api
from videolib.web.api.spec import configure_spec
from videolib.web.assets import init_assets
from videolib.web.auditing import init_auditing
from videolib.web.context import Services, init_context
from videolib.web.errors import init_errors
from videolib.web.headers import init_headers
from videolib.web.languages import init_languages
from videolib.web.media_gate import MediaGate
from videolib.web.media_links import MediaLinks
from videolib.web.pages import init_pages
from videolib.web.protection import init_protection
from videolib.web.sessions import PageSessions
from videolib.web.watching import Watching

# a caption file and the JSON around it; uploads come in chunks by a route of their own
MAX_BODY_BYTES = 3 * 1024 * 1024
PAGES = (
    login,
    account,
    account_links,
    passkeys,
    second_factor,
    single_sign_on,
    home,
    browse,
    search,
    entries,
    transcripts,
    own_notes,
    problem_reports,
    record,
    compare,
    playlists,
    inbox,
    teach,
    teach_items,
    cohort_import,
    cohorts,
    results,
    versions,
    harvest,
    steps,
    studio,
    studio_captions,
    studio_comments,
    studio_exchange,
    studio_moments,
    studio_ranges,
    studio_timeline,
    uploads,
    reviews,
    cines,
    desk,
    quarantine,
    many,
    admin,
    people_import,
    hospitals,
    jobs,
    storage_use,
    audit,
    privacy,
    vocabulary,
    posters,
    second_sources,
    narrations,
    preferences,
    guide,
    media,
    health,
    api_docs,
)
API = (
    entries_api,
    lifecycle_api,
    reviews_api,
    versions_api,
    annotations_api,
    related_api,
    recordings_api,
    uploads_api,
    search_api,
    vocabulary_api,
    watching_api,
    playlists_api,
)


def create_app(
    settings: Settings,
    *,
    database: Database | None = None,
    store: Store | None = None,
    index: HostIndex | None = None,
) -> APIFlask:
    """The application; what is not given is opened by the settings (nothing is connected to before it is needed)."""
    database = database or Database(settings.database_url)
    app = APIFlask(
        __name__,
        title="videolib",
        version=__version__,
        spec_path="/api/v1/openapi.json",
        docs_path=None,
        json_errors=False,
    )
    # an address with two slashes is none of ours; werkzeug would lead on to another
    app.url_map.merge_slashes = False
    app.session_interface = PageSessions()
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, MAX_FORM_PARTS=2000, MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES)
    services = Services(
        settings=settings,
        database=database,
        store=store or open_store(settings.store_url),
        originals=open_store(settings.originals_url),
        index=index or HostIndex(settings, database),
        links=MediaLinks(settings),
        gate=MediaGate(database),
        watching=Watching(),
        numbers=CaseNumbers(settings),
    )
    init_context(app, services)
    init_auditing(app)
    init_headers(app)
    configure_accounts(app, settings)
    configure_spec(app)
    init_languages(app)
    init_errors(app)
    init_accounts(app)
    single_sign_on.init_single_sign_on(app, settings)
    init_protection(app)
    init_assets(app)
    init_pages(app)
    for room in (*PAGES, *API):
        app.register_blueprint(room.blueprint)
    if settings.public_url:
        # one proxy stands before us and says who really called; without one nobody is believed
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    return app
