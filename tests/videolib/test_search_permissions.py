"""What search tells: never of an entry that its reader may not see, for random readers of random libraries."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from search.pages import MAX_LIMIT, SearchPage, SearchRequest
from tests.visitors import Site, add_stored, make_site
from videolib.catalogue.access import audiences_of, audiences_of_entry, can
from videolib.catalogue.entries import STATUSES, Entry
from videolib.catalogue.people import ROLES, User
from videolib.catalogue.vocabulary import list_all_terms

ENTRIES, PEOPLE = 40, 12
WORDS = {"en": ("heron", "otter", "badger", "weasel"), "zh": ("苍鹭", "水獭", "狗獾", "黄鼬")}
PROCEDURES = ("proc.tace", "proc.stent_sfa", "proc.stent_iliac")
# each stands in one entry only; so far apart that none is taken for a slip in another
SECRETS = ("xylophone", "quokkamint", "brontovale", "fjordwick", "nyctelgate", "wumblesdorf")


@pytest.fixture(params=["whoosh", "tantivy"])
def either_site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, sqlite_database):
    """A site with each of the engines."""
    monkeypatch.setenv("VIDEOLIB_SEARCH_URL", f"{request.param}:")
    made = make_site(sqlite_database)
    yield made
    made.index.close()


def add_people(site: Site, chance: random.Random) -> list[User | None]:
    """Readers of one or several roles, some of them disabled; and somebody who is not logged in."""
    people: list[User | None] = [None]
    for number in range(PEOPLE):
        roles = chance.sample(sorted(ROLES), chance.randint(1, 2))
        person = site.add_person(roles[0], email=f"reader{number}@hospital.example")
        with site.database.writing() as session:
            session.get_one(User, person.id).active = chance.random() < 0.8
        people.append(person)
    return people


def add_entries(site: Site, chance: random.Random, people: list[User | None]) -> None:
    """Of every state and audience, with a package and without, with somebody's name on some."""
    package_id = add_stored(site).package_id
    for number in range(ENTRIES):
        word = chance.randrange(len(WORDS["en"]))
        named = SECRETS[number] if number < len(SECRETS) else ""
        entry = site.add_watchable(
            title={"en": f"{WORDS['en'][word]} {named} {number}", "zh": f"{WORDS['zh'][word]} {named} {number}"},
            procedures=[chance.choice(PROCEDURES)],
            year_of_procedure=chance.randint(2018, 2024),
        )
        reviewer = chance.choice(people)
        changes = {
            "status": "published" if chance.random() < 0.6 else chance.choice(STATUSES),
            "audience": chance.choice(("public", "signed_in")),
            "package_id": package_id if chance.random() < 0.9 else None,
            "reviewer_id": reviewer.id if reviewer else None,
        }
        with site.database.writing() as session:
            session.execute(update(Entry).where(Entry.id == entry.id).values(**changes))


def told_of(session: Session, person: User | None) -> list[Entry]:
    """By the rows: the published entries of the audiences that the reader belongs to."""
    entries = session.scalars(select(Entry).where(Entry.status == "published", Entry.package_id.is_not(None)))
    groups = audiences_of(session, person)
    return [entry for entry in entries if groups & audiences_of_entry(entry)]


def groups_of(site: Site, person: User | None) -> frozenset[str]:
    with site.database.reading() as session:
        return audiences_of(session, person)


def line_of(term_id: str | None, wider: dict[str, str | None]) -> list[str]:
    """A term and all wider ones."""
    line: list[str] = []
    while term_id:
        line.append(term_id)
        term_id = wider[term_id]
    return line


def ask(site: Site, person: User | None, text: str, **options) -> SearchPage:
    return site.index.search(SearchRequest(text, audiences=groups_of(site, person), limit=MAX_LIMIT, **options))


@pytest.mark.parametrize("seed", [1, 2])
def test_totals_hits_counts_and_completions_are_those_of_the_rows_for_random_readers(
    either_site: Site, seed: int
) -> None:
    chance = random.Random(seed)
    people = add_people(either_site, chance)
    add_entries(either_site, chance, people)
    either_site.index.rebuild()

    with either_site.database.reading() as session:
        wider = {term.id: term.broader_id for term in list_all_terms(session)}
        for reader in people:
            person = session.get(User, reader.id) if reader else None
            visible = told_of(session, person)
            assert all(can(person, "see", entry) and can(person, "play", entry) for entry in visible)
            check_all(either_site, person, visible, wider)
            check_words(either_site, person, visible)
            check_secrets(either_site, session, person)


def check_all(site: Site, person: User | None, visible: list[Entry], wider: dict[str, str | None]) -> None:
    """Everything listed, and one facet chosen."""
    page = ask(site, person, "", sort="newest")
    assert {hit.entry_id for hit in page.hits} == {entry.id for entry in visible}
    assert page.total == len(visible)
    of_term = Counter(
        term for entry in visible for own in entry.terms_of("procedures") for term in line_of(own.id, wider)
    )
    counts = {item.term: item.count for item in page.facets.get("procedure", ())}
    assert {term: counts.get(term, 0) for term in of_term} == of_term
    assert not (set(PROCEDURES) - of_term.keys()) & {term for term, count in counts.items() if count}
    for procedure in PROCEDURES:
        chosen = ask(site, person, "", facets={"procedure": (procedure,)})
        assert chosen.total == of_term[procedure]


def check_words(site: Site, person: User | None, visible: list[Entry]) -> None:
    """A word of titles, with and without a condition."""
    for word in (*WORDS["en"], *WORDS["zh"]):
        wanted = {entry.id for entry in visible if word in " ".join(entry.title.values())}
        page = ask(site, person, word)
        assert {hit.entry_id for hit in page.hits} == wanted
        assert page.total == len(wanted)
        late = {entry.id for entry in visible if entry.id in wanted and (entry.year_of_procedure or 0) >= 2021}
        assert ask(site, person, f"{word} year:>=2021").total == len(late)
        offered = site.index.suggest(word, lang="en", audiences=groups_of(site, person))
        assert {offer.entry_id for offer in offered if offer.entry_id} <= wanted
        assert bool([offer for offer in offered if offer.entry_id]) == bool(wanted)


def check_secrets(site: Site, session: Session, person: User | None) -> None:
    """A word of one entry alone: who may not know of the entry is not told of the word, however it is typed."""
    visible = {entry.id: entry for entry in told_of(session, person)}
    for word in SECRETS:
        knows = any(word in entry.title["en"] for entry in visible.values())
        slip = ask(site, person, word[:-2] + word[-1])
        offered = site.index.suggest(word[:7], lang="en", audiences=groups_of(site, person))
        assert bool(ask(site, person, word).total) == knows
        assert any(word in offer.text for offer in offered) == knows
        if not knows:
            told = (slip.did_you_mean or "", *(hit.title.text for hit in slip.hits))
            assert all(word not in text for text in told)
