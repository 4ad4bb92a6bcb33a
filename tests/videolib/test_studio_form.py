"""The form of an entry: two editors lose nothing, what is typed is kept, what is published stays as it was."""

from __future__ import annotations

import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.visitors import Site, Visitor
from videolib.catalogue.entries import Entry
from videolib.catalogue.working_copies import base_of


class Form:
    """The form as one browser has loaded it."""

    def __init__(self, visitor: Visitor, entry: Entry) -> None:
        self.visitor, self.path = visitor, f"/studio/entries/{entry.id}"
        page = visitor.get(self.path)
        assert page.status_code == 200
        self.bases = dict(re.findall(r'name="(base:[^"]+)" value="([^"]*)"', page.text))

    def send(self, to: str = "", **typed: Any) -> TestResponse:
        """Send the fields that are named; `__` stands for a dot."""
        fields = {name.replace("__", "."): value for name, value in typed.items()}
        bases = {f"base:{name}": self.bases[f"base:{name}"] for name in fields if f"base:{name}" in self.bases}
        return self.visitor.post(self.path + to, **fields, **bases)


def row_of(site: Site, entry: Entry) -> Entry:
    with site.database.reading() as session:
        return session.get_one(Entry, entry.id)


def two_editors(site: Site, entry: Entry) -> tuple[Form, Form]:
    return Form(site.visitor("editor"), entry), Form(site.visitor("editor", email="second@hospital.example"), entry)


def test_an_editor_describes_an_entry_in_every_kind_of_field_and_publishes_it(site: Site) -> None:
    entry = site.add_watchable(title={"zh": "草稿"}, procedures=[], content_type=None)
    form = Form(site.visitor("editor"), entry)
    assert form.send("/publish").status_code == 422

    saved = form.send(
        title__zh="股浅动脉支架植入术",
        title__en=" Stenting ",
        content_type="ct.simulation",
        procedures=["proc.stent_sfa", "proc.pta"],
        no_patient_shown="yes",
        edit__is_edited="no",
        case__age_band="60-64",
        year_of_procedure="2024",
        keywords="SFA\n支架",
        **{
            "base:contributors": form.bases["base:contributors"],
            "contributors.0.name": "王伟",
            "contributors.1.name": "",
            "contributors.2.name": "Li Wei",
            "contributors.2.title": "title.chief",
        },
    )

    assert (saved.status_code, saved.headers.get("Location")) == (303, form.path), saved.text
    row = row_of(site, entry)
    assert row.title == {"zh": "股浅动脉支架植入术", "en": "Stenting"}
    assert [term.id for term in row.terms_of("procedures")] == ["proc.stent_sfa", "proc.pta"]
    assert row.details["contributors"] == [{"name": "王伟"}, {"name": "Li Wei", "title": "title.chief"}]
    assert row.details["case"] == {"age_band": "60-64"}
    assert (row.details["no_patient_shown"], row.details["edit"]) == (True, {"is_edited": False})
    assert (row.year_of_procedure, row.details["keywords"]) == (2024, ["SFA", "支架"])
    assert form.send("/publish", reason="First.").status_code == 303
    assert site.visitor("trainee").get(f"/entries/{entry.id}").status_code == 200


def test_what_two_editors_change_in_different_fields_is_merged(site: Site) -> None:
    entry = site.add_watchable()
    first, second = two_editors(site, entry)

    assert first.send(title__en="Mine", title__zh=entry.title["zh"], case__sex="F").status_code == 303
    assert second.send(title__en=entry.title["en"], title__zh="他的", case__asa="cls.asa2").status_code == 303

    row = row_of(site, entry)
    assert row.title == {"en": "Mine", "zh": "他的"}
    assert row.details["case"] == {"sex": "F", "asa": "cls.asa2"}


def test_a_real_conflict_shows_both_values_and_keeps_the_rest(site: Site) -> None:
    entry = site.add_watchable()
    first, second = two_editors(site, entry)
    first.send(title__en="Theirs")

    answer = second.send(title__en="Mine", summary__en="A summary.")

    assert answer.status_code == 412
    assert 'value="Mine"' in answer.text
    assert "<dd>Theirs</dd>" in answer.text
    row = row_of(site, entry)
    assert (row.title["en"], row.summary) == ("Theirs", {"en": "A summary."})
    # the page has shown what is stored: saving it again is a decision
    second.bases |= dict(re.findall(r'name="(base:[^"]+)" value="([^"]*)"', answer.text))
    assert second.send(title__en="Mine").status_code == 303
    assert row_of(site, entry).title["en"] == "Mine"


def test_of_a_conflict_the_stored_value_may_be_taken(sqlite_site: Site) -> None:
    entry = sqlite_site.add_watchable()
    first, second = two_editors(sqlite_site, entry)
    first.send(title__en="Theirs")

    assert second.send(title__en="Mine", take="title.en").status_code == 303

    assert row_of(sqlite_site, entry).title["en"] == "Theirs"


def test_the_script_keeps_what_is_typed_and_is_told_of_each_field(sqlite_site: Site) -> None:
    entry = sqlite_site.add_watchable()
    first, second = two_editors(sqlite_site, entry)

    kept = first.send("/autosave", title__en="Typed", case__age_band="71 years").json
    late = second.send("/autosave", title__en="Late", title__zh="后来").json

    assert kept is not None
    assert kept["state"] == "refused"
    assert set(kept["bases"]) == {"title.en"}
    assert set(kept["errors"]) == {"case.age_band"}
    assert kept["percent"] > 0
    assert late is not None
    assert (late["state"], late["conflicts"]) == ("conflict", ["title.en"])
    assert row_of(sqlite_site, entry).title == {"en": "Typed", "zh": "后来"}


