"""An editor chooses the poster among pictures of the recording, by the API and in the studio."""

from __future__ import annotations

import pytest

from tests.visitors import Site
from videolib.catalogue.entries import Entry
from videolib.catalogue.packages import Package
from videolib.catalogue.posters import choose_poster, list_posters, poster_of
from videolib.errors import InvalidInput


def test_the_nearest_picture_that_is_offered_becomes_the_poster_and_the_first_one_again(sqlite_site: Site) -> None:
    entry_id = sqlite_site.add_published().id

    with sqlite_site.database.writing() as session:
        entry = session.get_one(Entry, entry_id)
        package = session.get_one(Package, entry.package_id)
        taken = choose_poster(session, entry, package, 2.9, by=None)
        chosen = [one.time_s for one in list_posters(package) if one.is_chosen]
        choose_poster(session, entry, package, None, by=None)
        again = poster_of(package)

    assert taken is not None
    assert taken.path == "posters/000003000.jpg"
    assert chosen == [3.0]
    assert again == "poster.jpg"


def test_a_package_that_offers_nothing_says_so(sqlite_site: Site) -> None:
    entry_id = sqlite_site.add_published().id

    with sqlite_site.database.writing() as session:
        entry = session.get_one(Entry, entry_id)
        package = session.get_one(Package, entry.package_id)
        package.description = {"poster": "poster.jpg"}
        with pytest.raises(InvalidInput, match="no other picture"):
            choose_poster(session, entry, package, 1.0, by=None)


def test_the_chosen_poster_is_shown_everywhere_and_on_the_page_of_posters(sqlite_site: Site) -> None:
    editor = sqlite_site.visitor("editor")
    entry = sqlite_site.add_published()
    answer = editor.get(f"/api/v1/entries/{entry.id}").json
    assert answer is not None
    poster = "/" + answer["poster_url"].split("/", 3)[3]
    picked = editor.get(poster).data

    done = editor.post(f"/studio/entries/{entry.id}/poster", time_s="1")

    assert done.status_code == 303
    assert editor.get(poster).data != picked
    page = editor.get(f"/studio/entries/{entry.id}/poster").text
    assert page.count('type="radio"') == 3
    assert 'value="1.0" checked' in page
