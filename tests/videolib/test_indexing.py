"""The index follows the rows: at once for authors, for this library only; while it is not there, rows answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from search.documents import Vocabulary
from search.pages import SearchRequest
from tests.visitors import Site, make_site
from videolib.catalogue import indexing
from videolib.catalogue.access import audiences_of
from videolib.catalogue.entry_lists import count_published
from videolib.catalogue.indexing import index_folder
from videolib.catalogue.library import LibraryFact, begin_index_epoch, current_sequence
from videolib.catalogue.people import add_user

SEARCH = "/api/v1/search?q="


@pytest.fixture(params=["whoosh", "tantivy"])
def either_site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, sqlite_database):
    """A site with each of the engines."""
    monkeypatch.setenv("VIDEOLIB_SEARCH_URL", f"{request.param}:")
    made = make_site(sqlite_database)
    yield made
    made.index.close()


def found(site: Site, text: str, role: str = "trainee") -> list[str]:
    answer = site.app.test_client().get(SEARCH + text, headers=site.bearer(role)).json or {}
    return [hit["entry_id"] for hit in answer["hits"]]


def test_who_may_write_finds_at_once_what_was_just_published(either_site: Site) -> None:
    either_site.add_published()
    either_site.reindex()

    entry = either_site.add_published(title={"zh": "斑马鱼", "en": "Zebrafish"})

    assert found(either_site, "zebrafish", "trainee") == []
    assert found(either_site, "zebrafish", "editor") == [entry.id]
    assert found(either_site, "zebrafish", "trainee") == [entry.id]


def test_an_index_of_another_library_is_not_searched_but_built_anew(either_site: Site) -> None:
    entry = either_site.add_published(audience="public")
    either_site.reindex()
    with either_site.database.writing() as session:
        session.merge(LibraryFact(name="library_id", text="another"))
    either_site.index.close()

    answer = either_site.app.test_client().get(SEARCH).json or {}
    assert answer["index"] == "rebuilding"

    assert either_site.index.follow() == 1
    answer = either_site.app.test_client().get(SEARCH).json or {}
    assert answer["index"] == "ready"
    assert [hit["entry_id"] for hit in answer["hits"]] == [entry.id]


def test_after_a_restore_the_open_index_notices_though_its_number_fits(either_site: Site) -> None:
    either_site.add_published(audience="public")
    either_site.reindex()
    assert either_site.index.follow() == 0

    with either_site.database.writing() as session:
        begin_index_epoch(session)

    assert either_site.index.follow() == 1
    assert either_site.index.follow() == 0


def test_while_the_folder_is_gone_or_cut_short_titles_are_looked_through_and_then_all_is_well(
    either_site: Site,
) -> None:
    entry = either_site.add_published(audience="public", title={"zh": "斑马鱼支架", "en": "Zebrafish stent"})
    either_site.reindex()
    folder = index_folder(either_site.settings)
    assert found(either_site, "zebrafish") == [entry.id]

    def cut_short() -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    for harm in (lambda: shutil.rmtree(folder), cut_short):
        harm()
        answer = either_site.app.test_client().get(SEARCH + "zebrafish").json or {}
        assert answer["index"] == "rebuilding"
        assert [hit["entry_id"] for hit in answer["hits"]] == [entry.id]
        either_site.index.follow()
        answer = either_site.app.test_client().get(SEARCH + "zebrafish").json or {}
        assert answer["index"] == "ready"
        assert [hit["entry_id"] for hit in answer["hits"]] == [entry.id]


def test_a_new_vocabulary_is_built_for_while_the_index_before_answers(
    either_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    either_site.add_published(audience="public")
    either_site.reindex()
    assert either_site.index.sequence() > 0
    monkeypatch.setattr(indexing, "read_vocabulary", lambda _session: Vocabulary([]))
    monkeypatch.setattr(indexing, "current_sequence", _vocabulary_moved_on(current_sequence))

    answer = either_site.app.test_client().get(SEARCH).json or {}
    assert (answer["index"], answer["total"]) == ("ready", 1)

    assert either_site.index.follow() == 1
    assert (either_site.app.test_client().get(SEARCH).json or {})["index"] == "ready"


def _vocabulary_moved_on(before):
    def current(session, name="entries"):
        return before(session, name) + (1 if name == "vocabulary" else 0)

    return current


def test_totals_and_counts_are_those_of_the_rows_for_every_role(either_site: Site) -> None:
    for number in range(9):
        either_site.add_published(audience=("public", "signed_in")[number % 2], procedures=["proc.tace"])
    either_site.add_watchable(title={"zh": "草稿", "en": "Draft"})
    either_site.reindex()

    with either_site.database.writing() as session:
        person = add_user(session, "someone@hospital.example", None, ["trainee"])
        for reader in (None, person):
            page = either_site.index.search(SearchRequest("", audiences=audiences_of(session, reader)))
            wanted = count_published(session, by=reader)
            assert page.total == wanted
            assert {item.term: item.count for item in page.facets["procedure"]}["proc.tace"] == wanted


def test_without_any_index_suggestions_are_empty_and_searching_says_so(either_site: Site) -> None:
    either_site.add_published(audience="public")

    assert (either_site.app.test_client().get("/api/v1/suggest?q=a").json or {})["items"] == []
    assert (either_site.app.test_client().get(SEARCH).json or {})["index"] == "rebuilding"


def test_a_bare_engine_name_lies_under_home(either_site: Site) -> None:
    assert index_folder(either_site.settings) == Path(either_site.settings.home) / "index"