def test_a_form_that_sends_the_same_again_writes_nothing(sqlite_site: Site) -> None:
    entry = sqlite_site.add_watchable()
    form = Form(sqlite_site.visitor("editor"), entry)
    before = row_of(sqlite_site, entry).revision

    form.send("/autosave", title__en=entry.title["en"], title__zh=entry.title["zh"])

    assert row_of(sqlite_site, entry).revision == before


def test_changes_of_a_published_entry_wait_until_they_are_published(site: Site) -> None:
    entry = site.add_published()
    form = Form(site.visitor("editor"), entry)

    form.send("/autosave", title__en="A better title", anatomy=["anat.sfa"])

    row = row_of(site, entry)
    assert row.title == entry.title
    assert set(row.pending) == {"title", "anatomy"}
    assert "A better title" not in site.visitor("trainee").get(f"/entries/{entry.id}").text
    assert "A better title" in form.visitor.get(f"/entries/{entry.id}/versions/pending").text
    assert form.send("/publish", reason="Better.").status_code == 303
    row = row_of(site, entry)
    assert (row.title["en"], row.pending, row.version) == ("A better title", {}, 2)
    assert [term.id for term in row.terms_of("anatomy")] == ["anat.sfa"]


def test_changes_that_wait_may_be_discarded_and_what_is_typed_back_is_no_change(sqlite_site: Site) -> None:
    entry = sqlite_site.add_published()
    form = Form(sqlite_site.visitor("editor"), entry)
    form.send("/autosave", title__en="Other")
    form.bases["base:title.en"] = base_of("Other")

    form.send("/autosave", title__en=entry.title["en"])
    assert row_of(sqlite_site, entry).pending == {}
    form.bases["base:title.en"] = base_of(entry.title["en"])
    form.send("/autosave", title__en="Other")
    assert form.send("/move", action="discard").status_code == 303

    assert row_of(sqlite_site, entry).pending == {}


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ({"title.en": "T" * 20_001}, "title.en"),
        ({"procedures": ["proc.invented"]}, "procedures"),
        ({"year_of_procedure": "1492"}, "year_of_procedure"),
        ({"year_of_procedure": "soon"}, "year_of_procedure"),
        ({"case.indication.zh": "2024年3月5日入院"}, "case.indication.zh"),
        ({"consent.obtained_on": "yesterday"}, "consent.obtained_on"),
    ],
)
def test_a_refused_field_is_marked_and_the_rest_is_kept(sqlite_site: Site, typed: dict[str, Any], path: str) -> None:
    entry = sqlite_site.add_watchable()
    form = Form(sqlite_site.visitor("editor"), entry)

    answer = form.send(summary__zh="摘要", **typed)

    assert answer.status_code == 422
    assert f'id="f-{path.replace(".", "-")}-error"' in answer.text
    assert row_of(sqlite_site, entry).summary == {"zh": "摘要"}


def test_each_missing_thing_leads_to_its_field(sqlite_site: Site) -> None:
    entry = sqlite_site.add_watchable(title={"zh": "标题"}, content_type="ct.full")
    page = sqlite_site.visitor("editor").get(f"/studio/entries/{entry.id}").text

    links = set(re.findall(r'<li><a href="#([^"]+)"', page))

    assert {"f-title-en", "f-coi-none", "f-consent-id", "f-learning_objectives"} <= links
    assert {name for name in links if f'id="{name}"' not in page} <= {"segments"}


# ------------------------------------------------------------------ versions


def test_versions_say_what_was_published_when_by_whom_and_why(site: Site) -> None:
    entry = site.add_published()
    form = Form(site.visitor("editor"), entry)
    form.send(title__en="Second title")
    form.send("/publish", reason="The first was vague.")
    trainee = site.visitor("trainee")

    page = form.visitor.get(f"/entries/{entry.id}/versions").text
    assert "The first was vague." in page
    assert f"VL-{entry.code}.2" in page
    differs = form.visitor.get(f"/entries/{entry.id}/versions/2?against=1").text
    assert entry.title["en"] in differs
    assert "Second title" in differs
    assert "The first was vague." not in trainee.get(f"/entries/{entry.id}/versions").text
    assert trainee.get(f"/entries/{entry.id}/versions/1").status_code == 200
    assert trainee.get(f"/entries/{entry.id}/versions/9").status_code == 404


def test_rolling_back_makes_a_new_version_of_an_old_one(site: Site) -> None:
    entry = site.add_published()
    form = Form(site.visitor("editor"), entry)
    form.send(title__en="Second title", summary__en="New.")
    form.send("/publish", reason="x")

    assert form.send("/roll-back", number="1", reason="").status_code == 422
    assert form.send("/roll-back", number="1", reason="The first was better.").status_code == 303

    row = row_of(site, entry)
    assert (row.version, row.title, row.summary) == (3, entry.title, {})


def test_a_citation_leads_to_the_entry_or_to_its_version(sqlite_site: Site) -> None:
    entry = sqlite_site.add_published()
    form = Form(sqlite_site.visitor("editor"), entry)
    form.send("/publish")
    trainee = sqlite_site.visitor("trainee")

    newest = trainee.get(f"/cite/VL-{entry.code}.2").headers["Location"]
    typed = trainee.get(f"/cite/vl-{entry.code.lower()}").headers["Location"]
    older = trainee.get(f"/cite/VL-{entry.code}.1").headers["Location"]

    assert newest == typed == f"/entries/{entry.id}"
    assert older == f"/entries/{entry.id}/versions/1"
    assert trainee.get("/cite/VL-AAAAAAAA.1").status_code == 404
    assert trainee.get(f"/cite/VL-{entry.code}.7").status_code == 404
