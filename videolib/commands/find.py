"""`search`: the catalogue from the command line, as somebody signed in sees it."""

from __future__ import annotations

from typing import Any

import click

from videolib.commands.opening import opened_database, print_json, read_settings

AUDIENCES = frozenset({"public", "signed_in"})


@click.command()
@click.argument("query")
@click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    default="zh",
    show_default=True,
    help="Language of labels; not a filter.",
)
@click.option(
    "--facet",
    "facets",
    multiple=True,
    metavar="SCHEME=TERM",
    help="Only entries with that term; may be given again.",
)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100), help="How many hits.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a hit, then one with the totals.")
def search(query: str, lang: str, facets: tuple[str, ...], limit: int, *, as_json: bool) -> None:
    """Search the catalogue for QUERY.

    Words, "phrases", -not, procedure:TACE, device:, step:, access:, complication:, grade:4, hospital:, has:captions,
    lang:zh, duration:<10m, year:2020-2024; put the whole in quotes, and -- before a query that begins with a minus.
    """
    from search.pages import SearchRequest
    from videolib.catalogue.indexing import HostIndex

    request = SearchRequest(text=query, lang=lang, facets=_read_facets(facets), audiences=AUDIENCES, limit=limit)
    settings = read_settings()
    with opened_database(settings) as database:
        index = HostIndex(settings, database)
        index.follow()
        page = index.search(request)
        for hit in page.hits:
            print_json(_hit(hit)) if as_json else _tell(hit)
    facet_counts = {
        scheme: [{"term": item.term, "label": item.label, "count": item.count, "depth": item.depth} for item in counts]
        for scheme, counts in page.facets.items()
    }
    if as_json:
        print_json(
            {
                "total": page.total,
                "took_ms": page.took_ms,
                "facets": facet_counts,
                "did_you_mean": page.did_you_mean,
            }
        )
    else:
        click.echo(f"{page.total} found" + (f"; did you mean {page.did_you_mean}?" if page.did_you_mean else ""))


def _read_facets(given: tuple[str, ...]) -> dict[str, list[str]]:
    facets: dict[str, list[str]] = {}
    for text in given:
        scheme, equals, term = text.partition("=")
        if not (scheme and equals and term):
            raise click.UsageError("Write a facet as scheme=term, for example procedure=proc.tace.")
        facets.setdefault(scheme, []).append(term)
    return facets


def _hit(hit: Any) -> dict[str, Any]:
    return {
        "entry_id": hit.entry_id,
        "title": hit.title.text,
        "snippet": hit.snippet.text,
        "score": hit.score,
        "moments": [
            {
                "start_s": moment.start_s,
                "end_s": moment.end_s,
                "kind": moment.kind,
                "text": moment.text,
                "lang": moment.lang,
            }
            for moment in hit.moments
        ],
    }


def _tell(hit: Any) -> None:
    click.echo(f"{hit.entry_id}  {hit.title.text}")
    for moment in hit.moments:
        click.echo(f"    {int(moment.start_s) // 60}:{int(moment.start_s) % 60:02} {moment.text}")
