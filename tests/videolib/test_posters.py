"""An editor chooses the poster among pictures of the recording, by the API and in the studio."""

from __future__ import annotations

import pytest

from tests.visitors import Site
from videolib.catalogue.entries import Entry
from videolib.catalogue.packages import Package
from videolib.catalogue.posters import choose_poster, keep_choice, list_posters, poster_of
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


def test_a_program_chooses_the_poster_and_may_go_back(sqlite_site: Site) -> None:
    entry_id = sqlite_site.add_published().id
    program, headers = sqlite_site.app.test_client(), sqlite_site.bearer("editor")
    address = f"/api/v1/entries/{entry_id}/poster"

    taken = program.put(address, json={"time_s": 2.2}, headers=headers)
    stale = program.put(address, json={"time_s": 1.0}, headers={**headers, "If-Match": '"1"'})
    nonsense = program.put(address, json={"time_s": "soon"}, headers=headers)
    other = program.put(address, json={"time_s": 1.0}, headers=sqlite_site.bearer("trainee"))
    back = program.put(address, json={"time_s": None}, headers=headers)

    assert taken.status_code == 200
    assert taken.json == {
        "time_s": 3.0,
        "offered": [{"time_s": 1.0, "chosen": False}, {"time_s": 3.0, "chosen": True}],
    }
    assert (stale.status_code, nonsense.status_code) == (412, 422)
    assert other.status_code in {403, 404}
    assert (back.json or {})["time_s"] is None
    assert not any(one["chosen"] for one in (back.json or {})["offered"])


def test_the_choice_holds_for_a_package_that_is_made_anew(sqlite_site: Site) -> None:
    entry_id = sqlite_site.add_published().id
    with sqlite_site.database.writing() as session:
        entry = session.get_one(Entry, entry_id)
        first = session.get_one(Package, entry.package_id)
        choose_poster(session, entry, first, 3.0, by=None)
        posters = [{"path": f"posters/{at_ms:09}.jpg", "time_s": at_ms / 1000} for at_ms in (500, 2600, 3900)]
        anew = Package(recording_id=first.recording_id, description={"poster": "poster.jpg", "posters": posters})
        plain = Package(recording_id=first.recording_id, description={"poster": "poster.jpg", "posters": posters})

        keep_choice(session, first.id, anew)
        choose_poster(session, entry, first, None, by=None)
        keep_choice(session, first.id, plain)
        keep_choice(session, None, plain)

    assert poster_of(anew) == "posters/000002600.jpg"
    assert poster_of(plain) == "poster.jpg"
