"""The facts of a case on its page: what vouches for it, how to cite it, and nothing of the editors' business."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from tests.libraries import COMPLETE_CASE
from tests.videolib.test_reviews import add_case, review
from tests.visitors import Site
from videolib.catalogue import publishing
from videolib.catalogue.annotations import delete_annotation, list_annotations
from videolib.catalogue.entries import Entry
from videolib.catalogue.versions import citation_of

OUTCOME = {"technical": "success", "complications": {"en": "A haematoma."}, "dap_gycm2": 41}
TOLD = {
    "outcomes": OUTCOME,
    "off_label": {"text": {"en": "A coronary balloon."}},
    "references": [{"doi": "10.1000/182", "text": "A trial."}],
    "devices": [{"term": "dev.microcatheter", "manufacturer": "Maker", "size": "2.7F"}],
    "pitfalls": {"en": "Mind the cystic artery."},
}


def publish_case(site: Site, **changes: Any) -> Entry:
    """A case with its review, published."""
    entry = add_case(site, **{**TOLD, **changes})
    review(site.visitor("editor"), entry, decision="approve")
    with site.database.writing() as session:
        return publishing.publish_entry(session, session.get_one(Entry, entry.id), by=None)


def page_of(site: Site, entry: Entry, role: str = "trainee") -> str:
    text = site.visitor(role).get(f"/entries/{entry.id}", headers={"Accept-Language": "en"}).text
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_a_reader_sees_what_was_done_what_came_of_it_and_what_vouches_for_it(sqlite_site: Site) -> None:
    entry = publish_case(sqlite_site)

    page = page_of(sqlite_site, entry)

    for told in (
        "Reviewed by editor on",
        "18 of 18 LAP-VEGaS points",
        "60-64",
        "Liver cancer",
        "2.7F",
        "A haematoma.",
        "41",
        "One case · reviewed by a colleague · 1 publication cited",
        "Checked by a person: nobody can be recognised.",
        "The patient agreed to this use for teaching.",
        "A coronary balloon.",
        "No conflict of interest.",
        "CC-BY-NC-ND-4.0",
        "王伟",
        "Find the feeding artery",
        "Mind the cystic artery.",
        "A trial. doi:10.1000/182",
    ):
        assert told in page, told
    for hidden in ("C-17", "Li Wei", "2024-05-06"):
        assert hidden not in page, hidden


def test_makers_of_devices_stand_only_beside_a_disclosure(sqlite_site: Site) -> None:
    disclosed = sqlite_site.add_published(devices=TOLD["devices"], coi="none")
    silent = sqlite_site.add_published(devices=TOLD["devices"])

    assert "Maker" in page_of(sqlite_site, disclosed)
    assert "Maker: Maker" not in page_of(sqlite_site, silent)
    assert "2.7F" in page_of(sqlite_site, silent)


def test_what_changed_after_its_review_says_so(sqlite_site: Site) -> None:
    entry = publish_case(sqlite_site)
    with sqlite_site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        last = list_annotations(session, entry.id)[-1]
        delete_annotation(session, row, last.id, revision=None, by=None)

    page = page_of(sqlite_site, entry)

    assert "LAP-VEGaS points; changed since" in page
    assert "reviewed by a colleague" not in page


def test_a_citation_names_people_title_version_and_leads_back(sqlite_site: Site) -> None:
    entry = sqlite_site.add_published(contributors=COMPLETE_CASE["contributors"])

    page = page_of(sqlite_site, entry)

    code = citation_of(entry)
    title = "Stenting of the superficial femoral artery [video]"
    assert f"王伟. {title}. Version 1. Videolib " in page
    assert f"{code}. http://localhost/cite/{code}" in page
    assert sqlite_site.visitor("trainee").get(f"/cite/{code}").headers["Location"] == f"/entries/{entry.id}"


@pytest.mark.parametrize("warned", [True, False])
def test_a_warning_stands_before_the_recording_where_there_is_one(sqlite_site: Site, *, warned: bool) -> None:
    fields = {"content_warning": {"en": "Open bleeding."}} if warned else {}
    entry = sqlite_site.add_published(**fields)

    text = sqlite_site.visitor("trainee").get(f"/entries/{entry.id}").text

    assert ("<vl-content-warning" in text) is warned
    assert ("Open bleeding." in text) is warned
