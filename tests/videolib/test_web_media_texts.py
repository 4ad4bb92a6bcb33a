"""Every player gets an entry's captions as they stand now, inside the package's multivariant playlist."""

from __future__ import annotations

from typing import Any

import m3u8

from tests.visitors import Site, Visitor, media_path
from videolib.catalogue import captions
from videolib.catalogue.entries import Entry
from videolib.catalogue.packages import Chunk, Package
from videolib.web.media_texts import with_captions

LINE = (
    '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="{0}",LANGUAGE="{0}",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,'
    'URI="subtitles/{0}/index.m3u8"\n'
)
MASTER = (
    "#EXTM3U\n" + LINE.format("zh") + LINE.format("ja") + '#EXT-X-STREAM-INF:BANDWIDTH=800000,SUBTITLES="subtitles"\n'
    "video/360p/index.m3u8\n"
)
VTT = "WEBVTT\n\n00:00.500 --> 00:02.000\n{}\n"


def with_texts(site: Site) -> Entry:
    """A published entry whose package brought Chinese and Japanese text; the Chinese is the entry's."""
    entry = site.add_published()
    with site.database.writing() as session:
        package = session.get_one(Package, entry.package_id)
        texts = [{"name": "zh", "language": "zh", "in_entry": True}, {"name": "ja", "language": "ja"}]
        package.description = {**package.description, "subtitles": texts}
        (chunk,) = session.query(Chunk).filter_by(package_id=package.id)
        stored = {"master.m3u8": MASTER, "subtitles/zh/0000.vtt": "WEBVTT\n", "subtitles/ja/0000.vtt": "WEBVTT\n"}
        chunk.objects = [*chunk.objects, *({"path": path, "bytes": 9, "sha256": "0" * 64} for path in stored)]
        for path, text in stored.items():
            site.store.delete([f"{package.prefix}/{path}"])
            site.store.put_bytes(f"{package.prefix}/{path}", text.encode())
        captions.add_captions(session, session.get_one(Entry, entry.id), "zh", VTT.format("初稿"), by=None)
    return entry


def subtitles_of(visitor: Visitor, entry: Entry) -> tuple[dict[str, str], str]:
    """The text renditions that are offered, by language, and the address of the multivariant playlist."""
    playback: dict[str, Any] = dict(visitor.get(f"/api/v1/entries/{entry.id}/playback").json or {})
    master = m3u8.loads(visitor.get(media_path(playback)).text)
    return {media.language: media.uri for media in master.media if media.type == "SUBTITLES"}, media_path(playback)


def test_a_mended_caption_is_mended_in_every_player_and_a_removed_one_is_gone(sqlite_site: Site) -> None:
    entry = with_texts(sqlite_site)
    trainee, nobody = sqlite_site.visitor("trainee"), sqlite_site.anonymous()
    offered, address = subtitles_of(trainee, entry)
    base = address.removesuffix("master.m3u8")

    assert offered == {"zh-Hans": "captions/zh-Hans.m3u8", "ja": "subtitles/ja/index.m3u8"}
    playlist = m3u8.loads(nobody.get(base + offered["zh-Hans"]).text)
    assert playlist.is_endlist
    assert (playlist.segments[0].uri, playlist.segments[0].duration) == ("zh-Hans.vtt", 4.0)
    assert "初稿" in nobody.get(f"{base}captions/{playlist.segments[0].uri}").text

    with sqlite_site.database.writing() as session:
        captions.add_captions(session, session.get_one(Entry, entry.id), "zh", VTT.format("定稿"), by=None)
    assert "定稿" in nobody.get(f"{base}captions/zh-Hans.vtt").text
    with sqlite_site.database.writing() as session:
        captions.delete_captions(session, session.get_one(Entry, entry.id), "zh-Hans", by=None)

    assert subtitles_of(trainee, entry)[0] == {"ja": "subtitles/ja/index.m3u8"}
    assert nobody.get(f"{base}captions/zh-Hans.vtt").status_code == 404
    assert nobody.get(f"{base}subtitles/zh/0000.vtt").status_code == 404
    assert nobody.get(f"{base}subtitles/ja/0000.vtt").status_code == 200


def test_variants_name_a_group_of_texts_where_there_is_one_and_only_there() -> None:
    plain = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nvideo/360p/index.m3u8\n"

    assert with_captions(plain, frozenset(), []) == plain
    assert 'BANDWIDTH=1,SUBTITLES="subtitles"' in with_captions(plain, frozenset(), ["en"])
    assert "SUBTITLES" not in with_captions(MASTER, frozenset({"zh", "ja"}), [])
