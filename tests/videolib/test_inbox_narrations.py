"""The inbox of narrations: who is to listen is told, and who brought one that came back."""

from __future__ import annotations

from ingest.narrating import NO_SOUND
from ingest.sweeping import sweep_narrations
from tests.backups import workshop_of
from tests.narrations import add_made_narration
from tests.videolib.test_inbox import kinds_of, refresh
from tests.visitors import Site
from videolib.catalogue.groups import add_group
from videolib.catalogue.narrations import Narration, fail_narration
from videolib.catalogue.people import Grant
from videolib.catalogue.recordings import Recording


def test_a_narration_is_told_to_who_is_to_hear_it_and_back_to_who_brought_it(site: Site) -> None:
    editor, reviewer, foreign = (site.add_person("editor", email=f"{name}@hospital.example") for name in "abc")
    entry = site.add_published()
    with site.database.writing() as session:
        for name, person in (("first", reviewer), ("second", foreign)):
            add_group(session, f"hospital.{name}", "hospital", {"en": f"The {name} hospital"}, by=None)
            session.add(Grant(user_id=person.id, hospital_id=f"hospital.{name}", name="reviewer"))
        session.add(Grant(user_id=editor.id, hospital_id="hospital.first", name="reviewer"))
        session.get_one(Recording, entry.recording_id).hospital_id = "hospital.first"
    refresh(site.database)
    assert kinds_of(site.database, reviewer) == []
    narration_id = add_made_narration(site, entry.id, by=editor)

    refresh(site.database)

    assert kinds_of(site.database, reviewer) == ["narration"]
    assert kinds_of(site.database, editor) == kinds_of(site.database, foreign) == []
    listener, sender = (site.visitor("editor", email=f"{name}@hospital.example") for name in "ba")
    address = f"/studio/entries/{entry.id}/narrations"
    page = listener.get("/inbox", headers={"Accept-Language": "en"}).text
    assert "Narration to listen to" in page
    assert f'href="{address}"' in page
    assert listener.post(f"{address}/{narration_id}/refuse").status_code == 422
    assert sender.post(f"{address}/{narration_id}/refuse", reason="No.").status_code == 403
    assert listener.post(f"{address}/{narration_id}/refuse", reason="A name is said at 0:42.").status_code == 303
    assert listener.post(f"{address}/{narration_id}/accept").status_code == 409

    refresh(site.database)

    assert kinds_of(site.database, reviewer) == []
    assert kinds_of(site.database, editor) == ["narration_back"]
    assert "A name is said at 0:42." in sender.get("/inbox").text
    sweep_narrations(workshop_of(site))
    assert list(site.store.list("narrations/")) == [], "the sound that names somebody is removed"
    assert "A name is said at 0:42." in sender.get(address).text

    again = add_made_narration(site, entry.id, by=editor)
    refresh(site.database)
    assert (kinds_of(site.database, editor), kinds_of(site.database, reviewer)) == ([], ["narration"])
    with site.database.writing() as session:
        row = session.get_one(Narration, again)
        row.state = "queued"
        fail_narration(session, again, NO_SOUND)
    refresh(site.database)
    assert (kinds_of(site.database, editor), kinds_of(site.database, reviewer)) == (["narration_back"], [])
    assert "无法从此文件读取声音" in sender.get("/inbox", headers={"Accept-Language": "zh"}).text
