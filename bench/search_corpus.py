"""A library of any size for bench/search.py: titles, summaries, terms and captions made of the project's vocabulary.

Seeded: the same number gives the same entries. Terms are drawn unevenly, as real ones are: a few are on a tenth of all
entries, most on one in a thousand.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

import yaml

from search.documents import Concept, EntryDocument, Moment, Vocabulary

FOLDER = Path(__file__).resolve().parent.parent / "config" / "vocabulary"
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_SCHEMES = ("procedure", "anatomy", "pathology", "device", "access", "imaging", "drug", "complication")
_ZH = re.findall(
    r"\S+",
    "术中 造影 显示 病变 远端 血流 恢复 良好 注意 患者 出现 疼痛 选择 合适 型号 "
    "缓慢 推注 复查 满意 撤出 加压 包扎 观察 讨论",
)
_EN = re.findall(
    r"\S+",
    "the lesion was crossed with a wire and the result was good after slow injection of contrast in this "
    "difficult case we show how to choose size length position avoid spasm rupture and check final flow before removal",
)
_SURNAMES = list("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗")
_GIVEN = list("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚文辉")
_CITIES = ["北京", "上海", "广州", "成都", "武汉", "杭州", "南京", "西安", "长沙", "沈阳", "郑州", "济南"]


def read_vocabulary() -> Vocabulary:
    """The vocabulary as it is shipped."""
    concepts: list[Concept] = []
    for path in sorted(FOLDER.glob("*.yaml")):
        scheme = yaml.safe_load(path.read_text(encoding="utf-8"))
        for term in scheme.get("terms", ()):
            synonyms = {lang: tuple(forms) for lang, forms in term.get("synonyms", {}).items()}
            concepts.append(Concept(term["id"], scheme["id"], term["labels"], synonyms, term.get("broader")))
    return Vocabulary(concepts)


class _Draw:
    """Terms by scheme, the first ones often, the last ones rarely."""

    def __init__(self, vocabulary: Vocabulary, seed: int) -> None:
        self.random = random.Random(seed)
        self._rows = {
            scheme: [concept for concept in vocabulary.concepts.values() if concept.scheme == scheme]
            for scheme in (*_SCHEMES, "content_type", "difficulty")
        }
        self._weights = {
            scheme: list(accumulate(1 / (at + 4) for at in range(len(rows)))) for scheme, rows in self._rows.items()
        }

    def terms(self, scheme: str, count: int) -> list[Concept]:
        return self.random.choices(self._rows[scheme], cum_weights=self._weights[scheme], k=count)

    def words(self, lang: str, count: int) -> str:
        return (" " if lang == "en" else "").join(self.random.choices(_EN if lang == "en" else _ZH, k=count))

    def name(self, concept: Concept, lang: str) -> str:
        names = [concept.label(lang), *concept.synonyms.get(lang, ())]
        return self.random.choice(names)


POOL = 10_000  # summaries and cues of each language that there are to put together


class _Texts:
    """Summaries and cues to draw from; reading text is most of what building an index costs."""

    def __init__(self, draw: _Draw, size: int) -> None:
        self._draw = draw
        self.summaries = {lang: [self._summary(lang) for _ in range(size)] for lang in ("en", "zh")}
        self.cues = {lang: [self._cue(lang, number) for number in range(size)] for lang in ("en", "zh")}

    def _summary(self, lang: str) -> str:
        spoken = [concept for scheme in _SCHEMES[:5] for concept in self._draw.terms(scheme, 1)]
        return ". ".join(f"{self._draw.words(lang, 8)} {self._draw.name(concept, lang)}" for concept in spoken)

    def _cue(self, lang: str, number: int) -> str:
        scheme = self._draw.random.choice(_SCHEMES)
        said = self._draw.name(self._draw.terms(scheme, 1)[0], lang) if number % 3 == 0 else ""
        return f"{self._draw.words(lang, 7)} {said}".strip()


def documents(vocabulary: Vocabulary, count: int) -> Iterator[EntryDocument]:
    """That many entries; no two have the same title, terms, summaries and captions."""
    draw = _Draw(vocabulary, 7)
    texts = _Texts(draw, min(count, POOL))
    for number in range(count):
        yield _document(draw, texts, number)


def _document(draw: _Draw, texts: _Texts, number: int) -> EntryDocument:
    chance = draw.random
    terms = {scheme: draw.terms(scheme, 1 + (chance.random() < 0.4)) for scheme in _SCHEMES[:5]}
    terms |= {scheme: draw.terms(scheme, 1) for scheme in ("imaging", "content_type", "difficulty")}
    if chance.random() < 0.3:
        terms |= {scheme: draw.terms(scheme, 1) for scheme in ("drug", "complication")}
    procedure, pathology = terms["procedure"][0], terms["pathology"][0]
    titles = {
        "en": f"{draw.name(procedure, 'en')} for {draw.name(pathology, 'en')}: {draw.words('en', 4)}",
        "zh": f"{draw.name(pathology, 'zh')}的{draw.name(procedure, 'zh')}：{draw.words('zh', 3)}",
    }
    return EntryDocument(
        id=f"{number:08d}-0000-4000-8000-{chance.getrandbits(48):012x}",
        version=1,
        titles=titles,
        summaries={lang: chance.choice(of) for lang, of in texts.summaries.items()},
        terms={scheme: tuple(dict.fromkeys(concept.id for concept in of)) for scheme, of in terms.items()},
        people=(chance.choice(_SURNAMES) + chance.choice(_GIVEN) + chance.choice(["", *_GIVEN]),),
        keywords=(),
        moments=tuple(_captions(chance, texts)) if number % 10 == 0 else (),
        duration_s=60.0 + chance.random() * 3000,
        published_at=_EPOCH + timedelta(minutes=chance.randrange(3_000_000)),
        year=chance.randrange(2010, 2026),
        audiences=frozenset({"public" if number % 8 == 0 else "signed_in"}),
        hospitals=(f"{chance.choice(_CITIES)}第{chance.choice('一二三四五')}医院",),
    )


def _captions(chance: random.Random, texts: _Texts) -> Iterator[Moment]:
    """Four minutes of speech in one language."""
    lang = chance.choice(["zh", "en"])
    for cue in range(60):
        yield Moment(cue * 4.0, cue * 4.0 + 3.8, "caption", chance.choice(texts.cues[lang]), lang)


def query_sets(count: int) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """(text, options of the request) of each kind of query."""
    vocabulary = read_vocabulary()
    draw = _Draw(vocabulary, 11)

    def name(scheme: str, lang: str) -> str:
        return draw.name(draw.terms(scheme, 1)[0], lang)

    def slip(word: str) -> str:
        at = draw.random.randrange(1, max(2, len(word) - 1))
        return word[:at] + word[at + 1 :]

    sets: dict[str, list[tuple[str, dict[str, Any]]]] = {
        kind: [] for kind in ("one term", "and", "phrase", "zh", "mixed", "fuzzy", "facet", "filter+sort", "everything")
    }
    for number in range(count):
        scheme = _SCHEMES[number % 5]
        chosen = {of: [draw.terms(of, 1)[0].id] for of in ("procedure", "access")[: 1 + number % 2]}
        sets["one term"].append((name(scheme, "en").split()[0], {}))
        sets["and"].append((f"{name('procedure', 'en')} {name('device', 'en')}", {}))
        sets["phrase"].append((f'"{name(scheme, "en" if number % 2 else "zh")}"', {}))
        sets["zh"].append((f"{name('procedure', 'zh')} {name('pathology', 'zh')}", {}))
        sets["mixed"].append((f"{name('procedure', 'zh')} {name('device', 'en')}", {}))
        sets["fuzzy"].append((slip(max(name("procedure", "en").split(), key=len)), {}))
        sets["facet"].append((name("anatomy", "zh"), {"facets": chosen}))
        sets["filter+sort"].append((f"{name('device', 'zh')} year:2015-2020 duration:<30m", {"sort": "newest"}))
        sets["everything"].append(("", {"limit": 20 + number % 5, "facets": {} if number % 2 else chosen}))
    return sets
